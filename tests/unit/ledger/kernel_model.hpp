// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A little kernel with a random will: processes that open, share and close TCP sockets in
// several namespaces, the records it would send and what a dump of it would find. It is
// the oracle of the property test, so it must not know how the ledger works.
// Over 400 lines because it is one class, whose parts share their state.
#pragma once

#include "world.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

namespace tcpledger::test {

/// A socket as the kernel has it.
struct ModelSocket {
    enum class Sort { kFull, kRequest, kMini };
    Sock sock;
    TcpState state = TcpState::kClose;
    Sort sort = Sort::kFull;
    std::uint64_t listener_id = 0; ///< of a request or a child, while it listens
    std::uint64_t peer_id = 0;     ///< the other end on this host; 0 = outside
    bool queued = false;           ///< in an accept queue
    bool kernels = false;          ///< held by the kernel itself
    bool peer_was_here = false;
    MonotonicTime dies{};                    ///< a mini-socket's end
    std::set<std::uint32_t> holders;         ///< pids
    std::set<std::uint32_t> ever_held;       ///< pids of processes, reused ones excluded
    std::optional<std::uint32_t> author_pid; ///< of the last transition in a process's context
    bool author_closed_it = false;

    [[nodiscard]] bool exists() const { return state != TcpState::kClose; }
    [[nodiscard]] bool orphaned() const { return holders.empty() && !queued && !kernels; }
    [[nodiscard]] std::uint32_t inode() const
    {
        return sort == Sort::kFull && (!holders.empty() || kernels)
                   ? static_cast<std::uint32_t>(sock.cookie + 1)
                   : 0;
    }
};

class KernelModel {
public:
    struct Options {
        unsigned seed = 1;
        bool twsk_keeps_cookie = false;
        bool refined = false; ///< with hooks on accept and on the life of mini-sockets
    };
    using Record = std::vector<unsigned char>;

    explicit KernelModel(const Options& options) : options_(options), random_(options.seed)
    {
        for (int i = 0; i < 4; ++i) {
            start_process();
        }
    }

    std::deque<Record> ring;
    unsigned loss_percent = 0;
    std::uint64_t lost = 0;
    MonotonicTime now = 100s;
    std::map<std::uint64_t, ModelSocket> sockets; ///< by an id of the model's own
    std::map<std::uint32_t, Task> processes;      ///< by pid
    std::vector<std::uint32_t> netns_inums{kNetns, kNetns + 1, kNetns + 2};

    /// Below `limit`; 0 is allowed.
    std::uint64_t pick(std::uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }
    bool chance(unsigned percent) { return pick(100) < percent; }

    /// One thing happens that can happen.
    void step()
    {
        now += std::chrono::milliseconds(1 + pick(120));
        expire();
        switch (pick(16)) {
        case 0:
            return processes.size() < 12 ? start_process() : exit_process(any_pid());
        case 1:
            return chance(30) ? exit_process(any_pid()) : fork(any_pid());
        case 2:
            return exec(any_pid());
        case 3:
            return chance(60) ? listen(any_pid()) : kernel_connect();
        case 4:
        case 5:
        case 6:
            return sockets.size() < 150 ? connect(any_pid()) : close_any();
        case 7:
        case 8:
        case 9:
            return finish_handshake(any_where(
                [](const ModelSocket& socket) { return socket.state == TcpState::kSynSent; }));
        case 10:
        case 11:
            return accept(any_where([](const ModelSocket& socket) { return socket.queued; }));
        case 12:
            return chance(30) ? shut_down_writing() : close_any();
        case 13:
        case 14:
            return fin_arrives(any_where([](const ModelSocket& socket) {
                return socket.state == TcpState::kFinWait1 || socket.state == TcpState::kClosing ||
                       socket.state == TcpState::kLastAck;
            }));
        default:
            return chance(50) ? outside_acts() : reset(any_where([](const ModelSocket& socket) {
                return socket.exists() && socket.state != TcpState::kListen;
            }));
        }
    }

    /// What a dump shows of a socket at this moment; asking settles its cookie.
    [[nodiscard]] std::optional<SocketEvidence> row(std::uint64_t id)
    {
        const auto found = sockets.find(id);
        if (found == sockets.end() || !found->second.exists()) {
            return std::nullopt;
        }
        ModelSocket& socket = found->second;
        if (socket.sock.cookie == 0) {
            socket.sock.cookie = next_cookie_++;
        }
        const TcpState state =
            socket.sort == ModelSocket::Sort::kRequest ? TcpState::kSynRecv : socket.state;
        return SocketEvidence{socket.sock.tuple, socket.sock.cookie, socket.inode(),
                              static_cast<std::uint8_t>(kInet), state};
    }

    /// Every mini-socket that is still there dies now, and with it what has waited so long.
    void let_minis_die()
    {
        now += 130s;
        expire();
    }

private:
    using Sort = ModelSocket::Sort;

    // ---- the wire

    template <typename T> void send(const T& record)
    {
        if (chance(loss_percent)) {
            ++lost;
            return;
        }
        const auto* bytes = reinterpret_cast<const unsigned char*>(&record);
        ring.emplace_back(bytes, bytes + sizeof(record));
    }

    void go(ModelSocket& socket, TcpState from, TcpState to, const Task* task = nullptr)
    {
        now += 1us;
        Sock told = socket.sock;
        told.flags = static_cast<std::uint8_t>(
            told.flags | (socket.orphaned() ? TL_FLAG_ORPHANED : 0) |
            (task != nullptr && task->comm == "kworker" ? TL_FLAG_KERNEL_THREAD : 0));
        if (task != nullptr) {
            send(owned_record(told, from, to, *task, now));
            socket.author_pid = socket.kernels ? std::nullopt : std::optional(task->pid);
        } else {
            send(transition_record(told, from, to, now));
        }
        socket.state = to;
    }

    // What refined hooks tell; without them nothing.
    void tell_accept(const ModelSocket& child, const Task& task)
    {
        if (options_.refined) {
            auto record = owned_record(child.sock, child.state, child.state, task, now += 1us);
            record.transition.header.kind = TL_RECORD_ACCEPTED;
            send(record);
        }
    }
    void tell_left_behind(const ModelSocket& full, TcpState mini)
    {
        if (options_.refined) {
            auto record = transition_record(full.sock, full.state, mini, now += 1us);
            record.header.kind = TL_RECORD_LEFT_BEHIND;
            send(record);
        }
    }
    void tell_mini(const ModelSocket& mini, TcpState from, TcpState to)
    {
        if (options_.refined) {
            auto record = transition_record(mini.sock, from, to, now += 1us);
            record.header.kind = TL_RECORD_MINI_SOCKET;
            record.cookie = 0;
            record.listener_sock = mini.sock.listener;
            send(record);
        }
    }
    /// The end of a socket that is no full one.
    void tell_end(const ModelSocket& socket)
    {
        const bool request = socket.sort == ModelSocket::Sort::kRequest;
        tell_mini(socket, request ? TcpState::kNewSynRecv : socket.state, TcpState::kClose);
    }

    void tell(std::uint16_t kind, const Task& task)
    {
        tl_process_event event{};
        event.header.time_ns = static_cast<std::uint64_t>(now.count());
        event.header.kind = kind;
        event.header.size_bytes = sizeof(event);
        event.process = process_of(task);
        send(event);
    }

    // ---- choosing

    std::uint32_t any_pid()
    {
        auto process = processes.begin();
        std::advance(process, static_cast<std::ptrdiff_t>(pick(processes.size())));
        return process->first;
    }
    template <typename Wanted> std::uint64_t any_where(Wanted&& wanted)
    {
        std::vector<std::uint64_t> ids;
        for (const auto& [id, socket] : sockets) {
            if (wanted(socket)) {
                ids.push_back(id);
            }
        }
        return ids.empty() ? 0 : ids[pick(ids.size())];
    }
    ModelSocket* find(std::uint64_t id)
    {
        const auto found = sockets.find(id);
        return found != sockets.end() ? &found->second : nullptr;
    }
    ModelSocket* find_tuple(const FourTuple& tuple)
    {
        const auto found = std::ranges::find_if(sockets, [&](const auto& entry) {
            return entry.second.exists() && entry.second.sock.tuple == tuple;
        });
        return found != sockets.end() ? &found->second : nullptr;
    }

    // ---- processes

    void start_process()
    {
        std::uint32_t pid = 0;
        do {
            pid = 2 + static_cast<std::uint32_t>(pick(40));
        } while (processes.contains(pid));
        start_ns_ += 10'000'000; // one tick: a pid is not reused within one
        processes[pid] = {pid, "p" + std::to_string(start_ns_ / 10'000'000), start_ns_};
        for (auto& [id, socket] : sockets) {
            socket.ever_held.erase(pid); // that was another process
            if (socket.author_pid == pid) {
                socket.author_pid.reset();
            }
        }
    }
    void fork(std::uint32_t parent)
    {
        const std::set<std::uint32_t> before = pids();
        start_process();
        for (const std::uint32_t pid : pids()) {
            if (before.contains(pid)) {
                continue;
            }
            for (auto& [id, socket] : sockets) {
                if (socket.holders.contains(parent)) {
                    hold(socket, pid);
                }
            }
        }
    }
    void exec(std::uint32_t pid)
    {
        processes[pid].comm += "x";
        processes[pid].comm.resize(std::min<std::size_t>(processes[pid].comm.size(), 12));
        tell(TL_RECORD_PROCESS_EXEC, processes[pid]);
    }
    void exit_process(std::uint32_t pid)
    {
        if (processes.size() < 3) {
            return;
        }
        tell(TL_RECORD_PROCESS_EXIT, processes[pid]);
        std::vector<std::uint64_t> held;
        for (const auto& [id, socket] : sockets) {
            if (socket.holders.contains(pid)) {
                held.push_back(id);
            }
        }
        for (const std::uint64_t id : held) {
            close(id, pid);
        }
        processes.erase(pid);
    }
    [[nodiscard]] std::set<std::uint32_t> pids() const
    {
        std::set<std::uint32_t> all;
        for (const auto& [pid, task] : processes) {
            all.insert(pid);
        }
        return all;
    }
    static void hold(ModelSocket& socket, std::uint32_t pid)
    {
        socket.holders.insert(pid);
        socket.ever_held.insert(pid);
    }

    // ---- opening

    /// A new socket; `make` must not be held across another.
    ModelSocket& make(const FourTuple& tuple)
    {
        ModelSocket& socket = sockets[next_id_++];
        socket.sock.cookie = next_cookie_++;
        socket.sock.address = 0xffff888000000000ULL + ++next_address_ * 0x1000;
        socket.sock.tuple = tuple;
        return socket;
    }

    void listen(std::uint32_t pid)
    {
        const std::uint32_t netns = netns_inums[pick(netns_inums.size())];
        const auto host = static_cast<std::uint8_t>(pick(3)); // 0: any; siblings share a port
        ModelSocket& socket =
            make({netns, {ipv4(host), static_cast<std::uint16_t>(80 + pick(3))}, {ipv4(0), 0}});
        hold(socket, pid);
        go(socket, TcpState::kClose, TcpState::kListen, &processes[pid]);
    }

    /// The listeners that a SYN to this endpoint could reach: the bound before the wildcard.
    std::vector<std::uint64_t> listeners_for(std::uint32_t netns, const Endpoint& target)
    {
        std::vector<std::uint64_t> bound;
        std::vector<std::uint64_t> wild;
        for (const auto& [id, socket] : sockets) {
            const FourTuple& tuple = socket.sock.tuple;
            if (socket.state != TcpState::kListen || tuple.netns_inum != netns ||
                tuple.local.port != target.port) {
                continue;
            }
            if (tuple.local.address == target.address) {
                bound.push_back(id);
            } else if (tuple.local.address.is_wildcard()) {
                wild.push_back(id);
            }
        }
        return bound.empty() ? wild : bound;
    }

    void connect(std::uint32_t pid)
    {
        const std::uint32_t netns = netns_inums[pick(netns_inums.size())];
        const bool outside = chance(30);
        const auto host = static_cast<std::uint8_t>(outside ? 200 : 1 + pick(3));
        const FourTuple tuple{netns,
                              {ipv4(1), static_cast<std::uint16_t>(1024 + pick(outside ? 60 : 20))},
                              {ipv4(host), static_cast<std::uint16_t>(80 + pick(3))}};
        ModelSocket* here = find_tuple(tuple);
        ModelSocket* there = find_tuple(tuple.mirrored());
        const auto in_the_way = [](const ModelSocket* socket) {
            return socket != nullptr &&
                   (socket->sort != Sort::kMini || socket->state != TcpState::kTimeWait);
        };
        if (in_the_way(here) || in_the_way(there)) {
            return;
        }
        const std::uint64_t again = chance(30) ? closed_socket_of(pid) : 0;
        const std::uint64_t id = again != 0 ? again : next_id_;
        ModelSocket& socket = again != 0 ? sockets.at(again) : make(tuple);
        socket.sock.tuple = tuple;
        socket.sock.error = 0;
        socket.sock.flags = 0;
        socket.sock.shutdown = 0;
        socket.peer_id = 0;
        socket.peer_was_here = false;
        hold(socket, pid);
        go(socket, TcpState::kClose, TcpState::kSynSent, &processes[pid]);
        erase_if_mini(tuple);
        const auto listeners =
            outside ? std::vector<std::uint64_t>{} : listeners_for(netns, tuple.remote);
        if (!listeners.empty()) {
            erase_if_mini(tuple.mirrored());
            ask(id, listeners[pick(listeners.size())]);
        }
    }
    std::uint64_t closed_socket_of(std::uint32_t pid)
    {
        return any_where([pid](const ModelSocket& socket) {
            return !socket.exists() && socket.holders.contains(pid);
        });
    }
    void erase_if_mini(const FourTuple& tuple)
    {
        erase_minis([&](const ModelSocket& mini) { return mini.sock.tuple == tuple; });
    }
    template <typename Gone> void erase_minis(Gone&& gone)
    {
        for (auto at = sockets.begin(); at != sockets.end();) {
            if (at->second.sort != Sort::kMini || !gone(at->second)) {
                ++at;
                continue;
            }
            tell_end(at->second);
            at = sockets.erase(at);
        }
    }
    /// The SYN arrives: a half-open request, which makes no event but by refined hooks.
    void ask(std::uint64_t client_id, std::uint64_t listener_id)
    {
        const std::uint64_t id = next_id_++;
        ModelSocket& request = sockets[id];
        request.sock.tuple = sockets.at(client_id).sock.tuple.mirrored();
        request.sock.listener = sockets.at(listener_id).sock.at();
        request.sort = Sort::kRequest;
        request.state = TcpState::kSynRecv;
        request.listener_id = listener_id;
        request.peer_id = client_id;
        sockets.at(client_id).peer_id = id;
        sockets.at(client_id).peer_was_here = true;
        tell_mini(request, TcpState::kListen, TcpState::kNewSynRecv);
    }

    void finish_handshake(std::uint64_t id)
    {
        ModelSocket* client = find(id);
        if (client == nullptr) {
            return;
        }
        ModelSocket* request = find(client->peer_id);
        const bool outside =
            !client->peer_was_here && client->sock.tuple.remote.address == ipv4(200);
        if (request == nullptr && !outside) {
            return end(id, ECONNREFUSED);
        }
        go(*client, TcpState::kSynSent, TcpState::kEstablished);
        if (request == nullptr) {
            return;
        }
        if (request->sock.cookie == 0) { // else the child takes over the request's
            request->sock.cookie = next_cookie_++;
        }
        // Freed memory is used again at once.
        request->sock.address =
            0xffff888000000000ULL + (chance(50) ? pick(next_address_) : 0) * 0x1000;
        const bool taken = std::ranges::any_of(sockets, [&](const auto& entry) {
            return &entry.second != request && entry.second.sort == Sort::kFull &&
                   entry.second.sock.at() == request->sock.address;
        });
        if (taken || request->sock.address == 0xffff888000000000ULL) {
            request->sock.address = 0xffff888000000000ULL + ++next_address_ * 0x1000;
        }
        request->sort = Sort::kFull;
        request->queued = true;
        go(*request, TcpState::kListen, TcpState::kSynRecv);
        tell_mini(*request, TcpState::kNewSynRecv, TcpState::kClose);
        go(*request, TcpState::kSynRecv, TcpState::kEstablished);
    }

    void accept(std::uint64_t id)
    {
        ModelSocket* child = find(id);
        const ModelSocket* listener = child != nullptr ? find(child->listener_id) : nullptr;
        if (listener == nullptr || listener->holders.empty()) {
            return;
        }
        auto holder = listener->holders.begin();
        std::advance(holder, static_cast<std::ptrdiff_t>(pick(listener->holders.size())));
        child->queued = false;
        hold(*child, *holder);
        tell_accept(*child, processes.at(*holder));
    }

    void kernel_connect()
    {
        const FourTuple tuple{
            kNetns, {ipv4(1), static_cast<std::uint16_t>(900 + pick(20))}, {ipv4(200), 2049}};
        if (find_tuple(tuple) != nullptr) {
            return;
        }
        ModelSocket& socket = make(tuple);
        socket.kernels = true;
        go(socket, TcpState::kClose, TcpState::kSynSent, &kworker_);
        go(socket, TcpState::kSynSent, TcpState::kEstablished);
    }

    // ---- closing

    void close_any();
    /// One process lets go of its descriptor; the last one closes the socket.
    void close(std::uint64_t id, std::uint32_t pid);
    void close_listener(std::uint64_t id, const Task& task);
    void shut_down_writing();
    /// The FIN of one end reaches the other, whose ACK comes back.
    void fin_arrives(std::uint64_t id);
    void outside_acts();
    void take_fin(std::uint64_t id);
    void take_ack(std::uint64_t id);
    /// tcp_time_wait(): the socket ends, a mini-socket stays, if there is room for one.
    void leave_mini(std::uint64_t id, TcpState state);
    void reset(std::uint64_t id);
    /// → CLOSE for good; what is no full socket ends without a word.
    void end(std::uint64_t id, std::uint16_t error);
    void forget(std::uint64_t id);
    void expire();
    Options options_;
    std::mt19937 random_;
    Task kworker_{5000, "kworker"};
    std::uint64_t next_id_ = 1;
    std::uint64_t next_cookie_ = 1;
    std::uint64_t next_address_ = 1;
    std::uint64_t start_ns_ = 1'000'000'000;
};

} // namespace tcpledger::test
