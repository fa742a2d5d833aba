// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Follows one connection, or all of one process, from their present state to their end: each
// transition, the mini-socket's too, and the way it went. Pure: told transitions, shown books.
#pragma once

#include "ledger/ledger.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tcpledger {

/// The states of one connection in their order.
struct Path {
    enum class Bound : std::uint8_t {
        kExact,
        kLower, ///< it began before anybody looked
        kUpper, ///< its end is no event, and was noticed later
    };
    struct Step {
        TcpState state = TcpState::kClose;
        std::optional<MonotonicTime> lasted; ///< empty: lasts still, or unknown
        Bound bound = Bound::kExact;
    };
    enum class End : std::uint8_t { kNotYet, kEnded, kHandedOver };

    Connection connection; ///< as last seen
    std::vector<Step> steps;
    MonotonicTime since{}; ///< in the last of them
    End end = End::kNotYet;
};

/// How many connections went the same way.
struct PathCount {
    std::vector<TcpState> states;
    Path::End end = Path::End::kNotYet;
    std::uint64_t count = 0;
};

class Follower {
public:
    /// A socket's cookie or a process.
    using Target = std::variant<std::uint64_t, ProcessKey>;
    /// A transition. The first of a connection that was there already is none: it has the present
    /// state twice.
    using Show = std::function<void(const AppliedTransition&)>;

    /// Ways that are told apart; what goes yet another is in others().
    static constexpr std::size_t kMaxWays = 64;

    Follower(Target target, Show show) : target_(target), show_(std::move(show)) {}

    /// Shows what is there; before that, transitions are passed over. False: of a connection,
    /// there is none.
    bool begin(const Books& books, MonotonicTime now);
    /// As a Ledger::Observer.
    void transition(const AppliedTransition& applied);
    /// Shows what mini-sockets have come to without an event. To be called after each step.
    void look(const Books& books, MonotonicTime now);
    /// The process has ended, and all that it did is on the books.
    void process_ended() { process_ended_ = true; }

    /// Nothing more can come: the connection has ended, its TIME_WAIT included; or the process, and
    /// there is none of its connections left.
    [[nodiscard]] bool over(const Books& books) const;
    /// Only TIME_WAITs are left, whose end takes its minute.
    [[nodiscard]] bool only_waits(const Books& books) const;

    /// The way of the connection; nullptr before begin().
    [[nodiscard]] const Path* path() const;
    /// The ways of the process's connections, the most frequent first; those that last are as far
    /// as they have come.
    [[nodiscard]] std::vector<PathCount> ways() const;
    [[nodiscard]] std::uint64_t others() const { return others_; }
    [[nodiscard]] std::size_t open() const { return open_.size(); }

private:
    using Way = std::pair<std::vector<TcpState>, Path::End>;
    using Open = std::unordered_map<std::uint64_t, Path>; ///< by cookie

    [[nodiscard]] bool is_ours(const Connection& connection, const Process& owner) const;
    [[nodiscard]] static bool is_mini(const Path& path);
    void start(const Connection& connection, TcpState state, MonotonicTime since);
    static void go_on(Path& path, TcpState from, TcpState to, MonotonicTime time,
                      std::optional<MonotonicTime> lasted, Path::Bound bound);
    void look_at(Open::iterator at, const Books& books, MonotonicTime now);
    Open::iterator conclude(Open::iterator at, Path::End end);

    Target target_;
    Show show_;
    bool begun_ = false;
    bool process_ended_ = false;
    MonotonicTime looked_{};
    Open open_;
    std::optional<Path> concluded_; ///< of a single connection
    std::map<Way, std::uint64_t> ways_;
    std::uint64_t others_ = 0;
};

} // namespace tcpledger
