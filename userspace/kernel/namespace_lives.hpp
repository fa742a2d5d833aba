// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which of the network namespaces that the tracer has met have ended: iter/bpf_map_elem. It looks
// into the kernel's memory, so nobody can hide one from it.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <map>
#include <memory>

namespace tcpledger {

class NamespaceLives {
public:
    /// Loads the iterator over the tracer's map, see Tracer::namespaces_fd(), whose descriptor it
    /// does not keep. Fails with kUnsupported where the kernel has none, or does not let it look.
    [[nodiscard]] static Expected<NamespaceLives> open(int map_fd);
    NamespaceLives(NamespaceLives&&) noexcept;
    NamespaceLives& operator=(NamespaceLives&&) noexcept;
    ~NamespaceLives();

    /// By inode number: whether it has ended. Of each number the last one met; an entry is missing
    /// where none was, or longer ago than thousands of others.
    [[nodiscard]] Expected<std::map<std::uint32_t, bool>> ended() const;

private:
    struct Impl;
    explicit NamespaceLives(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace tcpledger
