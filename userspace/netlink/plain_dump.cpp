// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "netlink/plain_dump.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

namespace tcpledger {
namespace {

struct CloseSocket {
    void operator()(mnl_socket* socket) const { ::mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

/// ESTABLISHED to CLOSING, and the kernel's TCP_NEW_SYN_RECV.
constexpr std::uint32_t kStates = 0x1ffe;
constexpr timeval kPatience = {.tv_sec = 10, .tv_usec = 0};

struct Collector {
    PlainDump& dump;
    std::uint32_t netns_inum;
};

IpAddress address_of(std::uint8_t family, const __be32 (&words)[4])
{
    return family == AF_INET ? IpAddress::from_ipv4_be(words[0]) : IpAddress::from_bytes(words);
}

/// One message of the answer, called by libmnl.
int take_message(const nlmsghdr* header, void* context)
{
    auto& collector = *static_cast<Collector*>(context);
    collector.dump.interrupted |= (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    inet_diag_msg message{};
    if (::mnl_nlmsg_get_payload_len(header) < sizeof(message)) {
        ++collector.dump.unreadable;
        return MNL_CB_OK;
    }
    std::memcpy(&message, ::mnl_nlmsg_get_payload(header), sizeof(message));
    const auto state = tcp_state_from_kernel(message.idiag_state);
    if (!state || (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)) {
        ++collector.dump.unreadable;
        return MNL_CB_OK;
    }
    const auto& id = message.id;
    PlainSocket socket;
    socket.tuple = {collector.netns_inum,
                    {address_of(message.idiag_family, id.idiag_src), ntohs(id.idiag_sport)},
                    {address_of(message.idiag_family, id.idiag_dst), ntohs(id.idiag_dport)}};
    socket.cookie = std::uint64_t{id.idiag_cookie[1]} << 32U | id.idiag_cookie[0];
    socket.inode = message.idiag_inode;
    socket.expires_ms = message.idiag_expires;
    socket.state = shown_state(*state);
    collector.dump.sockets.push_back(socket);
    return MNL_CB_OK;
}

Expected<void> dump_family(mnl_socket* socket, std::uint8_t family, Collector& collector)
{
    alignas(nlmsghdr) std::array<char, 256> request{};
    nlmsghdr* const header = ::mnl_nlmsg_put_header(request.data());
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = family;
    inet_diag_req_v2 body{};
    body.sdiag_family = family;
    body.sdiag_protocol = IPPROTO_TCP;
    body.idiag_states = kStates;
    std::memcpy(::mnl_nlmsg_put_extra_header(header, sizeof(body)), &body, sizeof(body));
    if (::mnl_socket_sendto(socket, header, header->nlmsg_len) < 0) {
        return tl::unexpected(Error::from_errno("cannot ask for sockets"));
    }
    std::vector<char> answer(std::size_t{64} * 1024);
    while (true) {
        const ssize_t size = ::mnl_socket_recvfrom(socket, answer.data(), answer.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        const int went =
            size < 0 ? -1
                     : ::mnl_cb_run(answer.data(), static_cast<std::size_t>(size), family,
                                    ::mnl_socket_get_portid(socket), take_message, &collector);
        if (went < 0 && errno == EINTR) { // libmnl's word for a dump with holes
            collector.dump.interrupted = true;
            return {};
        }
        if (went < 0) {
            return tl::unexpected(Error::from_errno("cannot read the list of sockets"));
        }
        if (went == MNL_CB_STOP) {
            return {};
        }
    }
}

Expected<PlainDump> dump_here(std::uint32_t netns_inum)
{
    const Socket socket(::mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC));
    if (!socket || ::mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0 ||
        ::setsockopt(::mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO, &kPatience,
                     sizeof(kPatience)) != 0) {
        return tl::unexpected(Error::from_errno("cannot open a sock_diag netlink socket"));
    }
    PlainDump dump;
    Collector collector{dump, netns_inum};
    for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
        // After a dump with holes the rest of its answer may still come: not into the next.
        if (dump.interrupted) {
            break;
        }
        if (const Expected<void> done = dump_family(socket.get(), family, collector); !done) {
            return tl::unexpected(done.error());
        }
    }
    return dump;
}

} // namespace

Expected<PlainDump> dump_plainly(int netns_fd, std::uint32_t netns_inum)
{
    Expected<PlainDump> result = tl::unexpected(Error{});
    try {
        std::thread([&] {
            result = ::setns(netns_fd, CLONE_NEWNET) == 0
                         ? dump_here(netns_inum)
                         : tl::unexpected(Error::from_errno("cannot enter a network namespace"));
        }).join();
    } catch (const std::system_error& error) {
        return tl::unexpected(Error::from_code(error.code().value(), "cannot start a thread"));
    }
    return result;
}

} // namespace tcpledger
