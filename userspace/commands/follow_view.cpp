// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/follow_view.hpp"

#include "output/format.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace tcpledger {
namespace {

constexpr std::uint64_t kMaxPid = 4'194'304; // PID_MAX_LIMIT

std::optional<std::uint64_t> parse_whole(std::string_view text, int base)
{
    std::uint64_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number, base);
    return error == std::errc() && end == last && number > 0 ? std::optional(number) : std::nullopt;
}

std::optional<FollowTarget> process(std::optional<std::uint64_t> number)
{
    return number && *number <= kMaxPid
               ? std::optional<FollowTarget>({static_cast<std::uint32_t>(*number), 0})
               : std::nullopt;
}

std::optional<FollowTarget> connection(std::optional<std::uint64_t> number)
{
    return number ? std::optional<FollowTarget>({0, *number}) : std::nullopt;
}

bool lasts(const Path& path, std::size_t step)
{
    return step + 1 == path.steps.size() && path.end == Path::End::kNotYet;
}

std::string_view bound_name(Path::Bound bound)
{
    switch (bound) {
    case Path::Bound::kExact:
        return "exact";
    case Path::Bound::kLower:
        return "lower";
    case Path::Bound::kUpper:
        return "upper";
    }
    return "exact";
}

std::string_view bound_sign(Path::Bound bound)
{
    switch (bound) {
    case Path::Bound::kExact:
        return "";
    case Path::Bound::kLower:
        return ">";
    case Path::Bound::kUpper:
        return "<";
    }
    return "";
}

std::string_view end_text(Path::End end)
{
    switch (end) {
    case Path::End::kNotYet:
        return " (still)";
    case Path::End::kEnded:
        return "";
    case Path::End::kHandedOver:
        return " (then another process's)";
    }
    return "";
}

std::string_view end_name(Path::End end)
{
    switch (end) {
    case Path::End::kNotYet:
        return "open";
    case Path::End::kEnded:
        return "ended";
    case Path::End::kHandedOver:
        return "handed_over";
    }
    return "open";
}

} // namespace

std::optional<FollowTarget> parse_follow(std::string_view text)
{
    constexpr std::array kPrefixes = {
        std::pair{std::string_view("sk:"), 16},
        std::pair{std::string_view("0x"), 16},
        std::pair{std::string_view("cookie:"), 10},
    };
    for (const auto& [prefix, base] : kPrefixes) {
        if (text.starts_with(prefix)) {
            return connection(parse_whole(text.substr(prefix.size()), base));
        }
    }
    if (text.starts_with("pid:")) {
        return process(parse_whole(text.substr(4), 10));
    }
    const auto number = parse_whole(text, 10);
    return number && *number > kMaxPid ? connection(number) : process(number);
}

std::vector<tl_case> cases_of(const FollowTarget& target)
{
    tl_case followed = any_case();
    followed.cookie = target.cookie;
    followed.pid = target.pid;
    return {followed};
}

std::string path_text(const Path& path, MonotonicTime now)
{
    std::string text = "# path:";
    for (std::size_t at = 0; at < path.steps.size(); ++at) {
        const Path::Step& step = path.steps[at];
        fmt::format_to(std::back_inserter(text), "{} {}", at == 0 ? "" : " ->",
                       state_name(step.state));
        const auto lasted = lasts(path, at) ? std::optional(now - path.since) : step.lasted;
        if (lasted) {
            fmt::format_to(std::back_inserter(text), " {}{}", bound_sign(step.bound),
                           format_duration(*lasted));
        }
    }
    return text.append(end_text(path.end));
}

void write_path(JsonWriter& json, const Path& path, MonotonicTime now,
                std::chrono::system_clock::time_point time)
{
    json.begin_object().field("time", time).field("cookie", path.connection.cookie);
    json.field("netns", path.connection.tuple.netns_inum).field("end", end_name(path.end));
    json.key("path").begin_array();
    for (std::size_t at = 0; at < path.steps.size(); ++at) {
        const Path::Step& step = path.steps[at];
        json.begin_object().field("state", step.state);
        json.milliseconds_field("ms",
                                lasts(path, at) ? std::optional(now - path.since) : step.lasted);
        json.field("bound", bound_name(step.bound)).end_object();
    }
    json.end_array().end_object();
}

std::string ways_text(const Follower& follower)
{
    std::string text;
    for (const PathCount& way : follower.ways()) {
        fmt::format_to(std::back_inserter(text), "{}# {} ×", text.empty() ? "" : "\n", way.count);
        for (std::size_t at = 0; at < way.states.size(); ++at) {
            fmt::format_to(std::back_inserter(text), "{} {}", at == 0 ? "" : " ->",
                           state_name(way.states[at]));
        }
        text.append(end_text(way.end));
    }
    if (follower.others() > 0) {
        fmt::format_to(std::back_inserter(text), "\n# {} × other ways", follower.others());
    }
    return text.empty() ? "# no connection" : text;
}

void write_ways(JsonWriter& json, const Follower& follower, std::uint32_t pid,
                std::chrono::system_clock::time_point time)
{
    json.begin_object().field("time", time).field("pid", pid);
    json.key("paths").begin_array();
    for (const PathCount& way : follower.ways()) {
        json.begin_object().field("count", way.count).field("end", end_name(way.end));
        json.key("states").begin_array();
        for (const TcpState state : way.states) {
            json.value(state);
        }
        json.end_array().end_object();
    }
    json.end_array().field("others", follower.others()).end_object();
}

} // namespace tcpledger
