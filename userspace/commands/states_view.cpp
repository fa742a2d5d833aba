// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/states_view.hpp"

#include "commands/state_fields.hpp"
#include "output/format.hpp"
#include "output/table.hpp"
#include "procfs/users.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace tcpledger {
namespace {

/// Longer command lines are cut; JSON has them whole.
constexpr std::size_t kCommandLineWidth = 160;

std::uint32_t count_of(const StateCounts& counts, TcpState state)
{
    return counts[static_cast<std::size_t>(state)];
}

/// How a grouping is named: nullptr where it has no such member.
struct GroupNaming {
    const char* array; ///< the JSON member
    const char* name;
    const char* number;
    const char* name_header;
    const char* number_header;
};

GroupNaming naming(Grouping by)
{
    switch (by) {
    case Grouping::kProcess:
        return {"processes", "comm", "pid", "COMMAND", "PID"};
    case Grouping::kRemote:
        return {"remotes", "address", nullptr, "REMOTE", nullptr};
    case Grouping::kPort:
        return {"ports", "side", "port", "SIDE", "PORT"};
    case Grouping::kNetns:
        return {"namespaces", nullptr, "netns", nullptr, "NETNS"};
    case Grouping::kContainer:
        return {"containers", "container", nullptr, "CONTAINER", nullptr};
    case Grouping::kUser:
        return {"users", "user", "uid", "USER", "UID"};
    case Grouping::kNone:
        break;
    }
    return {};
}

/// The text beside the number, or alone.
std::string name_of(const GroupKey& key, Grouping by)
{
    if (by == Grouping::kPort) {
        return key.remote_port ? "remote" : "local";
    }
    if (by == Grouping::kUser) {
        return key.number ? user_name(static_cast<std::uint32_t>(*key.number))
                          : std::string(kNoName);
    }
    return key.name;
}

std::vector<TcpState> present_states(const StatesReport& report)
{
    std::vector<TcpState> present;
    std::ranges::copy_if(kShownStates, std::back_inserter(present),
                         [&](TcpState state) { return count_of(report.states, state) > 0; });
    return present;
}

std::string render_totals(const StatesReport& report, const StatesOptions& options,
                          const Painter& painter)
{
    Table table({{"STATE"}, {"COUNT", Align::kRight}, {"PERCENT", Align::kRight}});
    std::vector<TcpState> order = present_states(report);
    std::ranges::stable_sort(order, std::ranges::greater(),
                             [&](TcpState state) { return count_of(report.states, state); });
    if (options.limit && order.size() > *options.limit) {
        order.resize(*options.limit);
    }
    for (const TcpState state : order) {
        const std::uint32_t count = count_of(report.states, state);
        table.add_row({Cell(state_name(state), style_of(state)), format_count(count),
                       format_percent(count, report.total)});
    }
    table.add_row({"total", format_count(report.total), ""});
    return table.render(painter);
}

std::vector<Column> group_columns(const GroupNaming& names, const std::vector<TcpState>& shown,
                                  Grouping by)
{
    std::vector<Column> columns;
    if (names.number != nullptr) {
        columns.push_back({names.number_header, Align::kRight});
    }
    if (names.name != nullptr) {
        columns.push_back({names.name_header});
    }
    columns.push_back({"TOTAL", Align::kRight});
    columns.push_back({"PERCENT", Align::kRight});
    for (const TcpState state : shown) {
        columns.push_back({std::string(state_name(state)), Align::kRight});
    }
    if (by == Grouping::kProcess) {
        columns.push_back({"UPTIME", Align::kRight});
        columns.push_back(
            {.header = "COMMAND LINE", .max_width = kCommandLineWidth, .shrinks = true});
    }
    return columns;
}

std::string render_groups(const StatesReport& report, const StatesOptions& options,
                          const Painter& painter, std::size_t line_width)
{
    const GroupNaming names = naming(options.by);
    const std::vector<TcpState> shown = present_states(report);
    Table table(group_columns(names, shown, options.by));
    for (const StateGroup& group : report.groups) {
        std::vector<std::string> texts;
        if (names.number != nullptr) {
            texts.push_back(group.key.number ? std::to_string(*group.key.number) : "-");
        }
        if (names.name != nullptr) {
            texts.push_back(name_of(group.key, options.by));
        }
        texts.push_back(format_count(group.total));
        texts.push_back(format_percent(group.total, report.total));
        for (const TcpState state : shown) {
            texts.push_back(format_count(count_of(group.states, state)));
        }
        if (options.by == Grouping::kProcess) {
            texts.push_back(group.uptime ? format_duration(*group.uptime) : "-");
            texts.push_back(group.command_line.empty() ? "-" : group.command_line);
        }
        table.add_row(std::vector<Cell>(texts.begin(), texts.end()));
    }
    return table.render(painter, line_width);
}

std::string render_explanations(const StatesReport& report)
{
    std::string out = "\n";
    for (const TcpState state : present_states(report)) {
        fmt::format_to(std::back_inserter(out), "{:<12} {}\n", state_name(state),
                       explanation_of(state));
    }
    return out;
}

void write_group(JsonWriter& json, const StateGroup& group, Grouping by)
{
    const GroupNaming names = naming(by);
    json.begin_object();
    if (names.number != nullptr) {
        json.field(names.number, group.key.number);
    }
    const bool none = group.key.name == kNoName || (by == Grouping::kUser && !group.key.number);
    if (names.name != nullptr && by != Grouping::kProcess && none) {
        json.null_field(names.name);
    } else if (names.name != nullptr) {
        json.field(names.name, name_of(group.key, by));
    }
    json.field("total", group.total);
    write_states(json, group.states);
    if (by == Grouping::kProcess) {
        if (group.uptime) {
            json.field("command_line", group.command_line);
        } else {
            json.null_field("command_line");
        }
        json.milliseconds_field("uptime_ms", group.uptime);
    }
    json.end_object();
}

} // namespace

std::string_view explanation_of(TcpState state) noexcept
{
    switch (shown_state(state)) {
    case TcpState::kEstablished:
        return "open, data can flow. Worry when the number only grows: connections are not closed.";
    case TcpState::kSynSent:
        return "connect() waits for the peer's answer. Worry when many go to one address: it is "
               "down, full or filtered.";
    case TcpState::kSynRecv:
    case TcpState::kNewSynRecv:
        return "a peer's SYN is answered, its ACK has not come. Worry when they pile up: lost "
               "packets, a full accept queue or a SYN flood.";
    case TcpState::kFinWait1:
        return "closed here, the FIN is not acknowledged yet. Worry when they stay: the peer is "
               "gone or does not read.";
    case TcpState::kFinWait2:
        return "closed here, the peer has not closed. Without a descriptor it ends after "
               "tcp_fin_timeout; worry when a process holds them.";
    case TcpState::kTimeWait:
        return "closed by both sides, here first; ends by itself after 60 s. Worry when they near "
               "the local port range towards one remote address and port.";
    case TcpState::kClose:
    case TcpState::kBoundInactive:
        return "not connected: made or bound, or reset by the peer. Worry when a process keeps "
               "many: it leaks descriptors.";
    case TcpState::kCloseWait:
        return "the peer has closed, our process has not. Worry always when they grow old: the "
               "process forgets to close().";
    case TcpState::kLastAck:
        return "closed after the peer, the last ACK has not come. Worry when they stay: packets "
               "are lost.";
    case TcpState::kListen:
        return "waits for connections. Worry when its accept queue (Recv-Q of list -l) nears its "
               "limit (Send-Q).";
    case TcpState::kClosing:
        return "both sides closed at once, our FIN is not acknowledged yet. Rare; worry when they "
               "stay.";
    }
    return "";
}

std::string render_text(const StatesReport& report, const StatesOptions& options,
                        const Painter& painter, std::size_t line_width)
{
    std::string text = options.by == Grouping::kNone
                           ? render_totals(report, options, painter)
                           : render_groups(report, options, painter, line_width);
    if (options.explain) {
        text += render_explanations(report);
    }
    return text;
}

void write_json(JsonWriter& json, const StatesReport& report, const StatesOptions& options,
                std::optional<std::chrono::system_clock::time_point> time)
{
    json.begin_object().field("version", 1);
    if (time) {
        json.field("time", *time);
    }
    json.field("total", report.total);
    write_states(json, report.states);
    if (options.explain) {
        json.key("explanations").begin_object();
        for (const TcpState state : kShownStates) {
            json.field(state_name(state), explanation_of(state));
        }
        json.end_object();
    }
    if (options.by != Grouping::kNone) {
        json.key(naming(options.by).array).begin_array();
        for (const StateGroup& group : report.groups) {
            write_group(json, group, options.by);
        }
        json.end_array();
    }
    json.end_object();
}

} // namespace tcpledger
