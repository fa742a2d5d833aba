// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks the kernel for the sockets of one network namespace (sock_diag over netlink). It knows
// neither processes nor owners; a dump is evidence, not a snapshot: sockets that move meanwhile
// may be missing or listed twice.
#pragma once

#include "base/error.hpp"
#include "netlink/diag_parser.hpp"
#include "netlink/socket_row.hpp"

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

struct mnl_socket;

namespace tcpledger {

enum class Families : std::uint8_t { kIpv4 = 1, kIpv6 = 2, kBoth = 3 };

/// All states of kernels to come included: 12 is a request sock, 13 one that is bound but not
/// connected (listed since 6.8; ss lists those since iproute2 6.8).
inline constexpr std::uint32_t kEveryState = 0xfffffffe;

/// The bit of `state` in DumpRequest::state_mask.
[[nodiscard]] constexpr std::uint32_t state_bit(TcpState state) noexcept
{
    return 1U << static_cast<unsigned>(state);
}

/// Which details to ask for; each makes each row's message longer.
struct DetailRequest {
    bool tcp_info = false;
    bool memory = false;
    bool congestion = false;
    bool congestion_info = false;
    bool tos = false; ///< and the traffic class
};

struct DumpRequest {
    std::uint8_t protocol = IPPROTO_TCP; ///< or IPPROTO_UDP
    Families families = Families::kBoth;
    std::uint32_t state_mask = kEveryState;
    DetailRequest details{};             ///< heeded only where dump() gets a place for them
    std::span<const std::byte> filter{}; ///< inet_diag bytecode; empty: everything
};

struct DumpResult {
    std::size_t rows = 0;     ///< appended
    unsigned tries = 0;       ///< 1 where all went well
    bool interrupted = false; ///< even the last try had holes: the rows are a lower bound
    std::size_t unknown = 0;  ///< sockets of a family or state that this program does not know
};

/// One netlink socket inside one namespace. Not for use by two threads at once.
class SockDiag {
public:
    /// In the namespace behind `netns_fd`, or in the caller's where that is -1. The calling thread
    /// stays where it is. `netns_inum` is what the rows will say. Another namespace wants
    /// CAP_SYS_ADMIN, else kNotPermitted.
    [[nodiscard]] static Expected<SockDiag> open(int netns_fd, std::uint32_t netns_inum);

    SockDiag(SockDiag&&) noexcept = default;
    SockDiag& operator=(SockDiag&&) noexcept = default;
    SockDiag(const SockDiag&) = delete;
    SockDiag& operator=(const SockDiag&) = delete;
    ~SockDiag() = default;

    /// Appends every socket that matches to `rows` (and, where given, as many to `details`, so that
    /// both need the same size before). Tries again, dropping what the failed try appended, when
    /// the kernel says that the dump has holes. On an error both are as they were. A kernel without
    /// the module is kUnsupported.
    [[nodiscard]] Expected<DumpResult> dump(const DumpRequest& request,
                                            std::vector<SocketRow>& rows,
                                            std::vector<SocketDetails>* details = nullptr);

    /// The TCP socket of `family` (AF_INET, AF_INET6) with exactly this tuple, if it exists. A
    /// `cookie` other than 0 must match too. Where the module is missing, nothing is found.
    [[nodiscard]] Expected<std::optional<SocketRow>> lookup(const FourTuple& tuple,
                                                            std::uint8_t family,
                                                            std::uint64_t cookie = 0,
                                                            std::uint32_t interface_index = 0);

private:
    struct CloseSocket {
        void operator()(mnl_socket* socket) const noexcept;
    };
    using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

    SockDiag(Socket socket, std::uint32_t netns_inum);

    static Expected<Socket> open_socket();
    [[nodiscard]] Expected<ParseResult> dump_once(const DumpRequest& request, RowSink sink);
    [[nodiscard]] Expected<ParseResult> ask(std::span<const std::byte> message,
                                            const ParseContext& context, bool is_dump,
                                            RowSink sink);

    Socket socket_;
    std::uint32_t netns_inum_;
    std::uint32_t sequence_ = 0;
    std::vector<std::byte> buffer_;
};

} // namespace tcpledger
