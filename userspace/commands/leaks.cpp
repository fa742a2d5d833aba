// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `leaks`: a live session, looks at the kernel aside, and the verdict on what they show together.
#include "commands/audit_view.hpp"
#include "commands/commands.hpp"
#include "commands/container_names.hpp"
#include "commands/filter_words.hpp"
#include "commands/flame_files.hpp"
#include "commands/leaks_view.hpp"
#include "commands/ledger_filter.hpp"
#include "commands/report_output.hpp"
#include "commands/signals.hpp"
#include "output/format.hpp"
#include "output/stream.hpp"
#include "procfs/processes.hpp"
#include "session/leak_watch.hpp"
#include "session/listing.hpp"
#include "session/session.hpp"
#include "session/stack_desk.hpp"
#include "verify/aside.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

namespace tcpledger {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kStep{50};
/// From one look to the next; longer where they are dear.
constexpr milliseconds kLookPeriod{5'000};
/// A look and what is done with it takes at most one part in so many of a CPU.
constexpr int kLookShare = 100;

/// A filter asked of connections on the books.
class Selection {
public:
    explicit Selection(Filter filter) : filter_(std::move(filter)), beside_(filter_) {}

    [[nodiscard]] bool everything() const { return filter_.empty(); }

    [[nodiscard]] bool matches(const Connection& connection, const Process& owner,
                               MonotonicTime age)
    {
        const bool known = connection.owner != kUnknownProcess;
        SocketView view = view_of(connection, owner, known);
        view.age = age;
        view.age_is_lower_bound = connection.age_is_lower_bound;
        beside_.complete(view, owner, known);
        return filter_.matches(view);
    }

private:
    Filter filter_;
    BesideTheBooks beside_;
};

/// What the books and /proc know of a suspect's processes.
class Describer {
public:
    explicit Describer(const Session& session) : session_(session) {}

    [[nodiscard]] DescribedSuspect describe(LeakSuspect suspect)
    {
        DescribedSuspect described;
        described.process = suspect.key.kind == LeakKind::kInherited && suspect.fds_of
                                ? *suspect.fds_of
                                : suspect.key.process;
        add_name(described, suspect.key.process);
        add_name(described, described.process);
        for (const auto& [process, count] : suspect.holders) {
            add_name(described, process);
        }
        described.suspect = std::move(suspect);
        const Expected<ProcessDetails> details = proc_.process(described.process.pid);
        if (described.process.pid != 0 && details &&
            details->start_ticks == described.process.start_ticks) {
            described.container = details->container;
            described.fds_used = details->fds_used;
            if (const auto limit = details->fd_limit_soft; limit && *limit != kUnlimited) {
                described.fd_limit = limit;
            }
        }
        return described;
    }

private:
    void add_name(DescribedSuspect& described, const ProcessKey& process)
    {
        const ProcessTable& processes = session_.ledger().books().processes();
        if (const auto id = processes.find(process)) {
            described.names[process] = processes.at(*id).comm;
        } else if (const auto stat = proc_.stat(process.pid);
                   stat && stat->start_ticks == process.start_ticks) {
            described.names[process] = stat->comm;
        }
    }

    const Session& session_;
    ProcFs proc_;
};

void show(const LeaksOptions& options, const LeaksReport& report, ReportOutput& output)
{
    output.show([&](JsonWriter& json) { write_json(json, report); },
                [&](const Painter& painter, std::size_t columns) {
                    const bool screen = options.watch && columns != 0;
                    return render_text(report, painter,
                                       screen ? columns : page_width(STDOUT_FILENO));
                });
}

/// How long a verdict waits for the names of its stacks, while the reading goes on: the debug
/// information of a large program takes seconds.
constexpr milliseconds kNamesPatience{30'000};
constexpr milliseconds kNamesPatienceOfWatch{2'000};

/// The looks, one after the other, and what has come of them.
class LeakHunt {
public:
    /// `duration`: of the view, from the first look to the last; nothing: without end. `desk`: null
    /// where stacks are not wanted.
    LeakHunt(Session& session, LeakWatch& watch, std::optional<milliseconds> duration,
             StackDesk* desk)
        : session_(session), watch_(watch), duration_(duration), desk_(desk),
          taker_(std::make_shared<const CensusTaker>(CensusTaker::open()))
    {
    }

    /// Starts a look when one is due; true when one has just come in.
    bool step()
    {
        if (std::optional<LeakLook> look = look_.pick_up()) {
            take_in(*look);
            return true;
        }
        if (!look_.under_way() && Steady::now() >= next_) {
            look_.start([taker = taker_] { return LeakLook::take(*taker); });
        }
        return false;
    }

    /// The last look that has come in is the one at the end of the view.
    [[nodiscard]] bool over() const { return book_.samples() > 0 && began_ >= end_; }

    [[nodiscard]] LeaksReport report()
    {
        LeaksReport report;
        report.time = std::chrono::system_clock::now();
        report.observed = book_.samples() > 0 ? book_.observed() : LeakTime(0);
        report.looks = book_.samples();
        report.connections = book_.last().sockets.size();
        report.lost = session_.lost_total();
        Describer describer(session_);
        for (LeakSuspect& suspect : book_.suspects()) {
            report.suspects.push_back(describer.describe(std::move(suspect)));
        }
        if (desk_ != nullptr) {
            add_stacks(report);
        }
        return report;
    }

private:
    void add_stacks(LeaksReport& report)
    {
        for (DescribedSuspect& described : report.suspects) {
            described.tally = tally_stacks(*desk_, described.suspect.cookies);
        }
        const auto end = Steady::now() + (duration_ ? kNamesPatience : kNamesPatienceOfWatch);
        while (desk_->names_pending() && Steady::now() < end) {
            session_.step(kStep);
        }
        for (DescribedSuspect& described : report.suspects) {
            described.stacks = named_stacks(*desk_, described.tally);
        }
    }

    void forget_closed(MonotonicTime before)
    {
        const Books& books = session_.ledger().books();
        desk_->forget(before, [&](std::uint64_t cookie) {
            return books.find_by_cookie(cookie) != kNoConnection;
        });
    }

    void take_in(const LeakLook& look)
    {
        for (const std::string& note : look.notes()) {
            if (notes_.insert(note).second) {
                spdlog::warn("{}", note);
            }
        }
        const auto cpu_before = thread_cpu_time();
        session_.step(milliseconds(0)); // what is older than the look
        book_.add(watch_.sample(look, session_.ledger().books()), watch_.flows());
        session_.begin_interval();
        if (desk_ != nullptr) {
            forget_closed(look.started());
        }
        const auto cost = look.cpu() + (thread_cpu_time() - cpu_before);
        began_ = Steady::time_point(look.started()); // the same clock
        if (book_.samples() == 1 && duration_) {
            end_ = began_ + *duration_;
        }
        next_ = began_ + std::max<Steady::duration>(kLookPeriod, cost * kLookShare);
        next_ = std::min(next_, std::max(end_, began_));
    }

    Session& session_;
    LeakWatch& watch_;
    std::optional<milliseconds> duration_;
    StackDesk* desk_;
    std::shared_ptr<const CensusTaker> taker_;
    Aside<LeakLook> look_;
    LeakBook book_;
    Steady::time_point began_{}; ///< the last look
    Steady::time_point next_{};
    Steady::time_point end_ = Steady::time_point::max();
    std::set<std::string> notes_;
};

void write_files(const LeaksOptions& options, const LeaksReport& report)
{
    if (const Expected<void> written = write_flame_files(options.stacks, report); !written) {
        spdlog::error("{}", written.error().message());
    }
}

bool strikes(const LeaksReport& report, std::optional<LeakVerdict> least)
{
    return least && std::ranges::any_of(report.suspects, [&](const DescribedSuspect& described) {
               return described.suspect.judgement.verdict >= *least;
           });
}

/// Looks until the time is over or a signal comes; shows the verdict of the end. True when it is a
/// finding.
bool look_for(const LeaksOptions& options, Session& session, LeakHunt& hunt, ReportOutput& output,
              StopSignals& signals)
{
    while (!signals.came() && !hunt.over()) {
        session.step(kStep, signals.fd());
        hunt.step();
    }
    const LeaksReport report = hunt.report();
    show(options, report, output);
    write_files(options, report);
    return strikes(report, options.fail_on);
}

/// Shows the verdict after each look until a signal comes, nobody reads or it is a finding; then
/// true.
bool look_on(const LeaksOptions& options, Session& session, LeakHunt& hunt, ReportOutput& output,
             StopSignals& signals, LineStream& stream)
{
    while (!signals.came() && !stream.closed()) {
        session.step(kStep, signals.fd());
        stream.flush_if_due(Steady::now());
        if (!hunt.step()) {
            continue;
        }
        const LeaksReport report = hunt.report();
        show(options, report, output);
        write_files(options, report);
        if (strikes(report, options.fail_on)) {
            return true;
        }
    }
    return false;
}

} // namespace

ExitStatus run(const LeaksOptions& options)
{
    Expected<Filter> words = read_ledger_filter(options.filter);
    if (!words) {
        return fail(words.error());
    }
    const bool bindings = needs_of(*words).bindings();
    Selection selection(std::move(*words));
    LeakWatch::Selected selected;
    if (!selection.everything()) {
        selected = [&](const Connection& connection, const Process& owner, MonotonicTime age) {
            return selection.matches(connection, owner, age);
        };
    }
    StopSignals signals;
    LeakWatch watch(read_clocks(), std::move(selected));
    Expected<std::unique_ptr<Session>> opened = Session::open(
        {.ring_bytes = options.common.ring_bytes,
         .hooks = options.common.hooks,
         .bindings = bindings,
         .stacks = options.stacks.wanted ? std::optional(StackOptions()) : std::nullopt},
        [&](const AppliedTransition& transition) { watch.observe(transition); });
    if (!opened) {
        return fail(opened.error());
    }
    Session& session = **opened;
    std::optional<StackDesk> desk;
    if (std::optional<RecordRing> ring = session.take_stack_ring()) {
        desk.emplace(std::move(*ring), StackProgramsOptions{options.stacks.debuginfod});
    }
    Expected<LineStream> stream = LineStream::open(
        STDOUT_FILENO, {.when_full = options.watch ? WhenFull::kDrop : WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    while (!session.seeded() && !signals.came()) {
        session.step(kStep, signals.fd());
    }
    for (const std::string& note : session.health().notes) {
        spdlog::warn("{}", note);
    }
    if (!options.watch && ::isatty(STDERR_FILENO) != 0) {
        spdlog::info("looking for {}; Ctrl-C for the verdict so far",
                     format_duration(options.duration));
    }
    LeakHunt hunt(session, watch, options.watch ? std::nullopt : std::optional(options.duration),
                  desk ? &*desk : nullptr);
    ReportOutput output(options.common, *stream, options.watch, options.watch);
    const bool finding = options.watch ? look_on(options, session, hunt, output, signals, *stream)
                                       : look_for(options, session, hunt, output, signals);
    stream->close();
    if (const std::optional<Error> error = stream->error()) {
        return fail(*error);
    }
    return finding ? ExitStatus::kFinding : ExitStatus::kDone;
}

} // namespace tcpledger
