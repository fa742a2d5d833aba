// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/messages.hpp"

#include "stacks/byte_stream.hpp"

#include <utility>

namespace tcpledger {
namespace {

/// A program maps few files; a name longer than this is cut by who writes it.
constexpr std::size_t kMostMapped = 4096;

template <typename T> struct Type {};

void write(ByteWriter& out, const MappedFile& mapped)
{
    out.put(mapped.start);
    out.put(mapped.end);
    out.put(mapped.offset);
    out.put(mapped.file);
    out.put(mapped.path);
}

void write(ByteWriter& out, const KnowProgram& message)
{
    out.put(message.program);
    out.put(message.perf_map);
    out.put_count(message.mapped.size());
    for (const MappedFile& mapped : message.mapped) {
        write(out, mapped);
    }
}

void write(ByteWriter& out, const KnowDebugFile& message)
{
    out.put(message.program);
    out.put(message.mapped);
}

void write(ByteWriter& out, const KnowPerfMap& message)
{
    out.put(message.program);
}

void write(ByteWriter& out, const ForgetProgram& message)
{
    out.put(message.program);
}

void write(ByteWriter& out, const Unwind& message)
{
    out.put(message.program);
    out.put(message.registers);
    out.put_all(std::span(message.stack));
}

void write(ByteWriter& out, const Name& message)
{
    out.put(message.program);
    out.put_all(std::span(message.addresses));
}

void write(ByteWriter& out, const Unwound& message)
{
    out.put(message.how);
    out.put(message.strange);
    out.put_all(std::span(message.addresses));
}

void write(ByteWriter& out, const StackFrame& frame)
{
    out.put(frame.function);
    out.put(frame.file);
    out.put(frame.line);
    out.put(frame.module);
    out.put(frame.offset);
    out.put(frame.inlined);
}

void write(ByteWriter& out, const Named& message)
{
    out.put_count(message.frames.size());
    for (const StackFrame& frame : message.frames) {
        write(out, frame);
    }
    out.put_count(message.wanted.size());
    for (const WantedDebugFile& wanted : message.wanted) {
        out.put(wanted.mapped);
        out.put(wanted.build_id);
        out.put(wanted.debug_link);
    }
    out.put(message.wants_perf_map);
}

MappedFile read(ByteReader& in, Type<MappedFile> /*unused*/)
{
    MappedFile mapped;
    mapped.start = in.get<std::uint64_t>();
    mapped.end = in.get<std::uint64_t>();
    mapped.offset = in.get<std::uint64_t>();
    mapped.file = in.get<std::int32_t>();
    mapped.path = in.get_text();
    return mapped;
}

KnowProgram read(ByteReader& in, Type<KnowProgram> /*unused*/)
{
    KnowProgram message;
    message.program = in.get<std::uint32_t>();
    message.perf_map = in.get<std::int32_t>();
    for (std::size_t left = in.get_count(kMostMapped); left > 0 && in.ok(); --left) {
        message.mapped.push_back(read(in, Type<MappedFile>()));
    }
    return message;
}

KnowDebugFile read(ByteReader& in, Type<KnowDebugFile> /*unused*/)
{
    KnowDebugFile message;
    message.program = in.get<std::uint32_t>();
    message.mapped = in.get<std::uint32_t>();
    return message;
}

KnowPerfMap read(ByteReader& in, Type<KnowPerfMap> /*unused*/)
{
    return {in.get<std::uint32_t>()};
}

ForgetProgram read(ByteReader& in, Type<ForgetProgram> /*unused*/)
{
    return {in.get<std::uint32_t>()};
}

Unwind read(ByteReader& in, Type<Unwind> /*unused*/)
{
    Unwind message;
    message.program = in.get<std::uint32_t>();
    message.registers = in.get<decltype(message.registers)>();
    message.stack = in.get_all<std::byte>(kMostStackBytes);
    return message;
}

Name read(ByteReader& in, Type<Name> /*unused*/)
{
    Name message;
    message.program = in.get<std::uint32_t>();
    message.addresses = in.get_all<std::uint64_t>(kMostFrames);
    return message;
}

Unwound read(ByteReader& in, Type<Unwound> /*unused*/)
{
    Unwound message;
    const auto how = in.get<std::uint8_t>();
    message.how = how <= static_cast<std::uint8_t>(StackHow::kPartial) ? static_cast<StackHow>(how)
                                                                       : StackHow::kPartial;
    message.strange = in.get<std::uint8_t>() != 0;
    message.addresses = in.get_all<std::uint64_t>(kMostFrames);
    return message;
}

StackFrame read(ByteReader& in, Type<StackFrame> /*unused*/)
{
    StackFrame frame;
    frame.function = in.get_text();
    frame.file = in.get_text();
    frame.line = in.get<std::uint32_t>();
    frame.module = in.get_text();
    frame.offset = in.get<std::uint64_t>();
    frame.inlined = in.get<std::uint8_t>() != 0;
    return frame;
}

Named read(ByteReader& in, Type<Named> /*unused*/)
{
    Named message;
    for (std::size_t left = in.get_count(kMostFrames); left > 0 && in.ok(); --left) {
        message.frames.push_back(read(in, Type<StackFrame>()));
    }
    for (std::size_t left = in.get_count(kMostFrames); left > 0 && in.ok(); --left) {
        WantedDebugFile wanted;
        wanted.mapped = in.get<std::uint32_t>();
        wanted.build_id = in.get_text();
        wanted.debug_link = in.get_text();
        message.wanted.push_back(std::move(wanted));
    }
    message.wants_perf_map = in.get<std::uint8_t>() != 0;
    return message;
}

template <typename Message> std::vector<std::byte> encode_any(const Message& message)
{
    ByteWriter out;
    out.put(static_cast<std::uint8_t>(message.index()));
    std::visit([&](const auto& content) { write(out, content); }, message);
    return out.take();
}

/// Tries the alternatives from `Index` on.
template <typename Message, std::size_t Index = 0>
std::optional<Message> decode_any(std::span<const std::byte> bytes)
{
    if constexpr (Index < std::variant_size_v<Message>) {
        if (!bytes.empty() && bytes[0] == std::byte{Index}) {
            ByteReader in(bytes.subspan(1));
            Message message(read(in, Type<std::variant_alternative_t<Index, Message>>()));
            return in.complete() ? std::optional<Message>(std::move(message)) : std::nullopt;
        }
        return decode_any<Message, Index + 1>(bytes);
    } else {
        return std::nullopt;
    }
}

} // namespace

std::vector<std::byte> encode(const Request& request)
{
    return encode_any(request);
}

std::vector<std::byte> encode(const Answer& answer)
{
    return encode_any(answer);
}

std::optional<Request> decode_request(std::span<const std::byte> bytes)
{
    return decode_any<Request>(bytes);
}

std::optional<Answer> decode_answer(std::span<const std::byte> bytes)
{
    return decode_any<Answer>(bytes);
}

} // namespace tcpledger
