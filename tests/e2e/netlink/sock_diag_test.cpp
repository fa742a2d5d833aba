// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Real dumps in a network namespace made for the test. The oracles are the sockets
// that the test itself made and /proc/net/tcp. Needs root, else it is skipped.
#include "netlink/namespaces.hpp"
#include "netlink/sock_diag.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <map>
#include <thread>
#include <tuple>

namespace tcpledger {
namespace {

using Ports = std::pair<std::uint16_t, std::uint16_t>;

/// A new namespace with lo up; invalid where that is not allowed.
UniqueFd make_namespace()
{
    int fd = -1;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            return;
        }
        const UniqueFd control(::socket(AF_INET, SOCK_DGRAM, 0));
        ifreq request{};
        std::strcpy(request.ifr_name, "lo");
        request.ifr_flags = IFF_UP;
        if (::ioctl(control.get(), SIOCSIFFLAGS, &request) == 0) {
            fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        }
    }).join();
    return UniqueFd(fd);
}

std::uint32_t inum_of(int fd)
{
    struct stat status{};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return static_cast<std::uint32_t>(status.st_ino);
}

sockaddr_in6 address_of(const char* text, std::uint16_t port)
{
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    EXPECT_EQ(::inet_pton(AF_INET6, text, &address.sin6_addr), 1);
    return address;
}

/// The address as a socket of `family` takes it.
template <typename Call>
int with_address(int family, const char* text, std::uint16_t port, Call call)
{
    const sockaddr_in6 address = address_of(text, port);
    if (family == AF_INET6) {
        return call(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    }
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    std::memcpy(&ipv4.sin_addr, address.sin6_addr.s6_addr + 12, 4);
    return call(reinterpret_cast<const sockaddr*>(&ipv4), sizeof(ipv4));
}

class SockDiagInNamespace : public ::testing::Test {
protected:
    void SetUp() override
    {
        netns_ = make_namespace();
        if (!netns_.valid()) {
            GTEST_SKIP() << "cannot make a network namespace: needs root";
        }
        inum_ = inum_of(netns_.get());
        Expected<SockDiag> diag = SockDiag::open(netns_.get(), inum_);
        ASSERT_TRUE(diag) << diag.error().message();
        diag_.emplace(std::move(*diag));
    }

    int inside(const std::function<int()>& work)
    {
        int value = -1;
        EXPECT_TRUE(enter_namespace(netns_.get(), [&] { value = work(); }));
        return value;
    }

    UniqueFd make_bound(int family, int type, const char* address, std::uint16_t port)
    {
        UniqueFd fd(inside([&] { return ::socket(family, type | SOCK_CLOEXEC, 0); }));
        const int one = 1;
        EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
        EXPECT_EQ(with_address(family, address, port,
                               [&](const sockaddr* name, socklen_t length) {
                                   return ::bind(fd.get(), name, length);
                               }),
                  0)
            << std::strerror(errno);
        return fd;
    }

    UniqueFd make_listener(int family, const char* address, std::uint16_t port)
    {
        UniqueFd fd = make_bound(family, SOCK_STREAM, address, port);
        EXPECT_EQ(::listen(fd.get(), 7), 0);
        return fd;
    }

    /// Both ends; the connecting one first.
    std::pair<UniqueFd, UniqueFd> make_pair(const UniqueFd& listener, int family,
                                            const char* address, std::uint16_t from,
                                            std::uint16_t to)
    {
        UniqueFd client = make_bound(family, SOCK_STREAM, address, from);
        EXPECT_EQ(with_address(family, address, to,
                               [&](const sockaddr* name, socklen_t length) {
                                   return ::connect(client.get(), name, length);
                               }),
                  0)
            << std::strerror(errno);
        UniqueFd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        EXPECT_TRUE(server.valid());
        return {std::move(client), std::move(server)};
    }

    std::vector<SocketRow> dump(const DumpRequest& request = {})
    {
        std::vector<SocketRow> rows;
        const Expected<DumpResult> result = diag_->dump(request, rows);
        EXPECT_TRUE(result) << result.error().message();
        EXPECT_EQ(result->rows, rows.size());
        EXPECT_FALSE(result->interrupted);
        return rows;
    }

    /// Lines of the kernel's own list, by state.
    std::map<unsigned, std::size_t> count_in_proc()
    {
        std::map<unsigned, std::size_t> counts;
        EXPECT_TRUE(enter_namespace(netns_.get(), [&] {
            for (const char* path : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
                std::ifstream file(path);
                std::string slot, local, remote, state, rest;
                std::getline(file, rest);
                while (file >> slot >> local >> remote >> state && std::getline(file, rest)) {
                    ++counts[static_cast<unsigned>(std::stoul(state, nullptr, 16))];
                }
            }
        }));
        return counts;
    }

    UniqueFd netns_;
    std::uint32_t inum_ = 0;
    std::optional<SockDiag> diag_;
};

const SocketRow* find(const std::vector<SocketRow>& rows, Ports ports)
{
    const auto found = std::ranges::find_if(rows, [&](const SocketRow& row) {
        return Ports{row.tuple.local.port, row.tuple.remote.port} == ports;
    });
    return found == rows.end() ? nullptr : &*found;
}

TEST_F(SockDiagInNamespace, ListsWhatIsThereInEveryState)
{
    const UniqueFd ipv4 = make_listener(AF_INET, "::ffff:127.0.0.1", 8080);
    const UniqueFd ipv6 = make_listener(AF_INET6, "::", 8081);
    const auto plain = make_pair(ipv4, AF_INET, "::ffff:127.0.0.1", 40001, 8080);
    const auto six = make_pair(ipv6, AF_INET6, "::1", 40002, 8081);
    const auto mapped = make_pair(ipv6, AF_INET, "::ffff:127.0.0.1", 40003, 8081);
    auto half = make_pair(ipv4, AF_INET, "::ffff:127.0.0.1", 40004, 8080);
    half.first.reset(); // FIN_WAIT2 outlives it, the other end waits for close()
    auto gone = make_pair(ipv6, AF_INET6, "::1", 40005, 8081);
    gone.first.reset();
    gone.second.reset();
    // The acknowledgement of a FIN may be delayed.
    for (int i = 0; i < 200 && count_in_proc().contains(4); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }

    const std::vector<SocketRow> rows = dump();
    const std::map<Ports, std::tuple<TcpState, int, const char*>> expected = {
        {{8080, 0}, {TcpState::kListen, AF_INET, "127.0.0.1:8080"}},
        {{8081, 0}, {TcpState::kListen, AF_INET6, "[::]:8081"}},
        {{40001, 8080}, {TcpState::kEstablished, AF_INET, "127.0.0.1:40001"}},
        {{8080, 40001}, {TcpState::kEstablished, AF_INET, "127.0.0.1:8080"}},
        {{40002, 8081}, {TcpState::kEstablished, AF_INET6, "[::1]:40002"}},
        {{8081, 40002}, {TcpState::kEstablished, AF_INET6, "[::1]:8081"}},
        {{40003, 8081}, {TcpState::kEstablished, AF_INET, "127.0.0.1:40003"}},
        {{8081, 40003}, {TcpState::kEstablished, AF_INET6, "127.0.0.1:8081"}},
        {{40004, 8080}, {TcpState::kFinWait2, AF_INET, "127.0.0.1:40004"}},
        {{8080, 40004}, {TcpState::kCloseWait, AF_INET, "127.0.0.1:8080"}},
        {{40005, 8081}, {TcpState::kTimeWait, AF_INET6, "[::1]:40005"}},
    };
    EXPECT_EQ(rows.size(), expected.size());
    std::map<unsigned, std::size_t> counts;
    for (const auto& [ports, what] : expected) {
        const SocketRow* row = find(rows, ports);
        ASSERT_NE(row, nullptr) << ports.first << ' ' << ports.second;
        EXPECT_EQ(std::make_tuple(row->state, int{row->family}),
                  std::make_tuple(std::get<0>(what), std::get<1>(what)))
            << ports.first << ' ' << ports.second;
        EXPECT_EQ(row->tuple.local.text(), std::get<2>(what));
        EXPECT_EQ(row->tuple.netns_inum, inum_);
        EXPECT_NE(row->cookie, 0U);
        const bool is_mini = ports.first == 40004 || ports.first == 40005;
        EXPECT_EQ(row->inode == 0, is_mini);
        ++counts[static_cast<unsigned>(row->state)];
    }
    // /proc shows a mini-socket's substate too.
    EXPECT_EQ(counts, count_in_proc());
}

TEST_F(SockDiagInNamespace, RequestsNarrowTheDump)
{
    const UniqueFd ipv4 = make_listener(AF_INET, "::ffff:127.0.0.1", 8080);
    const UniqueFd ipv6 = make_listener(AF_INET6, "::1", 8081);
    const UniqueFd udp = make_bound(AF_INET, SOCK_DGRAM, "::ffff:127.0.0.1", 53);
    const auto pair = make_pair(ipv4, AF_INET, "::ffff:127.0.0.1", 40001, 8080);

    EXPECT_EQ(dump().size(), 4U);
    EXPECT_EQ(dump({.state_mask = state_bit(TcpState::kListen)}).size(), 2U);
    EXPECT_EQ(dump({.families = Families::kIpv4}).size(), 3U);
    EXPECT_EQ(dump({.families = Families::kIpv6}).size(), 1U);
    const auto datagram = dump({.protocol = IPPROTO_UDP});
    ASSERT_EQ(datagram.size(), 1U);
    EXPECT_EQ(datagram[0].tuple.local.port, 53);
    EXPECT_EQ(datagram[0].protocol, IPPROTO_UDP);
    EXPECT_EQ(datagram[0].state, TcpState::kClose);

    // "source port at least 40000": no jumps over the operation, past the end where it fails.
    const std::array<inet_diag_bc_op, 2> operations = {{
        {INET_DIAG_BC_S_GE, 8, 12},
        {0, 0, 40000},
    }};
    const auto high = dump({.filter = std::as_bytes(std::span(operations))});
    ASSERT_EQ(high.size(), 1U);
    EXPECT_EQ(high[0].tuple.local.port, 40001);
}

TEST_F(SockDiagInNamespace, DetailsComeWhereAsked)
{
    const UniqueFd listener = make_listener(AF_INET, "::ffff:127.0.0.1", 8080);
    const auto pair = make_pair(listener, AF_INET, "::ffff:127.0.0.1", 40001, 8080);
    std::vector<SocketRow> rows;
    std::vector<SocketDetails> details;
    DumpRequest request;
    request.details = {.tcp_info = true, .memory = true, .congestion = true, .tos = true};
    ASSERT_TRUE(diag_->dump(request, rows, &details));
    ASSERT_EQ(details.size(), 3U);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const SocketDetails& detail = details[i];
        EXPECT_TRUE(detail.has_info);
        EXPECT_TRUE(detail.has_memory);
        EXPECT_FALSE(detail.congestion().empty());
        EXPECT_TRUE(detail.has_tos);
        EXPECT_GT(detail.info.congestion_window_count, 0U);
        EXPECT_EQ(detail.info.send_mss_bytes > 0, rows[i].state != TcpState::kListen);
    }
}

TEST_F(SockDiagInNamespace, LookupFindsExactlyTheSocket)
{
    const UniqueFd listener = make_listener(AF_INET6, "::", 8081);
    const auto pair = make_pair(listener, AF_INET, "::ffff:127.0.0.1", 40001, 8081);
    for (const SocketRow& row : dump()) {
        const auto found = diag_->lookup(row.tuple, row.family, row.cookie);
        ASSERT_TRUE(found) << found.error().message();
        ASSERT_TRUE(found->has_value()) << row.tuple.local.text();
        EXPECT_EQ((*found)->cookie, row.cookie);
        EXPECT_EQ((*found)->state, row.state);
        EXPECT_EQ(*diag_->lookup(row.tuple, row.family, row.cookie + 1), std::nullopt);
        EXPECT_TRUE(diag_->lookup(row.tuple, row.family)->has_value());
    }
    // The listener would take this connection, but is not it.
    FourTuple absent = find(dump(), {8081, 40001})->tuple;
    absent.remote.port = 40002;
    EXPECT_EQ(*diag_->lookup(absent, AF_INET6), std::nullopt);
    EXPECT_EQ(*diag_->lookup(absent, AF_UNIX), std::nullopt);
}

TEST_F(SockDiagInNamespace, RefusedFilterLeavesRowsAndSocketUsable)
{
    const UniqueFd listener = make_listener(AF_INET, "::ffff:127.0.0.1", 8080);
    const std::array<std::byte, 8> nonsense = {std::byte{0xee}};
    std::vector<SocketRow> rows(1);
    DumpRequest request;
    request.filter = nonsense;
    const Expected<DumpResult> refused = diag_->dump(request, rows);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().error_number, EINVAL);
    EXPECT_EQ(rows.size(), 1U);
    EXPECT_EQ(dump().size(), 1U);
}

TEST_F(SockDiagInNamespace, TheCallerStaysWhereItIs)
{
    const UniqueFd here(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    EXPECT_NE(inum_of(here.get()), inum_);
    EXPECT_EQ(dump().size(), 0U);
    const auto there = run_in_namespace(netns_.get(), []() -> Expected<std::uint32_t> {
        const UniqueFd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        return inum_of(fd.get());
    });
    EXPECT_EQ(there, inum_);
}

TEST_F(SockDiagInNamespace, ListNamespacesFindsItByAProcessInside)
{
    const pid_t child = inside([] {
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::pause();
            ::_exit(0);
        }
        return pid;
    });
    ASSERT_GT(child, 0);
    const Expected<NamespaceList> list = list_namespaces();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ASSERT_TRUE(list) << list.error().message();
    const auto found = std::ranges::find(list->namespaces, inum_, &NetworkNamespace::inum);
    ASSERT_NE(found, list->namespaces.end());
    EXPECT_EQ(found->pid, static_cast<std::uint32_t>(child));
    EXPECT_EQ(inum_of(found->fd.get()), inum_);
    EXPECT_EQ(std::ranges::count(list->namespaces, inum_, &NetworkNamespace::inum), 1);
}

} // namespace
} // namespace tcpledger
