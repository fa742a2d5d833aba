// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Our own stack, copied as the kernel side copies one, and files that are no programs.
#include "stacks/dwfl_program.hpp"

#include "procfs/mappings.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <pthread.h>
#include <random>

namespace tcpledger {
namespace {

struct Known {
    KnowProgram message;
    std::vector<UniqueFd> files;
};

/// This very process.
Known ourselves()
{
    Known known;
    known.message.program = 1;
    const auto root = ProcessRoot::open(static_cast<std::uint32_t>(::getpid()));
    const auto mappings = root->mappings();
    for (const ExecutableMapping& mapping : *mappings) {
        UniqueFd file = root->open_mapped(mapping);
        if (file.valid()) {
            known.message.mapped.push_back({mapping.start, mapping.end, mapping.offset,
                                            static_cast<std::int32_t>(known.files.size()),
                                            mapping.path});
            known.files.push_back(std::move(file));
        }
    }
    return known;
}

/// Of the thread that calls it, as it is inside. A stack's red zones are not for reading, else.
[[gnu::noinline, gnu::no_sanitize_address]] Unwind copy_stack_here()
{
    ucontext_t context;
    ::getcontext(&context);
    Unwind unwind;
    unwind.program = 1;
#if defined(__x86_64__)
    const auto* registers = context.uc_mcontext.gregs;
    constexpr int kByNumber[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                 REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                 REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    std::ranges::transform(kByNumber, unwind.registers.begin(), [&](int number) {
        return static_cast<std::uint64_t>(registers[number]);
    });
    const std::uint64_t sp = unwind.registers[7];
#else
    std::ranges::copy(context.uc_mcontext.regs, unwind.registers.begin());
    unwind.registers[31] = context.uc_mcontext.sp;
    unwind.registers[32] = context.uc_mcontext.pc;
    const std::uint64_t sp = context.uc_mcontext.sp;
#endif
    pthread_attr_t attributes;
    void* base = nullptr;
    std::size_t size = 0;
    ::pthread_getattr_np(::pthread_self(), &attributes);
    ::pthread_attr_getstack(&attributes, &base, &size);
    ::pthread_attr_destroy(&attributes);
    const std::uint64_t left = reinterpret_cast<std::uint64_t>(base) + size - sp;
    unwind.stack.resize(std::min<std::size_t>(left, kMostStackBytes));
    // Byte by byte: a sanitizer's memcpy() looks itself.
    const volatile std::byte* from = reinterpret_cast<const std::byte*>(sp); // NOLINT
    for (std::byte& byte : unwind.stack) {
        byte = *from++;
    }
    return unwind;
}

[[gnu::noinline]] Unwind called_by_a_known_name(int depth)
{
    Unwind unwind = depth > 0 ? called_by_a_known_name(depth - 1) : copy_stack_here();
    unwind.program += 0U * static_cast<unsigned>(depth);
    return unwind;
}

std::size_t count_function(const Named& named, std::string_view ending)
{
    return static_cast<std::size_t>(
        std::ranges::count_if(named.frames, [&](const StackFrame& frame) {
            return frame.function.ends_with(ending) && frame.offset != 0;
        }));
}

TEST(DwflProgram, UnwindsAndNamesACopiedStack)
{
    Known known = ourselves();
    DwflProgram program(known.message, known.files);
    const Unwound unwound = program.unwind(called_by_a_known_name(3));
    EXPECT_EQ(unwound.how, StackHow::kDwarf);
    EXPECT_FALSE(unwound.strange);
    const Named named = program.name(unwound.addresses);
    EXPECT_EQ(count_function(named, "copy_stack_here"), 1U);
    EXPECT_EQ(count_function(named, "called_by_a_known_name"), 4U);
    EXPECT_GE(count_function(named, "main"), 1U);
    EXPECT_FALSE(named.wants_perf_map);
}

TEST(DwflProgram, AStackThatIsCutIsPartial)
{
    Known known = ourselves();
    DwflProgram program(known.message, known.files);
    Unwind request = called_by_a_known_name(3);
    const Unwound whole = program.unwind(request);
    request.stack.resize(256);
    const Unwound cut = program.unwind(request);
    EXPECT_EQ(cut.how, StackHow::kPartial);
    ASSERT_LT(cut.addresses.size(), whole.addresses.size());
    EXPECT_TRUE(std::equal(cut.addresses.begin(), cut.addresses.end(), whole.addresses.begin()));
}

TEST(DwflProgram, NothingKnownIsOneStrangeFrame)
{
    DwflProgram program(KnowProgram{1, -1, {}}, {});
    Unwind request;
    request.registers.fill(0x1000);
    const Unwound unwound = program.unwind(request);
    EXPECT_EQ(unwound.how, StackHow::kPartial);
    EXPECT_TRUE(unwound.strange);
    EXPECT_EQ(unwound.addresses, std::vector<std::uint64_t>{0xfff});
    const Named named = program.name(unwound.addresses);
    ASSERT_EQ(named.frames.size(), 1U);
    EXPECT_EQ(named.frames[0].offset, 0xfffU);
    EXPECT_TRUE(named.wants_perf_map);
}

UniqueFd memory_file(std::span<const std::byte> bytes)
{
    UniqueFd file(::memfd_create("hostile", MFD_CLOEXEC));
    EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return file;
}

std::vector<std::byte> own_program()
{
    std::vector<std::byte> bytes(64U << 10U);
    const UniqueFd file = open_regular_file("/proc/self/exe");
    const ssize_t size = ::read(file.get(), bytes.data(), bytes.size());
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return bytes;
}

/// Whatever it says, it comes back.
void read_hostile(std::span<const std::byte> bytes)
{
    std::vector<UniqueFd> files;
    files.push_back(memory_file(bytes));
    DwflProgram program(KnowProgram{1, 0, {{0x10000, 0x20000, 0, 0, "/hostile"}}}, files);
    Unwind request;
    request.registers.fill(0x10010);
    request.stack.assign(4096, std::byte{0x11});
    const Unwound unwound = program.unwind(request);
    EXPECT_LE(unwound.addresses.size(), kMostFrames);
    EXPECT_LE(program.name(unwound.addresses).frames.size(), kMostFrames);
}

TEST(DwflProgram, FilesThatAreCutAreReadAsFarAsTheyGo)
{
    const std::vector<std::byte> whole = own_program();
    ASSERT_FALSE(whole.empty());
    for (const std::size_t size : {0U, 1U, 16U, 63U, 64U, 100U, 500U, 4096U, 10'000U}) {
        read_hostile(std::span(whole).first(std::min<std::size_t>(size, whole.size())));
    }
}

TEST(DwflProgram, FilesWithNoiseInTheirHeadersAreSurvived)
{
    std::mt19937 random(20261128);
    const std::vector<std::byte> whole = own_program();
    for (int round = 0; round < 200; ++round) {
        std::vector<std::byte> noisy = whole;
        for (int change = 0; change < 8; ++change) {
            noisy[16 + random() % 1000] = static_cast<std::byte>(random());
        }
        read_hostile(noisy);
    }
}

} // namespace
} // namespace tcpledger
