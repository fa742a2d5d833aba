// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What this kernel and these privileges allow: asked once at the start, and what
// `doctor` shows.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tcpledger {

/// The effective capabilities that matter to us.
struct HeldCapabilities {
    bool sys_admin = false;
    bool bpf = false;
    bool perfmon = false;
    bool net_admin = false;
    bool sys_ptrace = false;
    bool dac_read_search = false;
    bool sys_nice = false;

    /// Enough for tp_btf programs, iterators and the ring.
    [[nodiscard]] bool can_trace() const { return sys_admin || (bpf && perfmon); }
    /// Enough for /proc/PID of other users.
    [[nodiscard]] bool can_read_processes() const { return sys_ptrace; }
    /// Enough to enter other network namespaces.
    [[nodiscard]] bool can_enter_namespaces() const { return sys_admin; }
};

[[nodiscard]] HeldCapabilities held_capabilities();

/// The roots that a test may replace.
struct KernelRoots {
    std::filesystem::path sys = "/sys";
    std::filesystem::path proc = "/proc";
};

struct KernelFacts {
    std::string release;  ///< uname -r
    std::string libbpf;   ///< its version
    std::string lockdown; ///< "none", "integrity", "confidentiality"; empty = not known
    bool has_btf = false; ///< /sys/kernel/btf/vmlinux can be read
    bool has_state_tracepoint = false; ///< BTF names btf_trace_inet_sock_set_state
    bool has_task_file_iterator = false;
};

[[nodiscard]] KernelFacts kernel_facts(const KernelRoots& roots = {});

/// Why tracing cannot work here, or nothing. kUnsupported or kNotPermitted.
[[nodiscard]] Expected<void> check_can_trace(const KernelFacts& facts,
                                             const HeldCapabilities& held);

/// One program of ours and whether this kernel takes it.
struct ProgramCheck {
    std::string name;      ///< "tp_btf/inet_sock_set_state"
    bool required = false; ///< nothing works without it
    bool refines = false;  ///< a refinement (--hooks)
    bool loads = false;
    std::string reason;  ///< why not
    std::string gives;   ///< what it tells
    std::string instead; ///< what takes its place where it does not load
};

/// Loads each program alone and lets go of it again; needs the privileges.
[[nodiscard]] std::vector<ProgramCheck> check_programs();

} // namespace tcpledger
