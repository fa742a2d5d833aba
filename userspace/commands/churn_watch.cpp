// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/churn_watch.hpp"

#include "commands/ledger_filter.hpp"
#include "netlink/namespaces.hpp"
#include "procfs/clock.hpp"
#include "session/listing.hpp"
#include "session/netns_reading.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace tcpledger {
namespace {

constexpr const char* kPortSysctls[] = {"net.ipv4.ip_local_port_range",
                                        "net.ipv4.ip_local_reserved_ports"};

ReuseKey program_of(const ChurnKey& key)
{
    return {key.actor.comm, key.actor.cgroup_id, key.netns_inum, key.endpoint};
}

std::optional<EphemeralPorts> ports_of(const std::vector<NetworkNamespace>& namespaces,
                                       std::uint32_t inum)
{
    const auto netns = std::ranges::find(namespaces, inum, &NetworkNamespace::inum);
    if (netns == namespaces.end()) {
        return std::nullopt;
    }
    const Expected<NetnsReading> reading = read_netns(*netns, kPortSysctls);
    if (!reading) {
        return std::nullopt;
    }
    const auto text = [&](const char* name) {
        const auto found = reading->sysctls.find(name);
        return found != reading->sysctls.end() ? std::string_view(found->second)
                                               : std::string_view();
    };
    return EphemeralPorts::parse(text(kPortSysctls[0]), text(kPortSysctls[1]));
}

} // namespace

std::optional<std::string> passing_condition(const Filter& filter)
{
    if (filter.has_state_filter()) {
        return "state";
    }
    for (const FilterStep& step : filter.steps()) {
        if (std::holds_alternative<filter::AgeTest>(step.test)) {
            return "age";
        }
        if (std::holds_alternative<filter::UnacceptedTest>(step.test)) {
            return "unaccepted";
        }
    }
    return std::nullopt;
}

void ParentNames::look(const ReuseKey& program, const ProcessKey& process, MonotonicTime now)
{
    if (process == ProcessKey{} || names_.contains(program) || names_.size() >= kMostNames) {
        return;
    }
    if (now - second_ >= std::chrono::seconds(1)) {
        second_ = now;
        looks_ = 0;
    }
    if (++looks_ > kMostLooks) {
        return;
    }
    const Expected<ProcessStat> stat = proc_.stat(process.pid);
    if (!stat || stat->start_ticks != process.start_ticks) {
        return;
    }
    const Expected<ProcessStat> parent = proc_.stat(stat->parent_pid);
    if (parent) {
        names_[program] = parent->comm;
    }
}

std::string ParentNames::of(const ReuseKey& program) const
{
    const auto known = names_.find(program);
    return known != names_.end() ? known->second : std::string();
}

ChurnWatch::ChurnWatch(ChurnGrouping by, std::chrono::nanoseconds poll, Filter filter)
    : by_(by), poll_(poll), filter_(std::move(filter)),
      wants_container_(by == ChurnGrouping::kContainer || needs_of(filter_).container),
      wants_namespace_(
          std::ranges::any_of(filter_.steps(), filter::asks_namespace, &FilterStep::test)),
      asks_local_(std::ranges::any_of(filter_.steps(), filter::asks_local_end, &FilterStep::test)),
      lives_([this](const FinishedLife& life) { finished(life); }), book_(by, poll)
{
}

Ledger::Observer ChurnWatch::observer()
{
    return [this](const AppliedTransition& applied) { transition(applied); };
}

Ledger::CompanionObserver ChurnWatch::companions()
{
    return [this](const Companion& companion) { lives_.companion(companion); };
}

void ChurnWatch::begin(const Session& session)
{
    session_ = &session;
    lives_.hand_over_all();
    begin_window();
}

/// What has been applied so far belongs to the window before, whatever the clock says.
void ChurnWatch::begin_window()
{
    book_.begin(session_->ledger().last_event() + MonotonicTime(1));
    lost_before_ = session_->lost_total();
    begun_ = std::chrono::steady_clock::now();
}

void ChurnWatch::after_step()
{
    lives_.hand_over(monotonic_now());
}

void ChurnWatch::after_interval()
{
    const ProcessTable& processes = session_->ledger().books().processes();
    book_.retire([&](const ProcessKey& key) {
        const std::optional<ProcessId> known = processes.find(key);
        return !known || processes.at(*known).exited;
    });
    if (session_->lost_total() != std::exchange(lost_forgotten_, session_->lost_total())) {
        lives_.forget_missing(session_->ledger().books());
    }
}

ChurnReport ChurnWatch::report(std::size_t rows)
{
    lives_.hand_over_all();
    after_interval();
    add_open_ones();
    ChurnReport report = make_churn_report(book_, rows);
    report.watched = std::chrono::steady_clock::now() - begun_;
    report.poll = poll_;
    report.by = by_;
    report.lost = session_->lost_total() - lost_before_;
    const Expected<NamespaceList> listed = list_namespaces();
    count_ports(report, session_->ledger().books(), [&](std::uint32_t inum) {
        return listed ? ports_of(listed->namespaces, inum) : std::nullopt;
    });
    name_parents(report);
    begin_window();
    return report;
}

void ChurnWatch::transition(const AppliedTransition& transition)
{
    lives_.transition(transition);
    using enum TcpState;
    const TcpState from = transition.old_state;
    const TcpState to = transition.new_state;
    const Connection& connection = transition.connection;
    const bool begins = asks_local_ ? from == kSynSent : from == kClose && to == kSynSent;
    const bool ends_use = from == kEstablished && (to == kFinWait1 || to == kCloseWait ||
                                                   (to == kClose && transition.error == 0));
    if (session_ == nullptr || !(begins || ends_use) || !outgoing(connection)) {
        return;
    }
    const std::string_view container = container_of(transition.owner);
    if (!matches(connection, transition.owner, container)) {
        return;
    }
    const ChurnParty party{connection, transition.owner, true, container};
    if (ends_use) {
        book_.lets_go(party, transition.time);
        return;
    }
    book_.connects(party, transition.time);
    parents_.look({transition.owner.comm, transition.owner.cgroup_id, connection.tuple.netns_inum,
                   connection.tuple.remote},
                  transition.owner.key, transition.time);
}

void ChurnWatch::finished(const FinishedLife& life)
{
    const std::string_view container = container_of(life.owner);
    if (session_ != nullptr && matches(life.connection, life.owner, container)) {
        book_.ended(life, {life.connection, life.owner, outgoing(life.connection), container});
    }
}

/// Of a connection older than the tracer the begin was not seen: who is listened to is served.
bool ChurnWatch::outgoing(const Connection& connection) const
{
    if (connection.opened != MonotonicTime{}) {
        return !connection.passive;
    }
    return session_->ledger().books().find_listener(connection.tuple.netns_inum,
                                                    connection.tuple.local) == kNoConnection;
}

bool ChurnWatch::matches(const Connection& connection, const Process& owner,
                         std::string_view container)
{
    if (filter_.empty()) {
        return true;
    }
    SocketView view = view_of(connection, owner, connection.owner != kUnknownProcess);
    view.container = container;
    if (wants_namespace_) {
        namespaces_.complete(view);
    }
    return filter_.matches(view);
}

std::string_view ChurnWatch::container_of(const Process& owner)
{
    return wants_container_ ? std::string_view(containers_.of(owner.key)) : std::string_view();
}

/// Those that came and have not gone.
void ChurnWatch::add_open_ones()
{
    const Books& books = session_->ledger().books();
    books.for_each([&](ConnectionId, const Connection& connection) {
        if (connection.kind != SocketKind::kFull || connection.opened == MonotonicTime{} ||
            connection.state == TcpState::kListen || connection.state == TcpState::kClose) {
            return;
        }
        const Process& owner = books.processes().at(connection.owner);
        const std::string_view container = container_of(owner);
        if (matches(connection, owner, container)) {
            book_.still_open({connection, owner, outgoing(connection), container});
        }
    });
}

void ChurnWatch::name_parents(ChurnReport& report) const
{
    for (Churner& churner : report.churners) {
        if (churner.key.outgoing) {
            churner.parent = parents_.of(program_of(churner.key));
        }
    }
}

} // namespace tcpledger
