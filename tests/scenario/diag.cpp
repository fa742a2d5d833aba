// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "diag.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace scenario {

namespace {

struct Request {
    nlmsghdr header{};
    inet_diag_req_v2 body{};
};

void fill_endpoint(const Address& address, __be32 (&target)[4], __be16& port)
{
    if (address.size == 0) {
        return;
    }
    port = htons(address.port());
    if (address.family() == AF_INET6) {
        std::memcpy(target, &reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr,
                    sizeof(target));
    } else {
        std::memcpy(target, &reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr,
                    sizeof(in_addr));
    }
}

Request request_for(const SocketFacts& facts)
{
    Request request;
    request.header.nlmsg_len = sizeof(request);
    request.header.nlmsg_type = SOCK_DESTROY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.body.sdiag_family = static_cast<__u8>(facts.local.family());
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = ~0U;
    fill_endpoint(facts.local, request.body.id.idiag_src, request.body.id.idiag_sport);
    fill_endpoint(facts.remote, request.body.id.idiag_dst, request.body.id.idiag_dport);
    request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return request;
}

} // namespace

int destroy_socket(const SocketFacts& facts)
{
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) {
        return -errno;
    }
    const Request request = request_for(facts);
    alignas(nlmsghdr) std::array<char, 1024> answer{};
    int result = -EBADMSG;
    if (send(fd, &request, sizeof(request), 0) < 0 ||
        recv(fd, answer.data(), answer.size(), 0) < 0) {
        result = -errno;
    } else {
        const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
        if (header->nlmsg_type == NLMSG_ERROR) {
            nlmsgerr error{};
            std::memcpy(&error, NLMSG_DATA(header), sizeof(error));
            result = error.error;
        }
    }
    close(fd);
    return result;
}

} // namespace scenario
