// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The second half of KernelModel: how its sockets close, reset, linger and expire.
#pragma once

#include "kernel_model.hpp"

namespace tcpledger::test {

inline void KernelModel::close_any()
{
    const std::uint64_t id = any_where(
        [](const ModelSocket& socket) { return !socket.holders.empty() || socket.kernels; });
    if (const ModelSocket* socket = find(id)) {
        if (!socket->kernels) {
            auto holder = socket->holders.begin();
            std::advance(holder, static_cast<std::ptrdiff_t>(pick(socket->holders.size())));
            close(id, *holder);
        } else if (socket->state == TcpState::kEstablished) {
            go(sockets.at(id), TcpState::kEstablished, TcpState::kFinWait1, &kworker_);
        }
    }
}

inline void KernelModel::close(std::uint64_t id, std::uint32_t pid)
{
    ModelSocket& socket = sockets.at(id);
    socket.holders.erase(pid);
    if (!socket.holders.empty()) {
        return;
    }
    const Task& task = processes.at(pid);
    socket.sock.shutdown = kBothShut;
    switch (socket.state) {
    case TcpState::kListen:
        return close_listener(id, task);
    case TcpState::kSynSent:
        return end(id, 0);
    case TcpState::kEstablished:
        if (chance(10)) { // unread data
            const std::uint64_t peer_id = socket.peer_id;
            end(id, 0);
            return reset(peer_id);
        }
        go(socket, TcpState::kEstablished, TcpState::kFinWait1, &task);
        socket.author_closed_it = true;
        return;
    case TcpState::kCloseWait:
        go(socket, TcpState::kCloseWait, TcpState::kLastAck, &task);
        socket.author_closed_it = true;
        return;
    case TcpState::kFinWait2:
        return leave_mini(id, TcpState::kFinWait2);
    case TcpState::kFinWait1:
    case TcpState::kClosing:
    case TcpState::kLastAck:
        return;
    default:
        sockets.erase(id);
    }
}

inline void KernelModel::close_listener(std::uint64_t id, const Task& task)
{
    go(sockets.at(id), TcpState::kListen, TcpState::kClose, &task);
    std::vector<std::uint64_t> children;
    for (const auto& [child_id, child] : sockets) {
        if (child.listener_id == id && (child.queued || child.sort == Sort::kRequest)) {
            children.push_back(child_id);
        }
    }
    for (const std::uint64_t child : children) {
        const std::uint64_t peer_id = sockets.at(child).peer_id;
        end(child, ECONNRESET);
        reset(peer_id);
    }
    sockets.erase(id);
}

inline void KernelModel::shut_down_writing()
{
    const std::uint64_t id = any_where([](const ModelSocket& socket) {
        return !socket.holders.empty() &&
               (socket.state == TcpState::kEstablished || socket.state == TcpState::kCloseWait);
    });
    ModelSocket* socket = find(id);
    if (socket == nullptr) {
        return;
    }
    const Task& task = processes.at(*socket->holders.rbegin());
    socket->sock.shutdown |= kWriteShut;
    const bool first = socket->state == TcpState::kEstablished;
    go(*socket, socket->state, first ? TcpState::kFinWait1 : TcpState::kLastAck, &task);
}

inline void KernelModel::fin_arrives(std::uint64_t id)
{
    ModelSocket* sender = find(id);
    if (sender == nullptr) {
        return;
    }
    if (sender->peer_was_here) {
        if (find(sender->peer_id) == nullptr) {
            return end(id, ECONNRESET); // nobody is there to acknowledge it
        }
        take_fin(sender->peer_id);
    }
    take_ack(id);
}

inline void KernelModel::outside_acts()
{
    take_fin(any_where([](const ModelSocket& socket) {
        return socket.exists() && !socket.peer_was_here && socket.state != TcpState::kListen &&
               socket.state != TcpState::kSynSent && socket.sort != Sort::kRequest;
    }));
}

inline void KernelModel::take_fin(std::uint64_t id)
{
    ModelSocket* socket = find(id);
    if (socket == nullptr || (socket->sock.flags & TL_FLAG_FIN_RECEIVED) != 0) {
        return;
    }
    socket->sock.flags |= TL_FLAG_FIN_RECEIVED;
    socket->sock.shutdown |= kReadShut;
    if (socket->sort == Sort::kMini) {
        if (socket->state == TcpState::kFinWait2) {
            tell_mini(*socket, TcpState::kFinWait2, TcpState::kTimeWait);
        }
        socket->state = TcpState::kTimeWait; // else without a word
        socket->dies = now + 60s;
    } else if (socket->state == TcpState::kEstablished) {
        go(*socket, TcpState::kEstablished, TcpState::kCloseWait);
    } else if (socket->state == TcpState::kFinWait1) {
        go(*socket, TcpState::kFinWait1, TcpState::kClosing);
    } else if (socket->state == TcpState::kFinWait2) {
        leave_mini(id, TcpState::kTimeWait);
    }
}

inline void KernelModel::take_ack(std::uint64_t id)
{
    ModelSocket& socket = sockets.at(id);
    if (socket.state == TcpState::kLastAck) {
        end(id, 0);
    } else if (socket.state == TcpState::kClosing) {
        leave_mini(id, TcpState::kTimeWait);
    } else if (socket.state == TcpState::kFinWait1) {
        go(socket, TcpState::kFinWait1, TcpState::kFinWait2);
        if (socket.orphaned() && !chance(10)) { // else tcp_fin_timeout is long
            leave_mini(id, TcpState::kFinWait2);
        }
    }
}

inline void KernelModel::leave_mini(std::uint64_t id, TcpState state)
{
    ModelSocket& socket = sockets.at(id);
    const bool no_room = chance(5);
    if (!no_room) {
        tell_left_behind(socket, state);
    }
    go(socket, socket.state, TcpState::kClose);
    if (no_room) {
        forget(id);
        return;
    }
    ModelSocket mini = socket;
    if (!options_.twsk_keeps_cookie) {
        mini.sock.cookie = 0;
    }
    mini.sort = Sort::kMini;
    mini.state = state;
    mini.dies = now + 60s + std::chrono::milliseconds(pick(4000));
    mini.holders.clear();
    mini.kernels = false;
    if (socket.orphaned()) {
        socket = mini;
    } else { // its descriptor lives on, on another id of the model
        const std::uint64_t closed = next_id_++;
        sockets[closed] = socket;
        sockets.at(closed).peer_id = 0;
        sockets.at(id) = mini;
    }
}

inline void KernelModel::reset(std::uint64_t id)
{
    if (find(id) != nullptr) {
        end(id, ECONNRESET);
    }
}

inline void KernelModel::end(std::uint64_t id, std::uint16_t error)
{
    ModelSocket& socket = sockets.at(id);
    if (socket.sort != Sort::kFull) {
        tell_end(socket);
        sockets.erase(id);
    } else if (socket.exists()) {
        socket.sock.error = error;
        go(socket, socket.state, TcpState::kClose);
        socket.queued = false;
        forget(id);
    }
}

inline void KernelModel::forget(std::uint64_t id)
{
    ModelSocket& socket = sockets.at(id);
    if (socket.holders.empty()) {
        sockets.erase(id);
    }
}

inline void KernelModel::expire()
{
    erase_minis([&](const ModelSocket& mini) { return mini.dies <= now; });
}
} // namespace tcpledger::test
