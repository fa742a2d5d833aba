// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `states`: counts and percentages by state, in total and by group.
#include "commands/commands.hpp"
#include "commands/state_fields.hpp"
#include "commands/top_view.hpp"
#include "output/format.hpp"
#include "output/stream.hpp"
#include "output/table.hpp"
#include "session/snapshot.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace tcpledger {
namespace {

/// The group of what has no remote end, or is in no container; null in JSON.
const std::string kNone = "-";

struct Group {
    std::string name;                    ///< raw bytes: comm, address, container
    std::optional<std::uint64_t> number; ///< pid or netns inum
    std::uint64_t total = 0;
    StateCounts states{};
};

struct StatesReport {
    std::uint64_t total = 0;
    StateCounts states{};
    std::vector<Group> groups; ///< largest first
};

std::uint64_t sum(const StateCounts& counts)
{
    std::uint64_t total = 0;
    for (const TcpState state : kShownStates) {
        total += counts[static_cast<std::size_t>(state)];
    }
    return total;
}

/// What sorts a connection into its group.
class GroupKeys {
public:
    GroupKeys(const Books& books, Grouping by) : books_(books), by_(by) {}

    std::pair<std::string, std::uint64_t> of(const Connection& connection)
    {
        switch (by_) {
        case Grouping::kNone:
            return {};
        case Grouping::kProcess:
            return {"", connection.owner};
        case Grouping::kNetns:
            return {"", connection.tuple.netns_inum};
        case Grouping::kRemote:
            return {connection.tuple.remote.port != 0 ? connection.tuple.remote.address.text()
                                                      : kNone,
                    0};
        case Grouping::kContainer:
            return {container_of(connection.owner), 0};
        }
        return {};
    }

private:
    std::string container_of(ProcessId id)
    {
        if (id == kKernelProcess || id == kUnknownProcess) {
            return kNone;
        }
        ProcessOverview process;
        process.key = books_.processes().at(id).key;
        const std::string& name = containers_.of(process);
        return name.empty() ? kNone : name;
    }

    const Books& books_;
    Grouping by_;
    ContainerNames containers_;
};

Group make_group(const Books& books, Grouping by, const std::pair<std::string, std::uint64_t>& key)
{
    Group group;
    group.name = key.first;
    if (by == Grouping::kNetns) {
        group.number = key.second;
    } else if (by == Grouping::kProcess) {
        const auto id = static_cast<ProcessId>(key.second);
        const Process& process = books.processes().at(id);
        group.name = process.comm;
        if (id != kKernelProcess && id != kUnknownProcess) {
            group.number = process.key.pid;
        }
    }
    return group;
}

StatesReport make_report(const Books& books, const StatesOptions& options)
{
    std::map<std::pair<std::string, std::uint64_t>, StateCounts> counts;
    StatesReport report;
    GroupKeys keys(books, options.by);
    books.for_each([&](ConnectionId, const Connection& connection) {
        const TcpState state = shown_state(connection.state);
        if (!options.states.empty() &&
            std::ranges::find(options.states, state) == options.states.end()) {
            return;
        }
        ++report.states[static_cast<std::size_t>(state)];
        if (options.by != Grouping::kNone) {
            ++counts[keys.of(connection)][static_cast<std::size_t>(state)];
        }
    });
    report.total = sum(report.states);
    for (const auto& [key, states] : counts) {
        Group group = make_group(books, options.by, key);
        group.states = states;
        group.total = sum(states);
        report.groups.push_back(std::move(group));
    }
    std::ranges::stable_sort(report.groups, std::ranges::greater(), &Group::total);
    if (options.limit && report.groups.size() > *options.limit) {
        report.groups.resize(*options.limit);
    }
    return report;
}

struct GroupNaming {
    const char* array; ///< the JSON member
    const char* name;  ///< of Group::name, nullptr = none
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
    case Grouping::kNetns:
        return {"namespaces", nullptr, "netns", nullptr, "NETNS"};
    case Grouping::kContainer:
        return {"containers", "container", nullptr, "CONTAINER", nullptr};
    case Grouping::kNone:
        break;
    }
    return {};
}

void write_json(JsonWriter& json, const StatesReport& report, Grouping by)
{
    json.begin_object().field("version", 1).field("total", report.total);
    write_states(json, report.states);
    if (by != Grouping::kNone) {
        const GroupNaming names = naming(by);
        json.key(names.array).begin_array();
        for (const Group& group : report.groups) {
            json.begin_object();
            if (names.number != nullptr) {
                json.field(names.number, group.number);
            }
            if (names.name != nullptr && by != Grouping::kProcess && group.name == kNone) {
                json.null_field(names.name);
            } else if (names.name != nullptr) {
                json.field(names.name, group.name);
            }
            json.field("total", group.total);
            write_states(json, group.states);
            json.end_object();
        }
        json.end_array();
    }
    json.end_object();
}

std::string render_totals(const StatesReport& report, const StatesOptions& options,
                          const Painter& painter)
{
    Table table({{"STATE"}, {"COUNT", Align::kRight}, {"PERCENT", Align::kRight}});
    std::size_t rows =
        options.limit && options.by == Grouping::kNone ? *options.limit : kShownStates.size();
    std::vector<TcpState> order(kShownStates.begin(), kShownStates.end());
    std::ranges::stable_sort(order, std::ranges::greater(), [&](TcpState state) {
        return report.states[static_cast<std::size_t>(state)];
    });
    for (const TcpState state : order) {
        const std::uint32_t count = report.states[static_cast<std::size_t>(state)];
        if (count > 0 && rows > 0) {
            --rows;
            table.add_row({Cell(state_name(state), style_of(state)), format_count(count),
                           format_percent(count, report.total)});
        }
    }
    table.add_row({"total", format_count(report.total), ""});
    return table.render(painter);
}

std::string render_groups(const StatesReport& report, const StatesOptions& options,
                          const Painter& painter)
{
    const GroupNaming names = naming(options.by);
    std::vector<Column> columns;
    if (names.number != nullptr) {
        columns.push_back({names.number_header, Align::kRight});
    }
    if (names.name != nullptr) {
        columns.push_back({names.name_header});
    }
    columns.push_back({"TOTAL", Align::kRight});
    columns.push_back({"PERCENT", Align::kRight});
    std::vector<TcpState> shown;
    for (const TcpState state : kShownStates) {
        if (report.states[static_cast<std::size_t>(state)] > 0) {
            shown.push_back(state);
            columns.push_back({std::string(state_name(state)), Align::kRight});
        }
    }
    Table table(columns);
    for (const Group& group : report.groups) {
        std::vector<std::string> texts;
        if (names.number != nullptr) {
            texts.push_back(group.number ? std::to_string(*group.number) : "-");
        }
        if (names.name != nullptr) {
            texts.push_back(group.name);
        }
        texts.push_back(format_count(group.total));
        texts.push_back(format_percent(group.total, report.total));
        for (const TcpState state : shown) {
            texts.push_back(format_count(group.states[static_cast<std::size_t>(state)]));
        }
        table.add_row(std::vector<Cell>(texts.begin(), texts.end()));
    }
    return table.render(painter);
}

} // namespace

ExitStatus run(const StatesOptions& options)
{
    const auto snapshot = take_snapshot();
    if (!snapshot) {
        return fail(snapshot.error());
    }
    for (const std::string& note : (*snapshot)->census.notes) {
        spdlog::warn("{}", note);
    }
    const StatesReport report = make_report((*snapshot)->ledger.books(), options);
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    const Painter painter(color_wanted(options.common.color, ColorEnvironment::of(STDOUT_FILENO)));
    if (options.common.json) {
        JsonWriter json;
        write_json(json, report, options.by);
        stream->write_line(json.take_line());
    } else if (options.by == Grouping::kNone) {
        stream->write(render_totals(report, options, painter));
    } else {
        stream->write(render_groups(report, options, painter));
    }
    stream->close();
    return stream->error() ? fail(*stream->error()) : ExitStatus::kDone;
}

} // namespace tcpledger
