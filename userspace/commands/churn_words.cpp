// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/churn_words.hpp"

#include "output/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tcpledger {
namespace {

std::string per_minute(std::uint64_t number, std::chrono::nanoseconds watched)
{
    const std::chrono::duration<double, std::ratio<60>> minutes = watched;
    const double rate = minutes.count() > 0 ? static_cast<double>(number) / minutes.count() : 0.0;
    return format_rate(rate);
}

std::string peer_of(const ChurnKey& key)
{
    return key.outgoing ? "to " + key.endpoint.text()
                        : fmt::format("come in on port {}", key.endpoint.port);
}

/// ", 12.5% fail (refused)": the most frequent reason. Not worth a word below a thousandth.
std::string failures(const ChurnFigures& figures)
{
    if (figures.failed == 0 || figures.failed * 1000 < figures.closed) {
        return {};
    }
    std::string text =
        figures.failed == figures.closed
            ? ", all fail"
            : fmt::format(", {} fail", format_percent(figures.failed, figures.closed));
    const auto kind = std::ranges::max(
        {Ending::kRefused, Ending::kTimeout, Ending::kUnreachable, Ending::kInterrupted}, {},
        [&](Ending ending) { return figures.endings[static_cast<std::size_t>(ending)]; });
    if (figures.endings[static_cast<std::size_t>(kind)] > 0) {
        text += fmt::format(" ({})", ending_name(kind));
    }
    return text;
}

} // namespace

std::string actor_text(const ChurnActor& actor, std::uint64_t processes)
{
    if (actor.process.pid != 0) {
        return fmt::format("{}[{}]", actor.comm, actor.process.pid);
    }
    return processes > 1 ? fmt::format("{} ({} processes)", actor.comm, format_count(processes))
                         : actor.comm;
}

std::string churner_sentence(const Churner& churner, std::chrono::nanoseconds watched)
{
    const ChurnFigures& figures = churner.figures;
    std::string text = fmt::format(
        "{} ×{}/min {}", actor_text(churner.key.actor, figures.processes),
        per_minute(std::max(figures.opened, figures.closed), watched), peer_of(churner.key));
    if (!churner.parent.empty()) {
        text += " from " + churner.parent;
    }
    if (!figures.lifetimes.empty()) {
        text += ", median life " +
                format_latency(std::chrono::nanoseconds(figures.lifetimes.quantile(0.5)));
    }
    text += failures(figures);
    if (figures.spared > 0) {
        text += fmt::format(": a keep-alive connection would save {} handshakes/min",
                            per_minute(figures.spared, watched));
    }
    return text;
}

} // namespace tcpledger
