// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Any bytes as what the stack helper and its owner say to each other, as a list of compiled code,
// as a process's mappings, as a symbol; the first byte says which.
#include "fuzz/require.hpp"
#include "procfs/mappings.hpp"
#include "stacks/messages.hpp"
#include "stacks/perf_map.hpp"
#include "stacks/symbol_names.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tcpledger {
namespace {

void check_messages(std::span<const std::byte> bytes)
{
    if (const auto request = decode_request(bytes)) {
        require(decode_request(encode(*request)) == request, "a request is read as it was written");
    }
    if (const auto answer = decode_answer(bytes)) {
        require(decode_answer(encode(*answer)) == answer, "an answer is read as it was written");
    }
}

void check_perf_map(std::string_view text)
{
    const PerfMap map = PerfMap::parse(text);
    for (std::uint64_t address = 0; address < 0x3000; address += 0x7f) {
        StackFrame frame;
        require(map.name(address, frame) == map.contains(address), "what is there has a name");
        require(frame.function.size() <= PerfMap::kMostNameBytes, "names are cut");
    }
}

void check_mappings(std::string_view text)
{
    for (const ExecutableMapping& mapping : parse_mappings(text)) {
        require(mapping.start < mapping.end, "a mapping has a size");
        require(mapping.path.starts_with('/'), "a mapping is a file's");
    }
}

} // namespace
} // namespace tcpledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tcpledger;
    if (size == 0) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        check_messages(std::as_bytes(std::span(data + 1, size - 1)));
        break;
    case 1:
        check_perf_map(text);
        break;
    case 2:
        check_mappings(text);
        break;
    default:
        require(readable_function(text).size() <= 1024 + 64 * size, "a name stays in bounds");
    }
    return 0;
}
