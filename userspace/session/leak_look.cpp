// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/leak_look.hpp"

#include "netlink/namespaces.hpp"
#include "procfs/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace tcpledger {
namespace {

/// In which something can wait for ever.
constexpr std::uint32_t kWaitingStates =
    state_bit(TcpState::kEstablished) | state_bit(TcpState::kSynSent) |
    state_bit(TcpState::kFinWait2) | state_bit(TcpState::kCloseWait);

LeakDetail detail_of(const SocketRow& row, const SocketDetails& details)
{
    LeakDetail detail;
    detail.state = shown_state(row.state);
    detail.held = row.inode != 0;
    detail.recv_queue = row.recv_queue_bytes;
    if (details.has_info) {
        detail.since_segment = std::chrono::milliseconds(details.info.last_ack_recv_ms);
        detail.since_data_came = std::chrono::milliseconds(details.info.last_data_recv_ms);
        detail.since_data_went = std::chrono::milliseconds(details.info.last_data_sent_ms);
    }
    return detail;
}

void dump_namespaces(Census& census, std::vector<SocketDetails>& details)
{
    const Expected<NamespaceList> list = list_namespaces();
    if (!list) {
        census.notes.push_back(list.error().message());
        return;
    }
    bool own = true; // the first of the list: no need to enter it
    for (const NetworkNamespace& netns : list->namespaces) {
        Expected<SockDiag> diag =
            SockDiag::open(std::exchange(own, false) ? -1 : netns.fd.get(), netns.inum);
        const DumpRequest request{.state_mask = kWaitingStates, .details = {.tcp_info = true}};
        const Expected<DumpResult> dumped =
            diag ? diag->dump(request, census.rows, &details)
                 : Expected<DumpResult>(tl::unexpected(diag.error()));
        if (!dumped) {
            census.notes.push_back(
                fmt::format("network namespace {}: {}", netns.inum, dumped.error().message()));
        }
    }
}

} // namespace

LeakLook::LeakLook(MonotonicTime started, std::span<const SocketRow> rows,
                   std::span<const SocketDetails> details, std::vector<CensusHolder> holders)
    : started_(started), holders_(std::move(holders))
{
    details_.reserve(rows.size());
    by_cookie_.reserve(rows.size());
    for (std::size_t at = 0; at < rows.size(); ++at) {
        const SocketRow& row = rows[at];
        const auto place = static_cast<std::uint32_t>(details_.size());
        details_.push_back(detail_of(row, details[at]));
        by_cookie_.insert_or_assign(row.cookie, place);
        if (row.inode == 0 && row.state == TcpState::kFinWait2) {
            minis_.insert_or_assign(row.tuple, place);
        }
    }
    std::ranges::sort(holders_, {}, [](const CensusHolder& holder) {
        return std::tuple(holder.cookie, holder.pid, holder.fd);
    });
}

LeakLook LeakLook::take(const CensusTaker& taker)
{
    const auto cpu_before = thread_cpu_time();
    const MonotonicTime started = monotonic_now();
    Census census;
    std::vector<SocketDetails> details;
    dump_namespaces(census, details);
    taker.find_holders(census);
    LeakLook look(started, census.rows, details, std::move(census.holders));
    look.notes_ = std::move(census.notes);
    look.cpu_ = thread_cpu_time() - cpu_before;
    return look;
}

const LeakDetail* LeakLook::find(const Connection& connection) const
{
    if (connection.kind == SocketKind::kMini) {
        const auto found = minis_.find(connection.tuple);
        return found != minis_.end() ? &details_[found->second] : nullptr;
    }
    const auto found = by_cookie_.find(connection.cookie);
    return found != by_cookie_.end() ? &details_[found->second] : nullptr;
}

std::span<const CensusHolder> LeakLook::holders_of(std::uint64_t cookie) const
{
    const auto range = std::ranges::equal_range(holders_, cookie, {}, &CensusHolder::cookie);
    return {range.begin(), range.end()};
}

} // namespace tcpledger
