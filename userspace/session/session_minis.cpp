// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The session's sweeps of mini-sockets: what is asked, when, and what is made of the answers.
#include "session/session.hpp"

#include "procfs/clock.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

/// More mini-sockets in passing states than this are listed, not looked up one by one.
constexpr std::size_t kMaxLookUps = 500;

} // namespace

void Session::settle_minis(const MiniSweep& sweep)
{
    const auto cpu_before = thread_cpu_time();
    paused_cpu_ = {};
    const MiniReport report = settle(minis_, settlement_, ledger_, sweep, [this] { pause(); });
    to_explain_ = report.to_explain;
    requests_to_list_ = report.requests_to_list;
    health_.drift = census_drift_ + report.drift;
    if (report.full_sockets_differ) {
        next_census_ = earliest_census_;
    }
    const auto settling_cpu = thread_cpu_time() - cpu_before - paused_cpu_;
    sweep_budget_.spend(sweep.cpu + minis_begin_cpu_ + settling_cpu);
    next_minis_ = std::max(sweep.started + sweep_period(), sweep_budget_.next(sweep.finished));
    const std::size_t lists = sweep.listed_all.size() + sweep.listed_half_open.size();
    if (lists > 0) {
        list_cost_ = sweep.listing_cpu / lists;
        health_.list_interval = list_cost_ * kSweepShare;
    }
    health_.sweep_interval = next_minis_ - sweep.started;
    const bool to_list =
        !to_explain_.empty() ||
        std::ranges::any_of(requests_to_list_, [](const auto& entry) { return entry.second; });
    if (to_list && list_credit(sweep.finished).count() > 0) {
        next_minis_ = sweep.finished; // at once
    }
}

void Session::start_minis(MonotonicTime now)
{
    const auto cpu_before = thread_cpu_time();
    settlement_.begin(now);
    minis_.begin(now);
    MiniQuestion question = mini_question(now);
    minis_begin_cpu_ = thread_cpu_time() - cpu_before;
    census_thread_.start(std::move(question));
}

MiniQuestion Session::mini_question(MonotonicTime now)
{
    MiniQuestion question;
    for (const auto& [inum, counts] : ledger_.books().by_netns()) {
        if (counts == StateCounts{}) {
            continue; // it may have ended, and would be sought each time
        }
        MiniQuestion::Netns& netns = question.netns[inum];
        netns.listeners = counts[static_cast<std::size_t>(TcpState::kListen)];
        netns.half_open = minis_.half_open(inum);
    }
    if (const auto passing = minis_.passing(kMaxLookUps)) {
        for (const FourTuple& tuple : *passing) {
            question.netns[tuple.netns_inum].look_up.push_back(tuple);
        }
    } else {
        for (const auto& [inum, counts] : ledger_.books().minis_by_netns()) {
            if (counts[static_cast<std::size_t>(TcpState::kFinWait2)] > 0) {
                to_explain_[inum]; // too many: a list tells of all at once
            }
        }
    }
    std::chrono::nanoseconds credit = list_credit(now);
    ask_to_explain(question, credit);
    ask_half_open(question, now, credit);
    return question;
}

/// Takes what the lists will cost off the credit.
void Session::ask_to_explain(MiniQuestion& question, std::chrono::nanoseconds& credit)
{
    for (const auto& [inum, too_many] : to_explain_) {
        MiniQuestion::Netns& netns = question.netns[inum];
        auto all = too_many ? minis_.all_of(inum, kMaxLookUps) : std::nullopt;
        if (all) {
            netns.look_up = *std::move(all);
        } else {
            netns.list_all = credit.count() > 0;
            credit -= list_cost_;
        }
    }
}

/// Those that waited longest first.
void Session::ask_half_open(MiniQuestion& question, MonotonicTime now,
                            std::chrono::nanoseconds credit)
{
    std::vector<std::pair<MonotonicTime, std::uint32_t>> waiting;
    for (const auto& [inum, came] : requests_to_list_) {
        waiting.emplace_back(half_open_listed_[inum], inum);
    }
    std::ranges::sort(waiting);
    std::map<std::uint32_t, MonotonicTime> listed;
    for (const auto& [when, inum] : waiting) {
        MiniQuestion::Netns& netns = question.netns[inum];
        netns.list_half_open = credit.count() > 0;
        netns.if_segments_came = netns.list_half_open && !requests_to_list_.at(inum);
        listed[inum] = netns.list_half_open ? now : when;
        credit -= list_cost_;
    }
    half_open_listed_ = std::move(listed);
}

} // namespace tcpledger
