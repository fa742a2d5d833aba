// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who holds which socket, by walking /proc/PID/fd: the way for kernels without the
// task_file iterator. It knows sockets by inode only; netlink's dump tells what they are.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tcpledger {

/// One descriptor of one socket, of any protocol.
struct SocketHolder {
    std::uint32_t pid = 0;
    std::uint64_t start_ticks = 0; ///< as in ProcessStat
    std::uint32_t fd = 0;
    std::uint64_t inode = 0; ///< in sockfs: unique on the host while the socket lives
    std::uint32_t uid = 0;   ///< real
    std::string comm;        ///< of the thread group leader; any bytes but NUL
};

struct HolderScan {
    std::vector<SocketHolder> holders;
    std::size_t processes_scanned = 0;
    std::size_t processes_denied = 0; ///< their descriptors need privileges we lack
    std::size_t processes_gone = 0;   ///< ended while we looked
};

/// Walks all processes below `root`. A thread with a descriptor table of its own
/// (unshare(CLONE_FILES)) is not looked at, except where the thread group leader has ended before
/// its threads. Errors: errno of opening `root`.
[[nodiscard]] Expected<HolderScan> scan_holders(const std::filesystem::path& root = "/proc");

} // namespace tcpledger
