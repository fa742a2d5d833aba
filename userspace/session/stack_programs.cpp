// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/stack_programs.hpp"

#include "session/debug_files.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace tcpledger {
namespace {

using Steady = std::chrono::steady_clock;

/// The one that was used longest ago is forgotten.
constexpr std::size_t kMostPrograms = 256;
/// A program whose files end so many helpers is left alone.
constexpr int kMostStrikes = 2;
/// Between two readings of one program's mappings.
constexpr std::chrono::seconds kReadAgain{1};
/// A longer path is told by its end.
constexpr std::size_t kMostPathBytes = 400;

std::string short_path(const std::string& path)
{
    return path.size() <= kMostPathBytes ? path : path.substr(path.size() - kMostPathBytes);
}

UniqueFd open_perf_map(const ProcessRoot& root, std::uint32_t pid)
{
    UniqueFd file = root.open_file(fmt::format("/tmp/perf-{}.map", root.inner_pid()));
    return file.valid() ? std::move(file)
                        : open_regular_file(fmt::format("/tmp/perf-{}.map", pid)); // it has ended
}

} // namespace

std::optional<StackPrograms::Unwinding> StackPrograms::unwind(const tl_stack& record)
{
    const Key key{record.tgid, record.start_ns};
    Program* program = present(key);
    std::optional<Unwound> unwound =
        program != nullptr ? ask(*program, record) : std::optional<Unwound>();
    if (unwound && unwound->strange && has_changed(*program)) {
        Program* newer = read(key);
        if (auto again = newer != nullptr ? ask(*newer, record) : std::optional<Unwound>()) {
            program = newer;
            unwound = std::move(again);
        }
    }
    if (!unwound) {
        return std::nullopt;
    }
    return Unwinding{program->number, std::move(*unwound)};
}

StackPrograms::Program* StackPrograms::present(const Key& key)
{
    const auto known = present_.find(key);
    Program* program = known != present_.end() ? find(known->second) : nullptr;
    if (program == nullptr) {
        return read(key);
    }
    const FileIdentity now = program->root.program();
    const bool ended = now == FileIdentity{};
    return ended || now == program->executable ? program : read(key); // exec()
}

StackPrograms::Program* StackPrograms::read(const Key& key)
{
    Expected<ProcessRoot> root = ProcessRoot::open(key.first);
    auto mappings = root ? root->mappings()
                         : Expected<std::vector<ExecutableMapping>>(tl::unexpected(root.error()));
    if (!mappings || mappings->empty()) {
        return nullptr;
    }
    Program program{.number = ++last_number_,
                    .pid = key.first,
                    .root = std::move(*root),
                    .executable = {},
                    .mappings = std::move(*mappings),
                    .mapped = {},
                    .files = {},
                    .debug_files = {},
                    .looked_for = {},
                    .told = false,
                    .strikes = 0,
                    .read_at = Steady::now()};
    program.executable = program.root.program();
    std::map<std::pair<std::uint64_t, std::string>, std::int32_t> opened;
    for (const ExecutableMapping& mapping : program.mappings) {
        // One place is kept for the perf map.
        if (program.files.size() + 1 >= kMostFiles || program.mapped.size() >= kMostFiles) {
            break;
        }
        auto [file, is_new] = opened.try_emplace({mapping.inode, mapping.path}, -1);
        if (UniqueFd fd; is_new && (fd = program.root.open_mapped(mapping)).valid()) {
            file->second = static_cast<std::int32_t>(program.files.size());
            program.files.push_back(std::move(fd));
        }
        program.mapped.push_back(
            {mapping.start, mapping.end, mapping.offset, file->second, short_path(mapping.path)});
    }
    present_[key] = program.number;
    programs_.push_front(std::move(program));
    forget_oldest();
    return &programs_.front();
}

void StackPrograms::forget_oldest()
{
    while (programs_.size() > kMostPrograms) {
        const Number oldest = programs_.back().number;
        std::erase_if(present_, [&](const auto& entry) { return entry.second == oldest; });
        if (helper_ && programs_.back().told) {
            (void)helper_->tell(ForgetProgram{oldest}, {});
        }
        programs_.pop_back();
    }
}

bool StackPrograms::has_changed(Program& program)
{
    const auto now = Steady::now();
    if (now - program.read_at < kReadAgain) {
        return false;
    }
    program.read_at = now;
    const auto mappings = program.root.mappings();
    return mappings && !mappings->empty() && *mappings != program.mappings;
}

StackPrograms::Program* StackPrograms::find(Number number)
{
    const auto found = std::ranges::find(programs_, number, &Program::number);
    if (found == programs_.end()) {
        return nullptr;
    }
    programs_.splice(programs_.begin(), programs_, found);
    return &*found;
}

bool StackPrograms::has_helper()
{
    if (!helper_) {
        Expected<HelperProcess> helper = HelperProcess::start();
        if (!helper) {
            spdlog::debug("{}", helper.error().message());
            return false;
        }
        helper_ = std::move(*helper);
    }
    return true;
}

bool StackPrograms::tell(Program& program)
{
    if (!has_helper()) {
        return false;
    }
    if (program.told) {
        return true;
    }
    std::vector<int> files;
    std::ranges::transform(program.files, std::back_inserter(files), &UniqueFd::get);
    KnowProgram message{program.number, -1, program.mapped};
    const UniqueFd perf_map = open_perf_map(program.root, program.pid);
    if (perf_map.valid()) {
        message.perf_map = static_cast<std::int32_t>(files.size());
        files.push_back(perf_map.get());
    }
    program.told = helper_->tell(message, files);
    for (const auto& [mapped, file] : program.debug_files) {
        const int fd = file.get();
        program.told =
            program.told && helper_->tell(KnowDebugFile{program.number, mapped}, std::span(&fd, 1));
    }
    return program.told;
}

void StackPrograms::strike(Program& program)
{
    helper_.reset();
    std::ranges::for_each(programs_, [](Program& each) { each.told = false; });
    if (++program.strikes == kMostStrikes) {
        spdlog::debug("pid {}: its files cannot be read for stacks", program.pid);
    }
}

std::optional<Unwound> StackPrograms::ask(Program& program, const tl_stack& record)
{
    if (program.strikes >= kMostStrikes || !tell(program)) {
        return std::nullopt;
    }
    Unwind request;
    request.program = program.number;
    std::ranges::copy(record.registers, request.registers.begin());
    const std::size_t size = std::min<std::size_t>(record.stack_bytes, kMostStackBytes);
    request.stack.resize(size);
    std::memcpy(request.stack.data(), record.stack, size);
    auto answer = helper_->ask(request);
    if (!answer) {
        strike(program);
    }
    return answer;
}

std::optional<Named> StackPrograms::ask(Program& program, const Name& request)
{
    if (program.strikes >= kMostStrikes || !tell(program)) {
        return std::nullopt;
    }
    auto answer = helper_->ask(request);
    if (!answer) {
        strike(program);
    }
    return answer;
}

Stack StackPrograms::name(Number number, const Unwound& unwound)
{
    Stack stack;
    stack.how = unwound.how;
    Program* program = find(number);
    const Name request{number, unwound.addresses};
    std::optional<Named> named =
        program != nullptr ? ask(*program, request) : std::optional<Named>();
    // A debug file may name another one's functions: what was found is asked once more.
    if (named && (find_debug_files(*program, named->wanted) ||
                  (named->wants_perf_map && refresh_perf_map(*program)))) {
        named = ask(*program, request);
    }
    if (!named) {
        std::ranges::transform(unwound.addresses, std::back_inserter(stack.frames),
                               [](std::uint64_t address) {
                                   StackFrame frame;
                                   frame.offset = address;
                                   return frame;
                               });
        return stack;
    }
    stack.hints = naming_hints(*named, program->mapped, program->pid);
    stack.frames = std::move(named->frames);
    return stack;
}

bool StackPrograms::refresh_perf_map(Program& program)
{
    const UniqueFd file = open_perf_map(program.root, program.pid);
    const int fd = file.get();
    return file.valid() && tell(program) &&
           helper_->tell(KnowPerfMap{program.number}, std::span(&fd, 1));
}

bool StackPrograms::find_debug_files(Program& program, std::span<const WantedDebugFile> wanted)
{
    bool found = false;
    for (const WantedDebugFile& one : wanted) {
        if (one.mapped >= program.mapped.size() || !program.looked_for.insert(one.mapped).second) {
            continue;
        }
        UniqueFd file = find_debug_file(program.root, program.mapped[one.mapped].path, one,
                                        options_.debuginfod);
        const int fd = file.get();
        if (file.valid() && tell(program) &&
            helper_->tell(KnowDebugFile{program.number, one.mapped}, std::span(&fd, 1))) {
            program.debug_files.insert_or_assign(one.mapped, std::move(file));
            found = true;
        }
    }
    return found;
}

} // namespace tcpledger
