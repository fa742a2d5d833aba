// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/listing.hpp"

#include "filter/inet_diag_bytecode.hpp"
#include "kernel/abilities.hpp"
#include "session/netns_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <utility>
#include <variant>

namespace tcpledger {
namespace {

constexpr std::chrono::milliseconds kTimeWaitLength{60'000}; // TCP_TIMEWAIT_LEN

struct NeedsVisitor {
    FilterNeeds& needs;

    void operator()(const filter::PidTest& /*test*/) const { needs.owners = true; }
    void operator()(const filter::CommTest& /*test*/) const { needs.owners = true; }
    void operator()(const filter::OwnerTest& /*test*/) const { needs.owners = true; }
    void operator()(const filter::UnacceptedTest& /*test*/) const { needs.owners = true; }
    void operator()(const filter::ContainerTest& /*test*/) const
    {
        needs.owners = true;
        needs.container = true;
    }
    void operator()(const filter::AgeTest& /*test*/) const { needs.age = true; }
    void operator()(const filter::AutoboundTest& /*test*/) const { needs.port_range = true; }
    void operator()(const filter::InterfaceTest& /*test*/) const { needs.interface = true; }
    void operator()(const filter::MarkTest& /*test*/) const { needs.mark = true; }
    template <typename Other> void operator()(const Other& /*test*/) const {}
};

ProcessView view_of(const CensusHolder& holder)
{
    return {holder.pid, holder.comm()};
}

SocketView view_of(const SocketRow& row, const PortRange& ports)
{
    SocketView view;
    view.tuple = row.tuple;
    view.family = row.family;
    view.state = row.state;
    view.inode = row.inode;
    view.uid = row.uid;
    view.mark = row.mark;
    view.interface_index = row.interface_index;
    view.cookie = row.cookie;
    view.cgroup_id = row.cgroup_id;
    view.autobound = ports.contains(row.tuple.local.port);
    view.age = time_wait_age(row);
    return view;
}

} // namespace

std::optional<std::chrono::milliseconds> time_wait_age(const SocketRow& row)
{
    const std::chrono::milliseconds left(row.timer_ms);
    if (row.state != TcpState::kTimeWait || row.timer != SocketTimer::kTimeWait ||
        left > kTimeWaitLength) {
        return std::nullopt;
    }
    return kTimeWaitLength - left;
}

FilterNeeds needs_of(const Filter& filter)
{
    FilterNeeds needs;
    for (const FilterStep& step : filter.steps()) {
        std::visit(NeedsVisitor{needs}, step.test);
    }
    return needs;
}

StateSet wanted_states(const Filter& filter, const ListingRequest& request)
{
    StateSet states = filter.has_state_filter() ? filter.states() : request.states;
    states &= request.only.value_or(kAllStates);
    return (states & kStatesOfSsAll) != 0 ? states & kStatesOfSsAll : states & kEveryState;
}

Expected<Listing> Listing::take(std::vector<ListedNamespace> namespaces,
                                const ListingRequest& request)
{
    Listing listing(std::move(namespaces));
    for (const ListedNamespace& listed : listing.namespaces_) {
        const FilterNeeds needs = needs_of(*listed.filter);
        listing.needs_.owners |= needs.owners;
        listing.needs_.container |= needs.container;
    }
    const bool owners = request.with_owners || listing.needs_.owners;
    const HeldCapabilities held = held_capabilities();
    if (owners && request.processes_denied > 0 && !held.sys_ptrace) {
        listing.census_.notes.push_back(
            fmt::format("{} process{} may not be looked at (needs CAP_SYS_PTRACE): what only they "
                        "hold shows no "
                        "owner, and a network namespace of theirs alone is missing",
                        request.processes_denied, request.processes_denied == 1 ? "" : "es"));
    }
    ListingRequest asked = request;
    asked.with_owners = owners;
    const CensusTaker taker = owners ? CensusTaker::open(request.udp) : CensusTaker();
    auto walk = std::async(owners ? std::launch::async : std::launch::deferred,
                           [&taker] { return taker.walk(); });
    for (std::size_t netns = 0; netns < listing.namespaces_.size(); ++netns) {
        listing.dump(netns, asked);
    }
    const Census& census = listing.census_;
    if (listing.dumps_.empty() && !census.unread_netns.empty()) {
        std::string notes;
        for (const std::string& note : census.notes) {
            notes += (notes.empty() ? "" : "; ") + note;
        }
        return tl::unexpected(
            Error{ErrorKind::kUnsupported, 0, "cannot dump a single network namespace", notes});
    }
    if (owners) {
        listing.find_owners(request, taker, walk.get());
    }
    return listing;
}

void Listing::dump(std::size_t place, const ListingRequest& request)
{
    const NetworkNamespace& netns = *namespaces_[place].netns;
    const int fd = netns.inum == own_netns_inum() ? -1 : netns.fd.get();
    Expected<SockDiag> diag = SockDiag::open(fd, netns.inum);
    if (!diag) {
        census_.notes.push_back(
            fmt::format("network namespace {}: {}", netns.inum, diag.error().message()));
        census_.unread_netns.push_back(netns.inum);
        return;
    }
    const std::size_t notes_before = census_.notes.size();
    if (request.udp) { // first, as in ss
        dump_protocol(*diag, place, request, IPPROTO_UDP);
    }
    if (request.tcp) {
        dump_protocol(*diag, place, request, IPPROTO_TCP);
    }
    if (request.with_owners && request.tcp) {
        const auto done = diag->dump({.state_mask = set_of(TcpState::kListen)}, listeners_);
        static_cast<void>(done); // without them queues have no owner; the dump above has told why
    }
    const bool whole = census_.notes.size() == notes_before;
    (whole ? census_.netns_inums : census_.unread_netns).push_back(netns.inum);
}

void Listing::dump_protocol(SockDiag& diag, std::size_t netns, const ListingRequest& request,
                            std::uint8_t protocol)
{
    const ListedNamespace& listed = namespaces_[netns];
    const std::size_t begin = census_.rows.size();
    const InetDiagFilter compiled = compile_inet_diag(
        *listed.filter, {listed.netns->inum, held_capabilities().net_admin, true});
    DumpRequest dump;
    dump.protocol = protocol;
    dump.families = request.families;
    dump.state_mask = wanted_states(*listed.filter, request);
    dump.details = request.details;
    dump.filter = std::as_bytes(std::span(compiled.bytecode));
    if (compiled.selects_nothing || dump.state_mask == 0) {
        return;
    }
    std::vector<SocketDetails>* details = request.with_details ? &details_ : nullptr;
    auto done = diag.dump(dump, census_.rows, details);
    if (!done && !dump.filter.empty()) { // a kernel that does not know one of the conditions
        dump.filter = {};
        done = diag.dump(dump, census_.rows, details);
    }
    const char* name = protocol == IPPROTO_UDP ? "UDP" : "TCP";
    if (!done) {
        census_.notes.push_back(fmt::format("network namespace {}, {}: {}", listed.netns->inum,
                                            name, done.error().message()));
        return;
    }
    dumps_.push_back({netns, begin, census_.rows.size()});
    if (done->interrupted) {
        census_.notes.push_back(fmt::format(
            "network namespace {}, {}: the dump was interrupted {} times; its rows are a lower "
            "bound",
            listed.netns->inum, name, done->tries));
    }
}

void Listing::find_owners(const ListingRequest& request, const CensusTaker& taker,
                          std::optional<HolderWalk> walk)
{
    const bool beside_dump = walk && walk->done;
    taker.find_holders(census_, std::move(walk));
    index_.emplace(census_.holders);
    if (beside_dump && !every_connection_is_held()) { // one may be younger than the walk
        taker.find_holders(census_);
        index_.emplace(census_.holders);
    }
    index_->set_complete(census_.holders_complete && request.processes_denied == 0);
    for (const SocketRow& row : listeners_) {
        index_->add_listener(row);
    }
}

/// Listeners apart: they do not come and go, and those of the kernel nobody holds.
bool Listing::every_connection_is_held()
{
    return std::ranges::all_of(census_.rows, [this](const SocketRow& row) {
        return row.inode == 0 || row.state == TcpState::kListen ||
               !index_->holders_of(row.cookie).empty();
    });
}

ListedSocket Listing::socket_at(std::size_t at)
{
    ListedSocket socket{census_.rows[at], nullptr, {}, {}, {}};
    socket.details = details_.empty() ? nullptr : &details_[at];
    if (index_) {
        socket.holders = index_->holders_of(socket.row.cookie);
        socket.owner = index_->owner_of(socket.row, socket.holders);
    }
    return socket;
}

bool Listing::is_new(const SocketRow& row)
{
    return row.cookie == 0 ||
           seen_
               .insert({row.cookie, std::uint64_t{row.tuple.netns_inum} << 32U |
                                        std::uint64_t{row.tuple.local.port} << 16U |
                                        row.tuple.remote.port})
               .second;
}

bool Listing::matches(const ListedNamespace& listed, ListedSocket& socket,
                      const ContainerLookup& container)
{
    if (listed.filter->steps().empty()) {
        return true; // the kernel has looked at the states
    }
    SocketView view = view_of(socket.row, listed.ports);
    if (socket.owner.process != nullptr) {
        view.owner = view_of(*socket.owner.process);
        if (needs_.container) {
            socket.container = container(*socket.owner.process);
            view.container = socket.container;
        }
    }
    views_.clear();
    for (const CensusHolder* holder : socket.holders) {
        views_.push_back(view_of(*holder));
    }
    view.holders = views_;
    view.unaccepted = socket.owner.unaccepted;
    return listed.filter->matches(view);
}

} // namespace tcpledger
