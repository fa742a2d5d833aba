// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The programs on the tracepoints of resets, which go into the rings of the tracer; and the names
// of the kernel's reasons. Knows nothing of what a reset means for a connection.
#pragma once

#include "kernel/refinements.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace tcpledger {

class Resets {
public:
    /// Loads and attaches; where they cannot be had there are no records of resets.
    [[nodiscard]] static Resets open(const SharedRings& rings);
    Resets(Resets&&) noexcept;
    Resets& operator=(Resets&&) noexcept;
    ~Resets();

    [[nodiscard]] std::uint64_t recursion_misses() const;

private:
    struct Impl;
    explicit Resets(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_; ///< null: not to be had
};

/// The running kernel's enum sk_rst_reason, whose numbers differ between kernels.
class ResetReasons {
public:
    /// Empty where the kernel has no such enum (before 6.10).
    [[nodiscard]] static ResetReasons read();

    /// "tcp_abort_on_linger"; empty for a number that has no name.
    [[nodiscard]] std::string_view name(std::uint32_t reason) const;

private:
    std::map<std::uint32_t, std::string> names_;
};

} // namespace tcpledger
