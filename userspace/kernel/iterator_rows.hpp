// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads what a BPF iterator writes.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace tcpledger {

/// The kernel gives up a silent read after a million objects with EAGAIN; the next goes on.
inline constexpr int kMaxSilentReads = 100'000;

/// One pass of an iterator that writes rows of this type.
template <typename Row, typename Visit>
Expected<void> read_rows(const bpf_link* link, const char* name, Visit&& visit)
{
    const UniqueFd iterator(bpf_iter_create(bpf_link__fd(link)));
    if (!iterator.valid()) {
        return tl::unexpected(Error::from_errno(std::string("cannot start ") + name));
    }
    std::array<Row, 512> rows;
    auto* bytes = reinterpret_cast<char*>(rows.data());
    std::size_t pending = 0; // bytes of a row whose rest comes with the next read
    int silent_reads = 0;
    while (true) {
        const ssize_t got = ::read(iterator.get(), bytes + pending, sizeof(rows) - pending);
        if (got == 0) {
            return {};
        }
        if (got < 0) {
            if ((errno == EAGAIN || errno == EINTR) && ++silent_reads < kMaxSilentReads) {
                continue;
            }
            return tl::unexpected(Error::from_errno(std::string("cannot read ") + name));
        }
        silent_reads = 0;
        const std::size_t filled = pending + static_cast<std::size_t>(got);
        const std::size_t whole = filled / sizeof(Row);
        for (std::size_t row = 0; row < whole; ++row) {
            visit(rows[row]);
        }
        pending = filled % sizeof(Row);
        std::memmove(bytes, bytes + whole * sizeof(Row), pending);
    }
}

} // namespace tcpledger
