// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The cgroup version 2 hierarchy: ids to paths and back. It knows no processes and no sockets.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tcpledger {

class CgroupTree {
public:
    /// The first mount of type cgroup2 that `mounts` names. Where there is none, no question
    /// has an answer.
    [[nodiscard]] static CgroupTree open(const std::filesystem::path& mounts = "/proc/self/mounts");

    /// Where it is mounted; empty: nowhere.
    [[nodiscard]] const std::string& root() const noexcept { return root_; }

    /// The id of a cgroup: `path` as a file's path, or as one from the hierarchy's root.
    [[nodiscard]] std::optional<std::uint64_t> id_of(std::string_view path) const;

    /// The path from the hierarchy's root ("/" itself is one); nothing for an id that is gone,
    /// out of sight, or that we may not look up (CAP_DAC_READ_SEARCH). Remembers its answers;
    /// the reference lives as long as this object.
    [[nodiscard]] const std::optional<std::string>& path_of(std::uint64_t id);

private:
    [[nodiscard]] std::optional<std::string> look_up(std::uint64_t id) const;

    std::string root_; ///< empty: not mounted
    UniqueFd root_fd_;
    std::unordered_map<std::uint64_t, std::optional<std::string>> paths_;
};

} // namespace tcpledger
