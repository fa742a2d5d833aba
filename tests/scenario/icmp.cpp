// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "icmp.hpp"

#include "net.hpp"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace scenario {

namespace {

// RFC 792: the error carries the offending IP header and 8 bytes of what followed.
constexpr std::size_t kQuotedBytes = sizeof(iphdr) + 8;

struct Unreachable {
    icmphdr header{};
    std::array<std::uint8_t, kQuotedBytes> quoted{};
};

std::uint16_t checksum(const void* data, std::size_t size)
{
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < size; i += 2) {
        sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    }
    sum = (sum >> 16) + (sum & 0xffff);
    sum += sum >> 16;
    return htons(static_cast<std::uint16_t>(~sum));
}

int send_unreachable(const std::uint8_t* segment)
{
    Unreachable message;
    message.header.type = ICMP_DEST_UNREACH;
    message.header.code = ICMP_HOST_UNREACH;
    std::memcpy(message.quoted.data(), segment, kQuotedBytes);
    message.header.checksum = checksum(&message, sizeof(message));
    const int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    const Address target = ipv4_loopback();
    const ssize_t sent = sendto(fd, &message, sizeof(message), 0, target.get(), target.size);
    const int result = sent < 0 ? -errno : 0;
    close(fd);
    return result;
}

} // namespace

int watch_segments()
{
    const int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
    return fd < 0 ? -errno : fd;
}

int answer_unreachable(int watch, std::uint16_t port)
{
    for (;;) {
        if (const int ready = wait_readable(watch); ready < 0) {
            return ready;
        }
        std::array<std::uint8_t, 256> segment{};
        if (recv(watch, segment.data(), segment.size(), 0) <
            static_cast<ssize_t>(sizeof(iphdr) + sizeof(tcphdr))) {
            continue;
        }
        tcphdr tcp{};
        std::memcpy(&tcp, segment.data() + sizeof(iphdr), sizeof(tcp));
        if (tcp.syn == 1 && ntohs(tcp.dest) == port) {
            return send_unreachable(segment.data());
        }
    }
}

} // namespace scenario
