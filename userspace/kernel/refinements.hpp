// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The programs that refine the tracer where the kernel has BPF trampolines: loads those
// of the program table that fit, into the rings of the tracer. Knows nothing of what
// their records mean.
#pragma once

#include "base/error.hpp"
#include "kernel/program_table.hpp"
#include "kernel/stack_maps.hpp"

#include "shared/selection.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tcpledger {

/// Which programs a user wants (--hooks).
enum class HookMode {
    kAuto,        ///< refinements where they load
    kTracepoints, ///< never
    kFentry,      ///< all refinements, or fail
};

/// The tracer's maps and settings, which its refinements share.
struct SharedRings {
    int records_fd = -1;
    int counters_fd = -1;
    std::uint64_t wakeup_bytes = 0;
    std::uint32_t ring_mask = 0;
    std::vector<tl_case> cases = {}; ///< see TracerOptions
    bool bindings = false;           ///< likewise
    SharedStacks stacks = {};
};

class Refinements {
public:
    /// Loads and attaches. With kAuto it never fails: what cannot be had is left out.
    /// kUnsupported where kFentry cannot be had.
    [[nodiscard]] static Expected<Refinements> open(HookMode mode, const SharedRings& rings);
    Refinements(Refinements&&) noexcept;
    Refinements& operator=(Refinements&&) noexcept;
    ~Refinements();

    /// True if a program that tells this is at work.
    [[nodiscard]] bool tell(Tells what) const;
    /// Runs that the kernel skipped because the program ran on that CPU already.
    [[nodiscard]] std::uint64_t recursion_misses() const;

private:
    struct Impl;
    explicit Refinements(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace tcpledger
