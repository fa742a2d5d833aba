// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is concluded from a kernel's files, good and bad ones, and what is said when
// tracing cannot work. No privileges, no program is loaded.
#include "kernel/abilities.hpp"
#include "kernel/tracer.hpp"

#include "../procfs/stub_tree.hpp"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <memory>

namespace tcpledger {
namespace {

/// A stand-in for /sys.
struct StubSys : StubTree {
    [[nodiscard]] KernelFacts facts() const { return kernel_facts({root(), "/proc"}); }
};

/// BTF with these types, as a kernel would show it.
std::string btf_with(const std::vector<std::string>& typedefs,
                     const std::vector<std::string>& structs)
{
    const std::unique_ptr<btf, decltype(&btf__free)> types(btf__new_empty(), &btf__free);
    const int number = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
    for (const std::string& name : typedefs) {
        EXPECT_GT(btf__add_typedef(types.get(), name.c_str(), number), 0);
    }
    for (const std::string& name : structs) {
        EXPECT_GT(btf__add_struct(types.get(), name.c_str(), 0), 0);
    }
    std::uint32_t size = 0;
    const void* bytes = btf__raw_data(types.get(), &size);
    return {static_cast<const char*>(bytes), size};
}

const std::string kBtf = "kernel/btf/vmlinux";
const std::string kLockdown = "kernel/security/lockdown";

TEST(KernelFacts, WithoutBtf)
{
    const StubSys sys;
    const KernelFacts facts = sys.facts();
    EXPECT_FALSE(facts.has_btf);
    EXPECT_FALSE(facts.has_state_tracepoint);
    EXPECT_FALSE(facts.has_task_file_iterator);
    EXPECT_EQ(facts.lockdown, "") << "not known";
    EXPECT_FALSE(facts.release.empty());
}

TEST(KernelFacts, GarbageIsNoBtf)
{
    const std::string good = btf_with({"btf_trace_inet_sock_set_state"}, {});
    std::string wrong_magic = good;
    wrong_magic[0] = 'x';
    std::string huge_header = good;
    huge_header.replace(4, 4, "\xff\xff\xff\xff"); // hdr_len
    std::string huge_strings = good;
    huge_strings.replace(20, 4, "\xff\xff\xff\xff"); // str_len
    for (const std::string& bytes :
         {std::string(), std::string("garbage"), std::string(4096, '\xff'), std::string(64, '\0'),
          wrong_magic, huge_header, huge_strings, good.substr(0, 10),
          good.substr(0, good.size() / 2),
          std::string("\x7f"
                      "ELF and nothing more")}) {
        const StubSys sys;
        sys.file(kBtf, bytes);
        EXPECT_FALSE(sys.facts().has_btf) << bytes.size();
    }
}

TEST(KernelFacts, ADirectoryIsNoBtf)
{
    const StubSys sys;
    sys.file(kBtf + "/inside", "");
    EXPECT_FALSE(sys.facts().has_btf);
}

TEST(KernelFacts, WhatBtfNames)
{
    const StubSys sys;
    sys.file(kBtf, btf_with({"btf_trace_inet_sock_set_state"}, {"bpf_iter__task_file"}));
    const KernelFacts facts = sys.facts();
    EXPECT_TRUE(facts.has_btf);
    EXPECT_TRUE(facts.has_state_tracepoint);
    EXPECT_TRUE(facts.has_task_file_iterator);
}

/// A name of another kind is another thing.
TEST(KernelFacts, NamesOfOtherKindsDoNotCount)
{
    const StubSys sys;
    sys.file(kBtf, btf_with({"bpf_iter__task_file"}, {"btf_trace_inet_sock_set_state"}));
    const KernelFacts facts = sys.facts();
    EXPECT_TRUE(facts.has_btf);
    EXPECT_FALSE(facts.has_state_tracepoint);
    EXPECT_FALSE(facts.has_task_file_iterator);
}

TEST(KernelFacts, Lockdown)
{
    for (const auto& [text, mode] : std::vector<std::pair<std::string, std::string>>{
             {"[none] integrity confidentiality\n", "none"},
             {"none [integrity] confidentiality\n", "integrity"},
             {"none integrity [confidentiality]", "confidentiality"},
             {"", ""},
             {"none integrity", ""},
             {"[none", ""},
             {"none]", ""},
             {"][", ""},
             {"[]", ""},
         }) {
        const StubSys sys;
        sys.file(kLockdown, text);
        EXPECT_EQ(sys.facts().lockdown, mode) << text;
    }
}

struct Verdict {
    const char* name;
    HeldCapabilities held;
    bool has_btf;
    bool has_tracepoint;
    std::optional<ErrorKind> error;
    const char* says = "";
};

TEST(CheckCanTrace, Table)
{
    const HeldCapabilities none;
    const HeldCapabilities bpf_only{.bpf = true};
    const HeldCapabilities perfmon_only{.perfmon = true};
    const HeldCapabilities both{.bpf = true, .perfmon = true};
    const HeldCapabilities admin{.sys_admin = true};
    for (const Verdict& verdict : {
             Verdict{"all is well", both, true, true, std::nullopt},
             Verdict{"root of old", admin, true, true, std::nullopt},
             Verdict{"no privileges", none, true, true, ErrorKind::kNotPermitted, "CAP_BPF"},
             Verdict{"half of them", bpf_only, true, true, ErrorKind::kNotPermitted, "CAP_PERFMON"},
             Verdict{"other half", perfmon_only, true, true, ErrorKind::kNotPermitted, "CAP_BPF"},
             Verdict{"no BTF", both, false, false, ErrorKind::kUnsupported, "BTF"},
             Verdict{"old kernel", both, true, false, ErrorKind::kUnsupported,
                     "inet_sock_set_state"},
             Verdict{"privileges first", none, false, false, ErrorKind::kNotPermitted, "CAP_BPF"},
         }) {
        KernelFacts facts;
        facts.release = "5.4.0-test";
        facts.has_btf = verdict.has_btf;
        facts.has_state_tracepoint = verdict.has_tracepoint;
        const Expected<void> result = check_can_trace(facts, verdict.held);
        ASSERT_EQ(result.has_value(), !verdict.error.has_value()) << verdict.name;
        if (result) {
            continue;
        }
        EXPECT_EQ(result.error().kind, *verdict.error) << verdict.name;
        EXPECT_NE(result.error().message().find(verdict.says), std::string::npos)
            << verdict.name << ": " << result.error().message();
        EXPECT_FALSE(result.error().hint.empty()) << verdict.name << ": no way out is named";
        if (*verdict.error == ErrorKind::kUnsupported) {
            EXPECT_NE(result.error().message().find("5.4.0-test"), std::string::npos);
        }
    }
}

TEST(Capabilities, WhatTheyAllow)
{
    EXPECT_FALSE(HeldCapabilities{}.can_trace());
    EXPECT_FALSE(HeldCapabilities{}.can_read_processes());
    EXPECT_FALSE(HeldCapabilities{}.can_enter_namespaces());
    EXPECT_TRUE((HeldCapabilities{.bpf = true, .perfmon = true}.can_trace()));
    EXPECT_FALSE((HeldCapabilities{.bpf = true, .net_admin = true}.can_trace()));
    EXPECT_TRUE(HeldCapabilities{.sys_ptrace = true}.can_read_processes());
    EXPECT_TRUE(HeldCapabilities{.sys_admin = true}.can_enter_namespaces());
}

TEST(DefaultRingBytes, FourMebibytesACpuWithinBounds)
{
    constexpr std::size_t kMebibyte = std::size_t{1} << 20U;
    for (const auto& [cpus, mebibytes] :
         std::vector<std::pair<unsigned, std::size_t>>{{0, 8},
                                                       {1, 8},
                                                       {2, 8},
                                                       {3, 16},
                                                       {4, 16},
                                                       {5, 32},
                                                       {8, 32},
                                                       {9, 64},
                                                       {16, 64},
                                                       {17, 64},
                                                       {1024, 64}}) {
        EXPECT_EQ(default_ring_bytes(cpus), mebibytes * kMebibyte) << cpus;
    }
}

} // namespace
} // namespace tcpledger
