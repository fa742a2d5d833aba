// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/ending.hpp"

#include <cerrno>

namespace tcpledger {
namespace {

/// What the socket's error says; nothing without one.
std::optional<Ending> by_error(const EndingEvidence& evidence) noexcept
{
    switch (evidence.error) {
    case 0:
        return std::nullopt;
    case ECONNREFUSED:
        return Ending::kRefused;
    case ETIMEDOUT:
        return Ending::kTimeout;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENONET:
        return Ending::kUnreachable;
    case ECONNABORTED:
        return Ending::kDestroyed;
    case ECONNRESET:
    case EPIPE: // tcp_reset() in CLOSE_WAIT
        // Data after close() ends in tcp_reset() too, but it is this end that sends the RST.
        return evidence.reset_sent ? Ending::kResetSent : Ending::kResetReceived;
    default:
        return Ending::kError;
    }
}

/// CLOSE straight from a state in which neither end has sent its FIN, or only the peer.
Ending of_abort(const EndingEvidence& evidence) noexcept
{
    if (evidence.process_end == ProcessEnd::kKilled) {
        return Ending::kKilled;
    }
    if (evidence.last_state == TcpState::kSynSent) {
        return Ending::kInterrupted;
    }
    return evidence.both_shut && !evidence.lingers_not ? Ending::kResetSent : Ending::kAborted;
}

FirstToClose first_by_state(TcpState last) noexcept
{
    if (last == TcpState::kLastAck) {
        return FirstToClose::kRemote;
    }
    return last == TcpState::kClosing ? FirstToClose::kBoth : FirstToClose::kLocal;
}

Ending by_fins(const EndingEvidence& evidence) noexcept
{
    const FirstToClose first = evidence.first != FirstToClose::kUnseen
                                   ? evidence.first
                                   : first_by_state(evidence.last_state);
    if (first == FirstToClose::kRemote) {
        return Ending::kRemote;
    }
    if (evidence.process_end == ProcessEnd::kKilled) {
        return Ending::kKilled;
    }
    return first == FirstToClose::kBoth ? Ending::kBoth : Ending::kLocal;
}

bool has_sent_fin(TcpState state) noexcept
{
    return state == TcpState::kFinWait1 || state == TcpState::kFinWait2 ||
           state == TcpState::kTimeWait || state == TcpState::kClosing ||
           state == TcpState::kLastAck;
}

} // namespace

std::string_view ending_name(Ending ending) noexcept
{
    switch (ending) {
    case Ending::kLocal:
        return "local";
    case Ending::kRemote:
        return "remote";
    case Ending::kBoth:
        return "both";
    case Ending::kResetReceived:
        return "reset_received";
    case Ending::kResetSent:
        return "reset_sent";
    case Ending::kTimeout:
        return "timeout";
    case Ending::kRefused:
        return "refused";
    case Ending::kUnreachable:
        return "unreachable";
    case Ending::kInterrupted:
        return "interrupted";
    case Ending::kAborted:
        return "aborted";
    case Ending::kKilled:
        return "killed";
    case Ending::kDestroyed:
        return "destroyed";
    case Ending::kNeverAccepted:
        return "never_accepted";
    case Ending::kError:
        return "error";
    }
    return "error";
}

bool is_failure(Ending ending) noexcept
{
    return ending != Ending::kLocal && ending != Ending::kRemote && ending != Ending::kBoth;
}

Ending ending_of(const EndingEvidence& evidence) noexcept
{
    if (evidence.never_accepted) {
        return Ending::kNeverAccepted;
    }
    if (const std::optional<Ending> ending = by_error(evidence)) {
        return *ending;
    }
    if (!has_sent_fin(evidence.last_state)) {
        return of_abort(evidence);
    }
    return evidence.reset_sent ? Ending::kResetSent : by_fins(evidence);
}

} // namespace tcpledger
