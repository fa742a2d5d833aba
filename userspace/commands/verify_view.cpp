// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/verify_view.hpp"

#include "output/escape.hpp"
#include "output/format.hpp"
#include "output/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tcpledger {
namespace {

std::string plural(std::uint64_t number, const char* one, const char* many)
{
    return format_count(number) + " " + (number == 1 ? one : many);
}

std::chrono::system_clock::time_point plain(WallTime time)
{
    return std::chrono::time_point_cast<std::chrono::system_clock::duration>(time);
}

std::string state_or(const std::optional<TcpState>& state, const char* none)
{
    return state ? std::string(state_name(*state)) : none;
}

std::string owner_text(const Claims& claims)
{
    return claims.owner ? fmt::format("{} ({})", claims.owner->pid, visible(claims.owner_comm))
                        : visible(claims.owner_comm);
}

std::string describe(const PersistentDifference& difference)
{
    const auto& [key, claims, lasted] = difference;
    std::string text = fmt::format("  netns {}  {} {}  ", key.tuple.netns_inum,
                                   key.tuple.local.text(), key.tuple.remote.text());
    if (key.aspect == Aspect::kState) {
        text += fmt::format("kernel {}, books {}", state_or(claims.kernel, "nothing"),
                            state_or(claims.books, "nothing"));
    } else {
        text += "held by";
        for (const LinkingProcess& holder : claims.holders) {
            text += fmt::format(" {} ({})", holder.pid, visible(holder.comm));
        }
        text += ", on the books of " + owner_text(claims);
    }
    return text + fmt::format(", for {}\n", format_duration(lasted));
}

/// by (namespace, state) → by state.
std::array<Balance, kStateSlots> by_state(const Comparison& comparison)
{
    std::array<Balance, kStateSlots> sums{};
    for (const auto& [cell, balance] : comparison.by_netns) {
        Balance& sum = sums[static_cast<std::size_t>(cell.second)];
        sum.kernel += balance.kernel;
        sum.books += balance.books;
    }
    return sums;
}

std::size_t namespaces_of(const Comparison& comparison)
{
    std::size_t number = 0;
    std::uint32_t last = 0;
    for (const auto& [cell, balance] : comparison.by_netns) {
        number += std::exchange(last, cell.first) != cell.first ? 1U : 0U;
    }
    return number;
}

template <typename Cells> std::int64_t unequal(const Cells& cells)
{
    return std::ranges::count_if(
        cells, [](const auto& cell) { return cell.second.kernel != cell.second.books; });
}

void write_difference(JsonWriter& json, const PersistentDifference& difference)
{
    const auto& [key, claims, lasted] = difference;
    json.begin_object();
    json.field("about", key.aspect == Aspect::kState ? "state" : "owner");
    json.field("netns", key.tuple.netns_inum);
    json.field("cookie", key.cookie != 0 ? std::optional(key.cookie) : std::nullopt);
    json.field("local_address", key.tuple.local.address).field("local_port", key.tuple.local.port);
    json.field("remote_address", key.tuple.remote.address);
    json.field("remote_port", key.tuple.remote.port);
    json.field("kernel_state", claims.kernel).field("books_state", claims.books);
    json.key("holders").begin_array();
    for (const LinkingProcess& holder : claims.holders) {
        json.begin_object().field("pid", holder.pid).field("comm", holder.comm).end_object();
    }
    json.end_array();
    json.key("owner");
    if (claims.owner) {
        json.begin_object().field("pid", claims.owner->pid).field("comm", claims.owner_comm);
        json.end_object();
    } else {
        json.null();
    }
    json.milliseconds_field("lasted_ms", lasted).end_object();
}

/// {"cells": so many pairs, "equal": of them, "kernel": sum, "books": sum}
template <typename Cells> void write_cells(JsonWriter& json, const char* name, const Cells& cells)
{
    Balance sum;
    for (const auto& [cell, balance] : cells) {
        sum.kernel += balance.kernel;
        sum.books += balance.books;
    }
    json.key(name).begin_object().field("cells", cells.size());
    json.field("equal", static_cast<std::int64_t>(cells.size()) - unequal(cells));
    json.field("kernel", sum.kernel).field("books", sum.books).end_object();
}

} // namespace

std::string render_check(const VerifyCheck& check, const Painter& painter)
{
    const CheckResult& result = check.result;
    const Comparison& last = result.last;
    std::string text = fmt::format(
        "{}  check {}: {} in {}, {} with an owner to compare; {} in {}, {}\n",
        format_local_hms(plain(check.time)), check.number,
        plural(last.sockets, "socket", "sockets"),
        plural(namespaces_of(last), "namespace", "namespaces"), format_count(last.owners_compared),
        plural(result.suspects, "difference at first", "differences at first"),
        plural(result.looks, "look", "looks"),
        painter.paint(result.persistent.empty()
                          ? "none persists"
                          : plural(result.persistent.size(), "persists", "persist"),
                      result.persistent.empty() ? Style::kGood : Style::kBad));
    for (const PersistentDifference& difference : result.persistent) {
        text += describe(difference);
    }
    if (!last.sums_agree) {
        text +=
            painter.paint("  the counts are not the sums of the connections", Style::kBad) + "\n";
    }
    return text;
}

std::string render_verdict(const VerifyVerdict& verdict, const Comparison& last,
                           const Painter& painter)
{
    Table table({{"STATE"},
                 {"KERNEL", Align::kRight},
                 {"BOOKS", Align::kRight},
                 {"DIFFERENCE", Align::kRight}});
    const auto states = by_state(last);
    for (const TcpState state : kShownStates) {
        const Balance& balance = states[static_cast<std::size_t>(state)];
        if (balance.kernel == 0 && balance.books == 0) {
            continue;
        }
        const std::string kernel = format_count(static_cast<std::uint64_t>(balance.kernel));
        const std::string books = format_count(static_cast<std::uint64_t>(balance.books));
        const std::string difference = format_signed_count(balance.books - balance.kernel);
        table.add_row({Cell(state_name(state), style_of(state)), kernel, books, difference});
    }
    const std::string words = verdict.good()        ? "the books balance"
                              : verdict.checks == 0 ? "nothing was compared"
                                                    : "the books do not balance";
    return "\nThe last look, what moved meanwhile (" + format_count(last.moved) + ") included:\n" +
           table.render(painter) +
           fmt::format(
               "\n{} in {}, {} compared, {} applied, {} lost, {} on [unknown], {}: {}\n",
               plural(verdict.checks, "check", "checks"), format_duration(verdict.took),
               plural(verdict.compared, "socket", "sockets"),
               plural(verdict.transitions, "transition", "transitions"), format_count(verdict.lost),
               format_count(last.unknown),
               plural(verdict.persistent, "persistent difference", "persistent differences"),
               painter.paint(words, verdict.good() ? Style::kGood : Style::kBad));
}

void write_check(JsonWriter& json, const VerifyCheck& check)
{
    const CheckResult& result = check.result;
    const Comparison& last = result.last;
    json.begin_object().field("version", 1).field("time", plain(check.time));
    json.field("check", check.number).field("looks", result.looks);
    json.field("sockets", last.sockets).field("namespaces", namespaces_of(last));
    json.field("states_compared", last.states_compared);
    json.field("owners_compared", last.owners_compared);
    json.field("moved", last.moved).field("unknown", last.unknown);
    json.key("states").begin_object();
    const auto states = by_state(last);
    for (const TcpState state : kShownStates) {
        const Balance& balance = states[static_cast<std::size_t>(state)];
        json.key(state_name(state)).begin_object();
        json.field("kernel", balance.kernel).field("books", balance.books).end_object();
    }
    json.end_object();
    write_cells(json, "by_netns", last.by_netns);
    write_cells(json, "by_process", last.by_process);
    json.field("suspects", result.suspects).field("sums_agree", last.sums_agree);
    json.key("differences").begin_array();
    for (const PersistentDifference& difference : result.persistent) {
        write_difference(json, difference);
    }
    json.end_array().end_object();
}

void write_verdict(JsonWriter& json, const VerifyVerdict& verdict)
{
    json.begin_object().field("version", 1).field("checks", verdict.checks);
    json.field("compared", verdict.compared).field("persistent", verdict.persistent);
    json.field("transitions", verdict.transitions);
    json.field("lost", verdict.lost).field("sums_agree", verdict.sums_agree);
    json.milliseconds_field("duration_ms", verdict.took);
    json.field("balanced", verdict.good()).end_object();
}

} // namespace tcpledger
