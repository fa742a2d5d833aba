// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A small world for the ledger's tests: sockets and tasks as the kernel has them, the
// records the BPF programs would send about them, the rows a census would find. It
// only speaks the wire and the evidence; what the books make of it is for the tests.
#pragma once

#include "ledger/ledger.hpp"
#include "ledger/overview.hpp"
#include "ledger/settlement.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger::test {

using namespace std::chrono_literals;

inline constexpr std::uint32_t kNetns = 4026531840U;
inline constexpr std::uint16_t kInet = 2;
inline constexpr std::uint16_t kInet6 = 10;
inline constexpr std::uint8_t kReadShut = 1;
inline constexpr std::uint8_t kWriteShut = 2;
inline constexpr std::uint8_t kBothShut = 3;

/// "127.0.0.x" by its last byte; 0 is the IPv4 wildcard.
inline IpAddress ipv4(std::uint8_t last)
{
    const std::uint8_t bytes[4] = {last == 0 ? std::uint8_t{0} : std::uint8_t{127}, 0, 0, last};
    std::uint32_t address_be = 0;
    std::memcpy(&address_be, bytes, sizeof(address_be));
    return IpAddress::from_ipv4_be(address_be);
}

/// "::x"; 0 is the IPv6 wildcard.
inline IpAddress ipv6(std::uint8_t last)
{
    IpAddress address;
    address.bytes[15] = last;
    return address;
}

struct Sock {
    std::uint64_t cookie = 0;
    FourTuple tuple;
    std::uint64_t address = 0; ///< of the struct sock; made from the cookie when 0
    std::uint64_t listener = 0;
    std::uint16_t family = kInet;
    std::uint16_t error = 0;
    std::uint8_t shutdown = 0;
    std::uint8_t flags = 0;

    [[nodiscard]] std::uint64_t at() const
    {
        return address != 0 ? address : 0xffff888000000000ULL + cookie * 0x1000;
    }
};

struct Task {
    std::uint32_t pid = 0;
    std::string comm = "task";
    std::uint64_t start_ns = 10'000'000'000;
    std::uint64_t cgroup_id = 1;
    std::uint32_t uid = 1000;

    [[nodiscard]] ProcessKey key() const { return {pid, start_ns / 10'000'000}; }
};

inline Sock client(std::uint64_t cookie, std::uint16_t local_port, std::uint16_t remote_port = 80)
{
    return {cookie, {kNetns, {ipv4(1), local_port}, {ipv4(1), remote_port}}};
}

inline Sock listener(std::uint64_t cookie, std::uint16_t port = 80, std::uint8_t host = 0)
{
    return {cookie, {kNetns, {ipv4(host), port}, {ipv4(0), 0}}};
}

/// The server's end of a client's connection.
inline Sock served(std::uint64_t cookie, const Sock& client, const Sock& listener)
{
    Sock sock{cookie, client.tuple.mirrored()};
    sock.listener = listener.at();
    return sock;
}

/// As the kernel side does, by the record's family.
inline void set_addresses(tl_transition& event, const IpAddress& local, const IpAddress& remote)
{
    if (event.family == kInet6) {
        std::memcpy(event.addresses.ipv6.local, local.bytes.data(), 16);
        std::memcpy(event.addresses.ipv6.remote, remote.bytes.data(), 16);
    } else {
        std::memcpy(&event.addresses.ipv4.local, &local.bytes[12], 4);
        std::memcpy(&event.addresses.ipv4.remote, &remote.bytes[12], 4);
    }
}

inline tl_transition transition_record(const Sock& sock, TcpState from, TcpState to,
                                       MonotonicTime time)
{
    tl_transition event{};
    event.header.time_ns = static_cast<std::uint64_t>(time.count());
    event.header.kind = TL_RECORD_TRANSITION;
    event.header.size_bytes = sizeof(event);
    const bool clone = from == TcpState::kListen && to == TcpState::kSynRecv;
    event.cookie = clone ? 0 : sock.cookie;
    event.sock = sock.at();
    event.listener_sock = clone ? sock.listener : 0;
    event.netns_inum = sock.tuple.netns_inum;
    event.family =
        static_cast<std::uint8_t>(sock.tuple.local.address.is_ipv4() ? sock.family : kInet6);
    event.old_state = static_cast<std::uint8_t>(from);
    event.new_state = static_cast<std::uint8_t>(to);
    event.local_port = to == TcpState::kSynSent ? std::uint16_t{0} : sock.tuple.local.port;
    event.remote_port = clone ? std::uint16_t{0} : sock.tuple.remote.port;
    event.error = sock.error;
    event.shutdown = sock.shutdown;
    event.flags = sock.flags;
    set_addresses(event, sock.tuple.local.address, clone ? ipv4(0) : sock.tuple.remote.address);
    return event;
}

inline tl_process process_of(const Task& task)
{
    tl_process process{};
    process.start_ns = task.start_ns;
    process.cgroup_id = task.cgroup_id;
    process.tgid = task.pid;
    process.uid = task.uid;
    std::memcpy(process.comm, task.comm.data(), std::min(task.comm.size(), sizeof(process.comm)));
    return process;
}

inline tl_owned_transition owned_record(const Sock& sock, TcpState from, TcpState to,
                                        const Task& task, MonotonicTime time)
{
    tl_owned_transition event{};
    event.transition = transition_record(sock, from, to, time);
    event.transition.header.kind = TL_RECORD_OWNED_TRANSITION;
    event.transition.header.size_bytes = sizeof(event);
    event.process = process_of(task);
    return event;
}

/// A ledger fed by hand. Each call is one millisecond later than the last.
class World {
public:
    explicit World(Ledger::Observer observer = {}, Ledger::CompanionObserver companions = {})
        : ledger(std::move(observer), std::move(companions))
    {
    }

    Ledger ledger;
    Settlement settlement{ledger};
    MonotonicTime now = 1s;

    template <typename Record> void apply(const Record& record)
    {
        ledger.apply_record(&record, sizeof(record));
        check_sums();
    }

    /// A transition in softirq: no process is told.
    void goes(const Sock& sock, TcpState from, TcpState to)
    {
        apply(transition_record(sock, from, to, tick()));
    }
    /// A transition in the context of a process.
    void goes(const Sock& sock, TcpState from, TcpState to, const Task& task)
    {
        apply(owned_record(sock, from, to, task, tick()));
    }

    void listens(const Sock& sock, const Task& task)
    {
        goes(sock, TcpState::kClose, TcpState::kListen, task);
    }
    void connects(const Sock& sock, const Task& task)
    {
        goes(sock, TcpState::kClose, TcpState::kSynSent, task);
        goes(sock, TcpState::kSynSent, TcpState::kEstablished);
    }
    /// The server's side of a handshake, cloned from sock.listener.
    void is_born(const Sock& sock)
    {
        goes(sock, TcpState::kListen, TcpState::kSynRecv);
        goes(sock, TcpState::kSynRecv, TcpState::kEstablished);
    }
    /// close() of an established socket, up to the peer's ACK.
    void closes(Sock sock, const Task& task)
    {
        sock.shutdown = kBothShut;
        goes(sock, TcpState::kEstablished, TcpState::kFinWait1, task);
        sock.flags |= TL_FLAG_ORPHANED;
        goes(sock, TcpState::kFinWait1, TcpState::kFinWait2);
        goes(sock, TcpState::kFinWait2, TcpState::kClose);
    }

    void process_event(std::uint16_t kind, const Task& task)
    {
        tl_process_event event{};
        event.header.time_ns = static_cast<std::uint64_t>(tick().count());
        event.header.kind = kind;
        event.header.size_bytes = sizeof(event);
        event.process = process_of(task);
        apply(event);
    }
    void exits(const Task& task) { process_event(TL_RECORD_PROCESS_EXIT, task); }
    void execs(const Task& task) { process_event(TL_RECORD_PROCESS_EXEC, task); }

    // ---- what refined hooks tell

    void accepts(const Sock& sock, const Task& task, TcpState state = TcpState::kEstablished)
    {
        tl_owned_transition event = owned_record(sock, state, state, task, tick());
        event.transition.header.kind = TL_RECORD_ACCEPTED;
        apply(event);
    }
    void leaves_behind(const Sock& sock, TcpState from, TcpState mini)
    {
        tl_transition event = transition_record(sock, from, mini, tick());
        event.header.kind = TL_RECORD_LEFT_BEHIND;
        apply(event);
    }
    void mini_goes(const Sock& sock, TcpState from, TcpState to)
    {
        tl_transition event = transition_record(sock, from, to, tick());
        event.header.kind = TL_RECORD_MINI_SOCKET;
        event.cookie = 0;
        event.listener_sock = sock.listener;
        apply(event);
    }

    // ---- the census

    void sweep_begins() { settlement.begin(tick()); }
    void listed(const Sock& sock, TcpState state, std::uint32_t inode)
    {
        tick();
        settlement.listed(
            {sock.tuple, sock.cookie, inode, static_cast<std::uint8_t>(sock.family), state});
        check_sums();
    }
    void held(const Sock& sock, const Task& task)
    {
        settlement.held(
            {sock.cookie, sock.at(), {task.key(), task.cgroup_id, task.uid, task.comm}});
    }
    SettlementReport sweep_ends(bool holders = true, bool full_sockets = true)
    {
        return sweep_ends(
            {.netns_inums = netns_inums, .holders = holders, .full_sockets = full_sockets});
    }
    SettlementReport sweep_ends(const SweepCoverage& coverage)
    {
        const SettlementReport report = settlement.finish(coverage, tick());
        check_sums();
        return report;
    }
    std::vector<std::uint32_t> netns_inums{kNetns};

    // ---- what the books say

    [[nodiscard]] const Books& books() const { return ledger.books(); }
    [[nodiscard]] std::uint32_t count(TcpState state) const
    {
        return books().totals()[static_cast<std::size_t>(state)];
    }
    [[nodiscard]] const Connection* find(const Sock& sock) const
    {
        ConnectionId id = books().find_by_cookie(sock.cookie);
        id = id != kNoConnection ? id : books().find_mini(sock.tuple);
        id = id != kNoConnection ? id : books().find_embryo(sock.at());
        return id != kNoConnection ? &books().at(id) : nullptr;
    }
    [[nodiscard]] TcpState state(const Sock& sock) const
    {
        const Connection* connection = find(sock);
        return connection != nullptr ? connection->state : TcpState::kClose;
    }
    [[nodiscard]] const Process& owner(const Sock& sock) const
    {
        const Connection* connection = find(sock);
        EXPECT_NE(connection, nullptr) << "no such connection on the books";
        return books().processes().at(connection != nullptr ? connection->owner : kUnknownProcess);
    }
    /// "connect nginx", "listener sshd", "unknown [unknown]", "nothing" if it is not there;
    /// "+unaccepted" behind where it is.
    [[nodiscard]] std::string whose(const Sock& sock) const
    {
        const Connection* connection = find(sock);
        if (connection == nullptr) {
            return "nothing";
        }
        return std::string(how_name(connection->how)) + " " + owner(sock).comm +
               (connection->unaccepted ? "+unaccepted" : "");
    }

    MonotonicTime tick(MonotonicTime by = 1ms) { return now += by; }

    /// The books' three sums are one, and nothing has wrapped below zero.
    void check_sums() const
    {
        StateCounts each{};
        StateCounts of_processes{};
        StateCounts of_netns{};
        books().for_each([&](ConnectionId, const Connection& connection) {
            ++each[static_cast<std::size_t>(shown_state(connection.state))];
        });
        books().processes().for_each([&](ProcessId, const Process& process) {
            std::uint32_t sum = 0;
            for (std::size_t state = 0; state < kStateSlots; ++state) {
                of_processes[state] += process.states[state];
                sum += process.states[state];
                ASSERT_LE(process.states[state], books().size()) << "wrapped: " << process.comm;
            }
            ASSERT_EQ(process.connections, sum) << process.comm;
        });
        for (const auto& [netns, counts] : books().by_netns()) {
            for (std::size_t state = 0; state < kStateSlots; ++state) {
                of_netns[state] += counts[state];
                ASSERT_LE(counts[state], books().size()) << "wrapped: netns " << netns;
            }
        }
        ASSERT_EQ(books().totals(), each);
        ASSERT_EQ(books().totals(), of_processes);
        ASSERT_EQ(books().totals(), of_netns);
    }
};

} // namespace tcpledger::test
