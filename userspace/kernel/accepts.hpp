// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The program that takes the stacks of accept() at the end of the system call, where there is no
// trampoline to do it.
#pragma once

#include "kernel/stack_maps.hpp"

#include <memory>

namespace tcpledger {

class AcceptStacks {
public:
    /// Loads and attaches; where it cannot be had, what is accepted has no stack.
    [[nodiscard]] static AcceptStacks open(const SharedStacks& stacks);
    AcceptStacks(AcceptStacks&&) noexcept;
    AcceptStacks& operator=(AcceptStacks&&) noexcept;
    ~AcceptStacks();

    [[nodiscard]] bool attached() const { return impl_ != nullptr; }

private:
    struct Impl;
    explicit AcceptStacks(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_; ///< null: not to be had
};

} // namespace tcpledger
