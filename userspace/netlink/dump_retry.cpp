// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "netlink/dump_retry.hpp"

#include <cerrno>

namespace tcpledger {
namespace {

/// Asking again may help against the others.
bool is_final(int error_number)
{
    switch (error_number) {
    case ENOENT:
    case EINVAL:
    case EPERM:
    case EACCES:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
        return true;
    default:
        return false;
    }
}

Error dump_error(int error_number, std::uint8_t protocol)
{
    const bool is_udp = protocol == IPPROTO_UDP;
    Error error = Error::from_code(error_number, is_udp ? "cannot list the UDP sockets"
                                                        : "cannot list the TCP sockets");
    if (error_number == ENOENT || error_number == EOPNOTSUPP || error_number == EPROTONOSUPPORT) {
        error.kind = ErrorKind::kUnsupported;
        error.hint = is_udp ? "modprobe udp_diag" : "modprobe tcp_diag";
    }
    return error;
}

} // namespace

bool has_holes(const ParseResult& result) noexcept
{
    return result.interrupted || result.truncated || result.malformed != 0;
}

Expected<DumpResult> retry_dump(RowSink sink, std::uint8_t protocol,
                                const std::function<Expected<ParseResult>(RowSink)>& dump_once)
{
    const std::size_t rows_before = sink.rows.size();
    const std::size_t details_before = sink.details != nullptr ? sink.details->size() : 0;
    const auto forget = [&] {
        sink.rows.resize(rows_before);
        if (sink.details != nullptr) {
            sink.details->resize(details_before);
        }
    };
    for (unsigned tries = 1;; ++tries) {
        const Expected<ParseResult> result = dump_once(sink);
        if (!result) {
            forget();
            return tl::unexpected(result.error());
        }
        const int error_number = result->error_number;
        const bool is_last = tries == kMaxDumpTries;
        if (error_number == 0 && (is_last || !has_holes(*result))) {
            return DumpResult{sink.rows.size() - rows_before, tries, has_holes(*result),
                              result->unknown};
        }
        forget();
        if (error_number != 0 && (is_last || is_final(error_number))) {
            return tl::unexpected(dump_error(error_number, protocol));
        }
    }
}

} // namespace tcpledger
