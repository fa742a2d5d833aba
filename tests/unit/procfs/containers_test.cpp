// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/containers.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tcpledger {
namespace {

constexpr std::string_view kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr std::string_view kShown = "0123456789ab";

/// `text` with ID for kId.
std::string with_id(std::string text)
{
    for (std::size_t at = text.find("ID"); at != std::string::npos; at = text.find("ID", at)) {
        text.replace(at, 2, kId);
    }
    return text;
}

struct Case {
    const char* path;
    std::string_view container; ///< empty: none
};

constexpr Case kCases[] = {
    // docker
    {"/system.slice/docker-ID.scope", kShown},
    {"/docker/ID", kShown},
    {"12:cpu,cpuacct:/docker/ID", kShown},
    {"0::/system.slice/docker-ID.scope", kShown},
    {"/docker/ID/init.scope", kShown},
    {"/docker/ID/system.slice/cron.service", kShown},
    {"/system.slice/docker.service", ""},
    // containerd, CRI-O, Kubernetes
    {"/kubepods.slice/kubepods-burstable.slice/"
     "kubepods-burstable-pod12ab34cd_1111_2222_3333_444455556666.slice/cri-containerd-ID.scope",
     kShown},
    {"/system.slice/containerd.service/"
     "kubepods-besteffort-pod12ab34cd_1111_2222_3333_444455556666.slice:cri-containerd:ID",
     kShown},
    {"/kubepods/besteffort/pod12ab34cd-1111-2222-3333-444455556666/ID", kShown},
    {"/kubepods.slice/kubepods-pod12ab34cd_1111_2222_3333_444455556666.slice/crio-ID.scope",
     kShown},
    {"/kubepods/besteffort/pod12ab34cd-1111-2222-3333-444455556666", "pod-12ab34cd"},
    {"/kubepods.slice/kubepods-pod12ab34cd_1111_2222_3333_444455556666.slice", "pod-12ab34cd"},
    {"/kubepods.slice/kubepods-burstable.slice", ""},
    {"/../cri-containerd-ID.scope", kShown},
    {"/system.slice/crio-conmon-ID.scope", ""},
    {"/system.slice/kubelet.service", ""},
    {"/podcasts/pod12ab34cd", ""},
    // podman
    {"/machine.slice/libpod-ID.scope", kShown},
    {"/machine.slice/libpod-ID.scope/container", kShown},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container", kShown},
    {"/libpod_parent/libpod-ID", kShown},
    {"/machine.slice/libpod-conmon-ID.scope", ""},
    // LXC, LXD
    {"/lxc/web", "web"},
    {"/lxc/101/ns/system.slice/ssh.service", "101"},
    {"/lxc.payload.web/system.slice/ssh.service", "web"},
    {"/lxc.payload/web/init.scope", "web"},
    {"/lxc.monitor.web", ""},
    {"/lxc.monitor/web", ""},
    {"/lxc", ""},
    {"/lxc.payload.", ""},
    // systemd-nspawn; libvirt
    {"/machine.slice/machine-debian.scope", "debian"},
    {"/machine.slice/machine-my\\x2dbox.scope/payload/init.scope", "my-box"},
    {"/machine.slice/machine-a.scope/supervisor", ""},
    {"/machine.slice/systemd-nspawn@web.service/payload", "web"},
    {"/machine.slice/systemd-nspawn@web.service/supervisor", ""},
    {"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", ""},
    {"/machine.slice/machine-.scope", ""},
    // a container in a container: the inner one
    {"/docker/ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff/kubepods/ID",
     kShown},
    // the host
    {"", ""},
    {"/", ""},
    {"//", ""},
    {"0::/", ""},
    {"/user.slice/user-0.slice/session-1.scope", ""},
    {"/system.slice/run-r0123456789abcdef0123456789abcdef.scope", ""},
    // almost an id
    {"/docker/aID", ""},
    {"/docker/0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", ""},
    {"/docker/0123456789abcdeg0123456789abcdef0123456789abcdef0123456789abcdef", ""},
};

TEST(ContainerOfCgroup, Table)
{
    for (const Case& c : kCases) {
        const std::string path = with_id(c.path);
        const auto container = container_of_cgroup(path);
        EXPECT_EQ(container.value_or(""), c.container) << path;
        EXPECT_EQ(container.has_value(), !c.container.empty()) << path;
    }
}

TEST(ContainerOfCgroup, EscapesThatAreNotPrintableStayEscaped)
{
    EXPECT_EQ(container_of_cgroup("/machine-a\\x1bb.scope"), "a\\x1bb");
    EXPECT_EQ(container_of_cgroup("/machine-a\\x2.scope"), "a\\x2");
    EXPECT_EQ(container_of_cgroup("/machine-a\\x00\\xff.scope"), "a\\x00\\xff");
    EXPECT_EQ(container_of_cgroup("/machine-\\x5cx2d.scope"), "\\x2d");
}

TEST(ContainerOfCgroup, NamesAreShortAndHugePathsHarmless)
{
    EXPECT_EQ(container_of_cgroup("/lxc/" + std::string(5000, 'n')), std::string(64, 'n'));
    std::string deep;
    for (int level = 0; level < 100000; ++level) {
        deep += "/a";
    }
    EXPECT_FALSE(container_of_cgroup(deep).has_value());
    EXPECT_FALSE(container_of_cgroup(std::string(1 << 20, '/')).has_value());
    EXPECT_EQ(container_of_cgroup("/docker/" + std::string(kId) + deep), kShown);
}

} // namespace
} // namespace tcpledger
