// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which connections would not have been needed had their program kept an earlier one: it plays a
// pool of idle connections beside what really happens. Pure; time is a parameter.
//
// A program is (name, cgroup), for those that run once a connection (curl from a script) have
// nothing else in common. A connection that its program lets go of lies in the pool for
// kKeepAlive; an open to the same remote takes the youngest one out.
#pragma once

#include "base/endpoint.hpp"
#include "ledger/connection.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace tcpledger {

struct ReuseKey {
    std::string comm; ///< raw bytes
    std::uint64_t cgroup_id = 0;
    std::uint32_t netns_inum = 0;
    Endpoint remote;

    bool operator==(const ReuseKey&) const = default;
};

struct ReuseKeyHash {
    std::size_t operator()(const ReuseKey& key) const noexcept;
};

class ReusePool {
public:
    /// As long as servers and clients keep an idle connection: nginx 75 s, a Go client 90 s.
    static constexpr std::chrono::seconds kKeepAlive{60};
    /// Programs and remotes at the most. Where all of them have idle connections, a new one is
    /// not played: nothing of it counts as spared.
    static constexpr std::size_t kMostKeys = 10'000;

    /// A connection is opened: whether an idle one would have done instead.
    [[nodiscard]] bool open(const ReuseKey& key, MonotonicTime now);
    /// A connection is let go of in good order.
    void release(const ReuseKey& key, MonotonicTime now);

    [[nodiscard]] std::size_t size() const { return idle_.size(); }

private:
    /// Those that became idle within one second of the first.
    struct Idle {
        MonotonicTime first{};
        std::uint64_t count = 0;
    };
    using Stack = std::vector<Idle>; ///< youngest last; one entry a second at the most

    static void drop_old(Stack& stack, MonotonicTime now);
    void drop_all_old(MonotonicTime now);

    std::unordered_map<ReuseKey, Stack, ReuseKeyHash> idle_;
    MonotonicTime next_cleaning_{};
};

} // namespace tcpledger
