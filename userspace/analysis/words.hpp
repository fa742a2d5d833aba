// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The phrases that findings are made of, and the commands in their advice.
#pragma once

#include "analysis/facts.hpp"
#include "analysis/finding.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace tcpledger::words {

/// "75 s", "12 min", "3 h".
[[nodiscard]] std::string duration(std::chrono::milliseconds time);

/// "1 socket", "5 sockets".
[[nodiscard]] std::string count(std::uint64_t number, std::string_view one);

/// "; shop[812], up 3 h, 14 of 1024 descriptors".
[[nodiscard]] std::string about(const AuditProcess& process);

/// "netns web (4026532001)".
[[nodiscard]] std::string about(const AuditNetns& netns);

/// The most frequent first: "10.0.0.2:443 (12), 10.0.0.3:443 (4), 3 more".
[[nodiscard]] std::string most(const std::map<std::string, std::uint64_t>& counts);

/// How peers are told apart: a client here is told by the service it uses, one that came to a
/// listener by its address alone, for its port is its own affair.
class Peers {
public:
    explicit Peers(const AuditFacts& facts);
    [[nodiscard]] std::string of(const AuditSocket& socket) const;

private:
    std::set<std::pair<std::size_t, std::uint16_t>> listening_; ///< namespace, port
};

/// `command` to be run in this namespace: as it is, or after ip netns exec or nsenter.
[[nodiscard]] std::string run_in(const AuditNetns& netns, const std::string& command);

/// Advice that no setting gives.
[[nodiscard]] Advice act(std::string action, std::string why, std::string risk = {},
                         std::string command = {});

/// Advice to set a sysctl of a namespace, its present value filled in.
[[nodiscard]] Advice set_sysctl(const AuditNetns& netns, const std::string& sysctl,
                                const std::string& proposed, std::string why, std::string risk);

/// At least `percent` of `whole`; never of nothing.
[[nodiscard]] constexpr bool reaches(std::uint64_t part, std::uint64_t whole,
                                     std::uint64_t percent) noexcept
{
    return whole > 0 && part * 100 >= whole * percent;
}

/// The next power of two that is not smaller.
[[nodiscard]] std::uint64_t round_up(std::uint64_t number) noexcept;

} // namespace tcpledger::words
