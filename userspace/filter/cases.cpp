// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/cases.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace tcpledger {
namespace {

using Cases = std::vector<tl_case>;

constexpr std::uint16_t kLastPort = std::numeric_limits<std::uint16_t>::max();

/// A filter can have more ways through it than it has tests; beyond so many nobody waits.
constexpr std::size_t kMaxWays = 4096;

bool operator==(const tl_case& left, const tl_case& right) noexcept
{
    return std::memcmp(&left, &right, sizeof(tl_case)) == 0;
}

/// 0 asks nothing; two different numbers leave nothing.
template <typename Number> bool narrow(Number& kept, Number asked) noexcept
{
    const bool fits = kept == 0 || asked == 0 || kept == asked;
    kept = kept == 0 ? asked : kept;
    return fits;
}

void ask_port(tl_case& asked, filter::Side side, std::uint16_t from, std::uint16_t to) noexcept
{
    (side == filter::Side::kLocal ? asked.local_port_min : asked.remote_port_min) = from;
    (side == filter::Side::kLocal ? asked.local_port_max : asked.remote_port_max) = to;
}

/// The cases of one test that holds, or does not.
struct TestCases {
    bool holds;

    Cases operator()(const filter::HostTest& test) const
    {
        tl_case asked = any_case();
        if (holds) {
            asked.family = test.socket_family.value_or(0);
            const auto of = [&](std::uint8_t family) {
                return !test.any_of.empty() && std::ranges::all_of(test.any_of, [&](const auto& p) {
                    return p.family == family;
                });
            };
            if (of(AF_INET)) {
                asked.address_family = AF_INET;
            } else if (of(AF_INET6)) {
                asked.family = AF_INET6;
            }
            if (test.port) {
                ask_port(asked, test.side, *test.port, *test.port);
            }
            return {asked};
        }
        if (!test.port || test.socket_family || !test.any_of.empty()) {
            return {asked}; // that one of several does not hold leaves everything possible
        }
        return all_but(test.side, *test.port);
    }
    Cases operator()(const filter::PortTest& test) const
    {
        using enum filter::Comparison;
        tl_case asked = any_case();
        if (!holds && test.socket_family) {
            return {asked};
        }
        asked.family = test.socket_family.value_or(0);
        const bool upward = test.comparison == kGreater || test.comparison == kGreaterOrEqual;
        const bool with_it = test.comparison == kLessOrEqual || test.comparison == kGreaterOrEqual;
        if (test.comparison == kEqual) {
            if (!holds) {
                return all_but(test.side, test.port);
            }
            ask_port(asked, test.side, test.port, test.port);
        } else if (upward == holds) { // from here on, or not below
            const bool included = with_it == holds;
            if (!included && test.port == kLastPort) {
                return {};
            }
            ask_port(asked, test.side, static_cast<std::uint16_t>(test.port + (included ? 0 : 1)),
                     kLastPort);
        } else {
            const bool included = with_it == holds;
            if (!included && test.port == 0) {
                return {};
            }
            ask_port(asked, test.side, 0,
                     static_cast<std::uint16_t>(test.port - (included ? 0 : 1)));
        }
        return {asked};
    }
    Cases operator()(const filter::NetnsTest& test) const
    {
        return of_number(&tl_case::netns_inum, test.inum);
    }
    Cases operator()(const filter::CookieTest& test) const
    {
        return of_number(&tl_case::cookie, std::uint64_t{test.cookie});
    }
    Cases operator()(const filter::PidTest& test) const
    {
        return of_number(&tl_case::pid, test.pid);
    }
    Cases operator()(const filter::CgroupTest& test) const
    {
        return of_number(&tl_case::cgroup_id, std::uint64_t{test.id});
    }
    Cases operator()(const filter::UidTest& test) const
    {
        tl_case asked = any_case();
        if (holds) {
            asked.uid = test.uid;
            asked.has_uid = 1;
        }
        return {asked};
    }
    /// What only user space can tell.
    template <typename Test> Cases operator()(const Test& /*test*/) const { return {any_case()}; }

private:
    template <typename Member, typename Number>
    Cases of_number(Member tl_case::* member, Number number) const
    {
        tl_case asked = any_case();
        if (holds) {
            asked.*member = number; // 0, which nobody has, asks nothing
        }
        return {asked};
    }

    static Cases all_but(filter::Side side, std::uint16_t port)
    {
        Cases cases;
        if (port > 0) {
            ask_port(cases.emplace_back(any_case()), side, 0, static_cast<std::uint16_t>(port - 1));
        }
        if (port < kLastPort) {
            ask_port(cases.emplace_back(any_case()), side, static_cast<std::uint16_t>(port + 1),
                     kLastPort);
        }
        return cases;
    }
};

/// Goes all ways through a filter's steps that end in acceptance.
class Walk {
public:
    explicit Walk(std::span<const FilterStep> steps) : steps_(steps) {}

    /// False: too many.
    bool from(std::uint32_t at, const tl_case& so_far)
    {
        if (at == kRejected) {
            return true;
        }
        if (at == kAccepted) {
            if (std::ranges::find_if(found, [&](const tl_case& one) { return one == so_far; }) ==
                found.end()) {
                found.push_back(so_far);
            }
            return found.size() <= TL_MAX_CASES;
        }
        if (++ways_ > kMaxWays) {
            return false;
        }
        const FilterStep& step = steps_[at];
        return along(step, true, so_far) && along(step, false, so_far);
    }

    Cases found;

private:
    bool along(const FilterStep& step, bool holds, const tl_case& so_far)
    {
        const std::uint32_t target = holds ? step.on_true : step.on_false;
        // The other outcome only says that another way was not taken: asking it too would make
        // cases more, not fewer sockets fit.
        if (holds == step.negated) {
            return from(target, so_far);
        }
        for (const tl_case& asked : std::visit(TestCases{holds}, step.test)) {
            const std::optional<tl_case> next = both(so_far, asked);
            if (next && !from(target, *next)) {
                return false;
            }
        }
        return true;
    }

    std::span<const FilterStep> steps_;
    std::size_t ways_ = 0;
};

/// One that everything fits makes all others needless.
Cases or_everything(Cases cases)
{
    const bool everything = std::ranges::find_if(cases, [](const tl_case& one) {
                                return one == any_case();
                            }) != cases.end();
    return everything || cases.size() > TL_MAX_CASES ? Cases() : std::move(cases);
}

} // namespace

tl_case any_case() noexcept
{
    tl_case any{};
    any.local_port_max = any.remote_port_max = kLastPort;
    return any;
}

std::optional<tl_case> both(const tl_case& left, const tl_case& right) noexcept
{
    tl_case kept = left;
    bool fits = narrow(kept.cookie, right.cookie) && narrow(kept.cgroup_id, right.cgroup_id) &&
                narrow(kept.netns_inum, right.netns_inum) && narrow(kept.family, right.family) &&
                narrow(kept.address_family, right.address_family) && narrow(kept.pid, right.pid);
    if (right.has_uid != 0) {
        fits = fits && (kept.has_uid == 0 || kept.uid == right.uid);
        kept.has_uid = 1;
        kept.uid = right.uid;
    }
    kept.local_port_min = std::max(left.local_port_min, right.local_port_min);
    kept.local_port_max = std::min(left.local_port_max, right.local_port_max);
    kept.remote_port_min = std::max(left.remote_port_min, right.remote_port_min);
    kept.remote_port_max = std::min(left.remote_port_max, right.remote_port_max);
    fits = fits && kept.local_port_min <= kept.local_port_max &&
           kept.remote_port_min <= kept.remote_port_max;
    return fits ? std::optional(kept) : std::nullopt;
}

Cases cases_of(const Filter& filter)
{
    if (filter.steps().empty()) {
        return {};
    }
    Walk walk(filter.steps());
    return walk.from(0, any_case()) ? or_everything(std::move(walk.found)) : Cases();
}

Cases both(const Cases& left, const Cases& right)
{
    if (left.empty() || right.empty()) {
        return left.empty() ? right : left;
    }
    Cases kept;
    for (const tl_case& one : left) {
        for (const tl_case& other : right) {
            if (const auto fitting = both(one, other)) {
                kept.push_back(*fitting);
            }
        }
    }
    return kept.size() <= TL_MAX_CASES ? kept : left; // both are true: either will do
}

Cases of_any_process(Cases cases)
{
    for (tl_case& one : cases) {
        one.pid = 0;
        one.cgroup_id = 0;
        one.has_uid = 0;
        one.uid = 0;
    }
    return or_everything(std::move(cases));
}

bool ask_for_process(const Cases& cases) noexcept
{
    return std::ranges::any_of(cases, [](const tl_case& one) {
        return one.pid != 0 || one.cgroup_id != 0 || one.has_uid != 0;
    });
}

} // namespace tcpledger
