// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "verify/comparison.hpp"

#include <tsl/robin_map.h>

#include <algorithm>

namespace tcpledger {
namespace {

bool may_be_mini(const PlainSocket& socket)
{
    return socket.inode == 0 &&
           (socket.state == TcpState::kTimeWait || socket.state == TcpState::kFinWait2 ||
            socket.state == TcpState::kSynRecv);
}

bool waits_for_accept(TcpState state)
{
    return state == TcpState::kEstablished || state == TcpState::kCloseWait ||
           state == TcpState::kSynRecv;
}

struct HashTuple {
    std::size_t operator()(const FourTuple& tuple) const noexcept { return hash_of(tuple); }
};

class Comparer {
public:
    Comparer(const BooksCopy& books, const Witness& witness)
        : books_(books), witness_(witness), seen_(books.connections.size())
    {
    }

    Comparison run()
    {
        index_books();
        note_listeners();
        for (const PlainSocket& socket : witness_.sockets) {
            compare_socket(socket);
        }
        for (std::size_t place = 0; place < books_.connections.size(); ++place) {
            compare_connection(place);
        }
        result_.sockets = witness_.sockets.size();
        check_sums();
        return std::move(result_);
    }

private:
    void index_books();
    void note_listeners();
    /// Its place among the copied connections, or nothing.
    [[nodiscard]] std::optional<std::size_t> find(const PlainSocket& socket) const;
    void compare_socket(const PlainSocket& socket);
    void compare_connection(std::size_t place);
    void compare_owner(const PlainSocket& socket, const Connection& connection);
    void check_sums();
    [[nodiscard]] std::vector<std::uint32_t> possible_owners(const PlainSocket& socket) const;
    [[nodiscard]] Claims claims_of(const Connection& connection) const;
    [[nodiscard]] std::optional<ProcessKey> owner_of(const Connection& connection) const;
    [[nodiscard]] bool moved(const Connection& connection) const
    {
        return connection.last_event >= witness_.started;
    }

    const BooksCopy& books_;
    const Witness& witness_;
    Comparison result_;
    std::vector<bool> seen_; ///< by place
    tsl::robin_map<std::uint64_t, std::size_t> by_cookie_;
    tsl::robin_map<FourTuple, std::size_t, HashTuple> minis_;
    /// (namespace, port) → the processes that hold a listener there.
    std::map<std::pair<std::uint32_t, std::uint16_t>, std::vector<std::uint32_t>> listeners_;
};

void Comparer::note_listeners()
{
    for (const PlainSocket& socket : witness_.sockets) {
        const auto* holders = witness_.holders_of(socket);
        if (socket.state == TcpState::kListen && holders != nullptr) {
            auto& known = listeners_[{socket.tuple.netns_inum, socket.tuple.local.port}];
            known.insert(known.end(), holders->begin(), holders->end());
        }
    }
}

void Comparer::index_books()
{
    for (std::size_t place = 0; place < books_.connections.size(); ++place) {
        const Connection& connection = books_.connections[place];
        if (connection.kind == SocketKind::kFull) {
            by_cookie_.emplace(connection.cookie, place);
        } else if (connection.kind == SocketKind::kMini) {
            minis_.emplace(connection.tuple, place);
        }
    }
}

std::optional<std::size_t> Comparer::find(const PlainSocket& socket) const
{
    if (may_be_mini(socket)) {
        if (const auto mini = minis_.find(socket.tuple); mini != minis_.end()) {
            return mini->second;
        }
    }
    const auto full = by_cookie_.find(socket.cookie);
    // The kernel may keep a socket's cookie in the mini-socket that it left.
    const bool same =
        full != by_cookie_.end() &&
        (!may_be_mini(socket) || books_.connections[full->second].tuple == socket.tuple);
    return same ? std::optional(full->second) : std::nullopt;
}

std::optional<ProcessKey> Comparer::owner_of(const Connection& connection) const
{
    if (connection.owner == kKernelProcess || connection.owner == kUnknownProcess) {
        return std::nullopt;
    }
    return books_.processes[connection.owner].key;
}

Claims Comparer::claims_of(const Connection& connection) const
{
    Claims claims;
    claims.books = shown_state(connection.state);
    claims.owner = owner_of(connection);
    claims.owner_comm = books_.processes[connection.owner].comm;
    claims.last_event = connection.last_event;
    return claims;
}

void Comparer::compare_socket(const PlainSocket& socket)
{
    ++result_.by_netns[{socket.tuple.netns_inum, socket.state}].kernel;
    const DifferenceKey key{may_be_mini(socket) ? 0 : socket.cookie, socket.tuple, Aspect::kState};
    const auto place = find(socket);
    if (!place) {
        ++result_.states_compared;
        Claims claims;
        claims.kernel = socket.state;
        if (may_be_mini(socket)) {
            claims.ends = witness_.finished + std::chrono::milliseconds(socket.expires_ms);
        }
        result_.differences.emplace(key, std::move(claims));
        return;
    }
    seen_[*place] = true;
    const Connection& connection = books_.connections[*place];
    if (moved(connection)) {
        ++result_.moved;
        return;
    }
    ++result_.states_compared;
    if (shown_state(connection.state) != socket.state) {
        Claims claims = claims_of(connection);
        claims.kernel = socket.state;
        result_.differences.emplace(key, std::move(claims));
    }
    compare_owner(socket, connection);
}

/// What is in an accept queue has no holder: its listener's then. Empty: nobody can tell.
std::vector<std::uint32_t> Comparer::possible_owners(const PlainSocket& socket) const
{
    if (const auto* holders = witness_.holders_of(socket)) {
        return *holders;
    }
    const auto listener = socket.inode == 0 && waits_for_accept(socket.state)
                              ? listeners_.find({socket.tuple.netns_inum, socket.tuple.local.port})
                              : listeners_.end();
    return listener != listeners_.end() ? listener->second : std::vector<std::uint32_t>();
}

void Comparer::compare_owner(const PlainSocket& socket, const Connection& connection)
{
    const std::vector<std::uint32_t> possible = possible_owners(socket);
    if (!witness_.links_complete || possible.empty()) {
        return;
    }
    std::vector<LinkingProcess> holders;
    for (const std::uint32_t index : possible) {
        holders.push_back(witness_.links.processes[index]);
    }
    std::ranges::sort(holders, {}, &LinkingProcess::pid);
    const auto owner = owner_of(connection);
    const auto found = std::ranges::find_if(holders, [&](const LinkingProcess& holder) {
        return owner && ProcessKey{holder.pid, holder.start_ticks} == *owner;
    });
    const LinkingProcess& holder = found != holders.end() ? *found : holders.front();
    ++result_.owners_compared;
    ++result_.by_process[{{holder.pid, holder.start_ticks}, socket.state}].kernel;
    if (owner) {
        ++result_.by_process[{*owner, shown_state(connection.state)}].books;
    }
    if (found == holders.end()) {
        Claims claims = claims_of(connection);
        claims.kernel = socket.state;
        claims.holders = std::move(holders);
        result_.differences.emplace(DifferenceKey{socket.cookie, socket.tuple, Aspect::kOwner},
                                    std::move(claims));
    }
}

void Comparer::compare_connection(std::size_t place)
{
    const Connection& connection = books_.connections[place];
    result_.unknown += connection.owner == kUnknownProcess ? 1U : 0U;
    const bool covered = witness_.netns_inums.contains(connection.tuple.netns_inum);
    if (covered) {
        ++result_.by_netns[{connection.tuple.netns_inum, shown_state(connection.state)}].books;
    }
    if (!covered || seen_[place]) {
        return;
    }
    if (moved(connection) || connection.kind == SocketKind::kEmbryo) {
        ++result_.moved;
        return;
    }
    ++result_.states_compared;
    const bool mini = connection.kind == SocketKind::kMini;
    result_.differences.emplace(
        DifferenceKey{mini ? 0 : connection.cookie, connection.tuple, Aspect::kState},
        claims_of(connection));
}

void Comparer::check_sums()
{
    std::map<std::uint32_t, StateCounts> by_netns;
    std::vector<StateCounts> by_process(books_.processes.size());
    for (const Connection& connection : books_.connections) {
        const auto state = static_cast<std::size_t>(shown_state(connection.state));
        ++by_netns[connection.tuple.netns_inum][state];
        ++by_process[connection.owner][state];
    }
    for (const auto& [inum, counts] : books_.by_netns) {
        result_.sums_agree = result_.sums_agree && by_netns[inum] == counts;
    }
    for (std::size_t id = 0; id < by_process.size(); ++id) {
        result_.sums_agree = result_.sums_agree && by_process[id] == books_.processes[id].states;
    }
}

} // namespace

BooksCopy copy_of(const Books& books)
{
    BooksCopy copy;
    copy.connections.reserve(books.size());
    books.for_each([&](ConnectionId, const Connection& connection) {
        copy.connections.push_back(connection);
    });
    books.processes().for_each([&](ProcessId id, const Process& process) {
        copy.processes.resize(std::size_t{id} + 1);
        copy.processes[id] = process;
    });
    copy.by_netns = books.by_netns();
    return copy;
}

Comparison compare(const BooksCopy& books, const Witness& witness)
{
    return Comparer(books, witness).run();
}

} // namespace tcpledger
