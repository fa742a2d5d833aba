// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Any bytes as a program's file: unwound through, named, taken for its own debug file. libdw reads
// them; what it does not survive ends the stack helper alone, but should be known.
#include "fuzz/require.hpp"
#include "stacks/dwfl_program.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace tcpledger {
namespace {

UniqueFd memory_file(const std::uint8_t* data, std::size_t size)
{
    UniqueFd file(::memfd_create("elf", MFD_CLOEXEC));
    if (::write(file.get(), data, size) != static_cast<ssize_t>(size)) {
        std::abort();
    }
    return file;
}

} // namespace
} // namespace tcpledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tcpledger;
    constexpr std::size_t kMostBytes = 64U << 10U;
    if (size > kMostBytes) {
        return 0;
    }
    std::vector<UniqueFd> files;
    files.push_back(memory_file(data, size));
    DwflProgram program(KnowProgram{1, -1, {{0x1000, 0x5000, 0x1000, 0, "/elf"}}}, files);
    Unwind request;
    for (std::size_t number = 0; number < request.registers.size(); ++number) {
        request.registers[number] = 0x1100 + 16 * number;
    }
    request.stack.assign(1024, std::byte{0x11});
    const Unwound unwound = program.unwind(request);
    require(!unwound.addresses.empty() && unwound.addresses.size() <= kMostFrames, "some frames");
    const Named named = program.name(unwound.addresses);
    require(named.frames.size() <= kMostFrames, "at most so many frames");
    for (const WantedDebugFile& wanted : named.wanted) {
        program.add_debug_file(wanted.mapped, memory_file(data, size));
    }
    require(program.name(unwound.addresses).frames.size() <= kMostFrames, "with a debug file too");
    return 0;
}
