// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finds the host's network namespaces and runs things inside one. It knows no sockets. Namespaces
// that only a descriptor, a single thread or a socket keeps alive are not found.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {

struct NetworkNamespace {
    std::uint32_t inum = 0;
    UniqueFd fd;           ///< keeps the namespace alive
    std::string name;      ///< its name in /run/netns (untrusted bytes), else empty
    std::uint32_t pid = 0; ///< a process inside, 0: none known
};

struct NamespaceList {
    std::vector<NetworkNamespace> namespaces; ///< our own first, each once
    std::size_t denied_count = 0; ///< processes and names, or all names, that may not be looked at
};

/// All namespaces that a process is in or that /run/netns names. What vanishes meanwhile is left
/// out. Fails only where our own namespace cannot be opened, or descriptors run out.
[[nodiscard]] Expected<NamespaceList>
list_namespaces(const std::filesystem::path& proc_root = "/proc",
                const std::filesystem::path& run_netns = "/run/netns");

/// Runs `work` to its end in a thread of its own inside the namespace; on the calling thread where
/// `netns_fd` is -1. An error means that `work` did not run. kNotPermitted without CAP_SYS_ADMIN.
[[nodiscard]] Expected<void> enter_namespace(int netns_fd, const std::function<void()>& work);

/// The same for work that gives an Expected<…>: that is handed back.
template <typename Work> [[nodiscard]] auto run_in_namespace(int netns_fd, Work&& work)
{
    using Result = std::invoke_result_t<Work&>;
    std::optional<Result> result;
    const Expected<void> entered =
        enter_namespace(netns_fd, [&] { result.emplace(std::invoke(work)); });
    if (!entered) {
        return Result(tl::unexpect, entered.error());
    }
    return std::move(*result);
}

} // namespace tcpledger
