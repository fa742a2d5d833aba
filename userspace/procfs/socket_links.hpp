// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A second, separate walk of /proc, for those who check the books: which process has a descriptor
// of which socket inode, and which network namespaces there are. It shares nothing with the walks
// that feed the ledger. It knows no sockets but their inode numbers.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace tcpledger {

/// A process that has descriptors of sockets.
struct LinkingProcess {
    std::uint32_t pid = 0;
    std::uint64_t start_ticks = 0; ///< since boot, in USER_HZ: with the pid, its identity
    std::string comm;              ///< raw bytes

    bool operator==(const LinkingProcess&) const = default;
};

struct SocketLinks {
    std::vector<LinkingProcess> processes;
    /// inode → those with a descriptor, as indexes into `processes`, each once.
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> holders;
    std::size_t denied = 0; ///< processes whose descriptors may not be read
};

/// Reads the descriptors of every process; of one whose leader has none, those of its first other
/// thread that has. Errors: errno of opening `proc_root`.
[[nodiscard]] Expected<SocketLinks> read_socket_links(const std::filesystem::path& proc_root);

/// inode number → an open descriptor of each network namespace that a process is in or that
/// `run_netns` names. What vanishes meanwhile or may not be opened is left out.
[[nodiscard]] std::map<std::uint32_t, UniqueFd>
open_namespaces(const std::filesystem::path& proc_root, const std::filesystem::path& run_netns);

} // namespace tcpledger
