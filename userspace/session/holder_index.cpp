// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/holder_index.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

const CensusHolder& kernel_process()
{
    static const CensusHolder kernel = [] {
        CensusHolder holder;
        constexpr std::string_view kName = "[kernel]";
        std::ranges::copy(kName, holder.comm_bytes.begin());
        holder.comm_size = kName.size();
        return holder;
    }();
    return kernel;
}

const CensusHolder* smallest(std::span<const CensusHolder* const> holders)
{
    const auto found = std::ranges::min_element(holders, {}, &CensusHolder::pid);
    return found != holders.end() ? *found : nullptr;
}

/// What a listener at `bound` takes: its own address, or any that its family covers.
bool serves(const IpAddress& bound, std::uint8_t family, bool ipv6_only, const IpAddress& local)
{
    if (!bound.is_wildcard()) {
        return bound == local;
    }
    return family == AF_INET ? local.is_ipv4() : !(ipv6_only && local.is_ipv4());
}

} // namespace

HolderIndex::HolderIndex(std::span<const CensusHolder> holders)
    : holders_(holders), next_(holders.size(), kNone)
{
    chains_.reserve(holders.size());
    for (std::uint32_t at = 0; at < holders.size(); ++at) {
        Chain& chain = chains_[holders[at].cookie];
        (chain.first == kNone ? chain.first : next_[chain.last]) = at;
        chain.last = at;
    }
}

std::uint64_t HolderIndex::port_key(const SocketRow& row)
{
    return std::uint64_t{row.tuple.netns_inum} << 32U | row.tuple.local.port;
}

void HolderIndex::add_listener(const SocketRow& row)
{
    listeners_[port_key(row)].push_back(
        {row.tuple.local.address, row.family, row.ipv6_only, smallest(holders_of(row.cookie))});
}

std::span<const CensusHolder* const> HolderIndex::holders_of(std::uint64_t cookie)
{
    found_.clear();
    const auto chain = chains_.find(cookie);
    for (std::uint32_t at = chain != chains_.end() ? chain->second.first : kNone; at != kNone;
         at = next_[at]) {
        found_.push_back(&holders_[at]);
    }
    return found_;
}

const CensusHolder* HolderIndex::listener_owner(const SocketRow& row) const
{
    const auto listeners = listeners_.find(port_key(row));
    if (listeners == listeners_.end()) {
        return nullptr;
    }
    const IpAddress& local = row.tuple.local.address;
    const CensusHolder* by_wildcard = nullptr;
    for (const Listener& listener : listeners->second) {
        if (!serves(listener.address, listener.family, listener.ipv6_only, local)) {
            continue;
        }
        if (!listener.address.is_wildcard()) {
            return listener.owner;
        }
        by_wildcard = by_wildcard == nullptr ? listener.owner : by_wildcard;
    }
    return by_wildcard;
}

ListedOwner HolderIndex::owner_of(const SocketRow& row,
                                  std::span<const CensusHolder* const> holders) const
{
    if (const CensusHolder* holder = smallest(holders)) {
        return {holder, How::kHeld, false};
    }
    if (row.inode != 0) {
        return complete_ ? ListedOwner{&kernel_process(), How::kHeld, false} : ListedOwner{};
    }
    if (row.protocol != IPPROTO_TCP) {
        return {};
    }
    const CensusHolder* owner = listener_owner(row);
    if (owner == nullptr) {
        return {};
    }
    const TcpState state = shown_state(row.state);
    const bool queued = state == TcpState::kEstablished || state == TcpState::kCloseWait ||
                        state == TcpState::kSynRecv;
    return {owner, How::kListener, queued};
}

} // namespace tcpledger
