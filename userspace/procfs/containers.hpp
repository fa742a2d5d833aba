// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which container a cgroup belongs to, told from its path alone. It asks no runtime
// and reads no files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

/// The innermost container that a cgroup path (or a whole line of /proc/PID/cgroup, of either
/// cgroup version) names: the first 12 digits of the 64-digit id that docker, containerd,
/// CRI-O, podman and others use; the name of an LXC, LXD or systemd-nspawn container;
/// "pod-" and 8 digits of the pod's UID where only the pod is named. Nothing for a path on the host
/// or a virtual machine's; a container's monitor (conmon, lxc.monitor) runs outside of it.
[[nodiscard]] std::optional<std::string> container_of_cgroup(std::string_view cgroup_path);

} // namespace tcpledger
