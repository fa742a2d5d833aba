// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Programs that exist in the tests' minds only, and hours of them in milliseconds: a clock, sockets
// that come, are used and go, and a sample now and then.
#pragma once

#include "analysis/leak_book.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tcpledger::test {

using namespace std::chrono_literals;

inline constexpr ProcessKey kShop{812, 1000};
inline constexpr ProcessKey kChild{901, 2000};
inline constexpr ProcessKey kOther{555, 500};

/// One socket of the world, by the times at which things happened to it.
struct WorldSocket {
    LeakSocket socket;
    LeakTime opened{};
    LeakTime entered{}; ///< into its state
    LeakTime came{};    ///< the last data
    LeakTime went{};
};

class LeakWorld {
public:
    static constexpr LeakTime kPeriod = 5s;

    /// What happens each second, before it is over.
    using Second = std::function<void(LeakWorld&, std::int64_t second)>;

    explicit LeakWorld(LeakTime begun = 1h) : now_(begun), begun_(begun) {}

    /// Plays `length`, with a sample at its start and then every kPeriod.
    void play(LeakTime length, const Second& second)
    {
        if (book.samples() == 0) {
            sample();
        }
        for (const LeakTime end = now_ + length; now_ < end;) {
            second(*this, second_++);
            now_ += 1s;
            if ((now_ - begun_) % kPeriod == 0s) {
                sample();
            }
        }
    }

    /// An established connection; `passive` ones come to local port 8080.
    std::uint64_t open(const ProcessKey& owner, bool passive,
                       const std::string& remote = "10.0.0.5", std::uint16_t port = 5432)
    {
        const std::uint64_t cookie = next_++;
        WorldSocket fresh;
        fresh.socket.cookie = cookie;
        fresh.socket.owner = owner;
        fresh.socket.opener = owner;
        fresh.socket.passive = passive;
        fresh.socket.seen = true;
        fresh.socket.tuple.remote.address = address(remote);
        fresh.socket.tuple.remote.port =
            passive ? static_cast<std::uint16_t>(30000 + cookie % 30000) : port;
        fresh.socket.tuple.local.address = address("10.0.0.1");
        fresh.socket.tuple.local.port =
            passive ? std::uint16_t{8080} : static_cast<std::uint16_t>(30000 + cookie % 30000);
        fresh.opened = fresh.entered = fresh.came = fresh.went = now_;
        ++flow_of(fresh).opened;
        sockets[cookie] = fresh;
        return cookie;
    }

    /// Data both ways.
    void use(std::uint64_t cookie) { sockets[cookie].came = sockets[cookie].went = now_; }
    void send(std::uint64_t cookie) { sockets[cookie].went = now_; }
    void receive(std::uint64_t cookie) { sockets[cookie].came = now_; }
    void move(std::uint64_t cookie, TcpState state)
    {
        sockets[cookie].socket.state = state;
        sockets[cookie].entered = now_;
    }
    void peer_closes(std::uint64_t cookie) { move(cookie, TcpState::kCloseWait); }
    void close(std::uint64_t cookie)
    {
        ++flow_of(sockets[cookie]).closed;
        sockets.erase(cookie);
    }
    void abort(std::uint64_t cookie)
    {
        aborted_.push_back(cookie);
        close(cookie);
    }
    void exit(const ProcessKey& process)
    {
        exited_.push_back(process);
        std::erase_if(sockets,
                      [&](const auto& each) { return each.second.socket.owner == process; });
    }

    [[nodiscard]] std::vector<LeakSuspect> suspects() const { return book.suspects(); }
    [[nodiscard]] LeakTime now() const { return now_; }

    static IpAddress address(const std::string& text)
    {
        std::uint32_t be = 0;
        std::uint32_t part = 0;
        unsigned shift = 0;
        for (const char c : text + ".") {
            if (c == '.') {
                be |= part << shift;
                shift += 8;
                part = 0;
            } else {
                part = part * 10 + static_cast<std::uint32_t>(c - '0');
            }
        }
        return IpAddress::from_ipv4_be(be);
    }

    LeakBook book;
    std::map<std::uint64_t, WorldSocket> sockets;
    LeakFlows flows;

    void sample()
    {
        LeakSample sample;
        sample.time = now_;
        for (const auto& [cookie, each] : sockets) {
            LeakSocket socket = each.socket;
            const bool older = each.opened < begun_;
            socket.in_state_is_lower_bound = each.entered < begun_;
            socket.in_state = now_ - std::max(each.entered, begun_);
            if (!older) {
                socket.since_opened = now_ - each.opened;
            }
            socket.since_data_came = now_ - each.came;
            socket.since_data_went = now_ - each.went;
            socket.since_segment = now_ - std::max({each.entered, each.came, each.went});
            socket.first_holder = static_cast<std::uint32_t>(sample.holders.size());
            socket.holders = socket.unaccepted || socket.orphan ? 0 : 1;
            if (socket.holders > 0) {
                sample.holders.push_back({socket.owner, static_cast<std::uint32_t>(cookie)});
            }
            sample.sockets.push_back(socket);
        }
        sample.exited.swap(exited_);
        sample.aborted.swap(aborted_);
        book.add(std::move(sample), flows);
    }

    /// Lets time pass without a sample; before the view begins only what is told counts.
    void begin_view() { begun_ = now_; }
    void pass(LeakTime length) { now_ += length; }

private:
    LeakFlow& flow_of(const WorldSocket& each)
    {
        return flows[{each.socket.owner, each.socket.peer()}];
    }

    LeakTime now_;
    LeakTime begun_;
    std::int64_t second_ = 0;
    std::uint64_t next_ = 1;
    std::vector<ProcessKey> exited_;
    std::vector<std::uint64_t> aborted_;
};

} // namespace tcpledger::test
