// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Random filter expressions with their meaning: which members of the population they select,
// worked out from their leaves by set arithmetic, not by the code under test.
#pragma once

#include "population.hpp"

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace tcpledger::test {

/// Bit i: member i of the population.
using MemberSet = std::uint32_t;

inline MemberSet selected_by(const Filter& filter, const Population& population)
{
    MemberSet set = 0;
    for (std::size_t i = 0; i < population.members().size(); ++i) {
        set |= MemberSet{filter.matches(population.members()[i].view)} << i;
    }
    return set;
}

struct RandomExpression {
    std::string text;
    MemberSet members = 0;
    int rank = 0; ///< of its outermost operator: 0 or, 1 and, 2 not, 3 none
};

class ExpressionMaker {
public:
    /// `leaves` are predicates; each alone is read and asked, its result is taken as given.
    ExpressionMaker(const Population& population, std::span<const char* const> leaves,
                    unsigned seed)
        : random_(seed)
    {
        for (const char* leaf : leaves) {
            leaves_.push_back({leaf, selected_by(parse(leaf).value(), population), 3});
        }
    }

    RandomExpression make(unsigned depth)
    {
        const unsigned choice = depth == 0 ? 0 : below(8);
        if (choice < 2) {
            return leaves_[below(static_cast<unsigned>(leaves_.size()))];
        }
        if (choice == 2) {
            const RandomExpression inner = make(depth - 1);
            return {one_of({"not ", "! ", "!"}) + enclosed(inner, 2), ~inner.members & 0xffff, 2};
        }
        const bool all = choice < 6;
        RandomExpression whole = make(depth - 1);
        const int rank = all ? 1 : 0;
        whole.text = enclosed(whole, rank);
        for (unsigned more = 1 + below(3); more > 0; --more) {
            const RandomExpression next = make(depth - 1);
            // A list at the right side is a list of its own: its rank must be higher.
            whole.text +=
                (all ? one_of({" and ", " ", " && ", "&"}) : one_of({" or ", "||", " | "})) +
                enclosed(next, rank + 1);
            whole.members = all ? whole.members & next.members : whole.members | next.members;
        }
        whole.rank = rank;
        return whole;
    }

private:
    unsigned below(unsigned bound) { return std::uniform_int_distribution(0U, bound - 1)(random_); }

    std::string one_of(std::initializer_list<const char*> texts)
    {
        return *(texts.begin() + below(static_cast<unsigned>(texts.size())));
    }

    /// In parentheses where its rank demands it, and sometimes where not.
    std::string enclosed(const RandomExpression& expression, int rank)
    {
        return expression.rank < rank || below(6) == 0 ? "( " + expression.text + " )"
                                                       : expression.text;
    }

    std::mt19937 random_;
    std::vector<RandomExpression> leaves_;
};

inline constexpr const char* kKernelLeaves[] = {
    "sport = :80",
    "sport=:443",
    "sport != :80",
    "dport >= :1024",
    "dport > :443",
    "dport < :443",
    "dport <= :1",
    "src 10.0.0.0/8",
    "src 10.0.0.1:80",
    "dst != 10.0.0.2",
    "dst [2001:db8::]/32",
    "src [::]/0",
    "src 0.0.0.0/0",
    "dst both",
    "dst != both:443",
    "src [::ffff:10.0.0.1]",
    "src *",
    "sport inet6:443",
    "dev eth0",
    "dev != lo",
    "autobound",
    "fwmark 0x10/0x10",
    "cgroup /web.slice",
    "sport < :0",
};

inline constexpr const char* kUserLeaves[] = {
    "pid = 101",         "comm = nginx*",      "owner != nginx", "container = web-1",
    "age > 60s",         "age < 60s",          "unaccepted",     "uid = 33",
    "ino = 0",           "netns = blue",       "netns != 1",     "sk = a61",
    "src inet:10.0.0.1", "sport >= inet6:443", "dst inet:*",
};

inline std::vector<const char*> all_leaves()
{
    std::vector<const char*> leaves(std::begin(kKernelLeaves), std::end(kKernelLeaves));
    leaves.insert(leaves.end(), std::begin(kUserLeaves), std::end(kUserLeaves));
    return leaves;
}

} // namespace tcpledger::test
