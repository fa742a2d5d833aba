// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/session.hpp"

#include "kernel/abilities.hpp"
#include "procfs/clock.hpp"
#include "procfs/processes.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tcpledger {
namespace {

/// The reader's timer: short while records come, longer when the host is quiet.
constexpr std::chrono::milliseconds kBusyWait{20};
constexpr std::chrono::milliseconds kQuietWait{80};

constexpr std::chrono::milliseconds kLossCheckPeriod{100};

/// Of the reader's thread. It works a few per cent of the time, but must get that time
/// however many others want the CPU: a ring that fills meanwhile loses records.
constexpr int kReaderNice = -10;

/// A census may take 1/kCensusShare of one CPU, averaged over its period.
constexpr int kCensusShare = 100;

/// Censuses at once after a loss: a lost end is believed when it is missed twice.
constexpr int kRepairs = 2;

/// On a quiet host censuses become rarer, up to this; the next record ends that.
constexpr std::chrono::seconds kQuietCensusPeriod{5};

std::chrono::nanoseconds cpu_time(clockid_t clock)
{
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// CPU time of all threads but this one: the census's, and the helpers it starts.
std::chrono::nanoseconds other_threads_cpu_time()
{
    return cpu_time(CLOCK_PROCESS_CPUTIME_ID) - cpu_time(CLOCK_THREAD_CPUTIME_ID);
}

} // namespace

Expected<std::unique_ptr<Session>> Session::open(const SessionOptions& options,
                                                 Ledger::Observer observer, LossObserver on_loss)
{
    const Expected<void> possible = check_can_trace(kernel_facts(), held_capabilities());
    if (!possible) {
        return tl::unexpected(possible.error());
    }
    Expected<Tracer> tracer = Tracer::open({options.ring_bytes, options.hooks});
    if (!tracer) {
        return tl::unexpected(tracer.error());
    }
    if (observer) { // it wants each transition; counts alone can be repaired
        tracer->catch_nested();
    }
    std::unique_ptr<Session> session(
        new Session(std::move(*tracer), options, std::move(observer), std::move(on_loss)));
    // After the census has its thread, which keeps the usual priority. Without CAP_SYS_NICE it
    // is refused, and the reader takes its turn with all others.
    (void)::setpriority(PRIO_PROCESS, 0, kReaderNice);
    session->start_census(monotonic_now());
    return session;
}

Session::Session(Tracer tracer, SessionOptions options, Ledger::Observer observer,
                 LossObserver on_loss)
    : tracer_(std::move(tracer)), options_(options), ledger_(std::move(observer)),
      on_loss_(std::move(on_loss))
{
    ledger_.expect_told_minis(tracer_.is_refined(Tells::kTimeWaitBegin),
                              tracer_.is_refined(Tells::kTimeWaitMove));
}

void Session::step(std::chrono::milliseconds limit, int wake_fd)
{
    wait(limit, wake_fd);
    // Until the first census is settled events queue in the ring, so that they find
    // what they are about; a ring that fills is drained all the same.
    if (seeded() || !census_thread_.busy()) {
        drain();
    }
    const MonotonicTime now = monotonic_now();
    if (const std::optional<Census> census = census_thread_.pick_up()) {
        settle_census(*census);
    }
    notice_losses(now);
    if (!census_thread_.busy() && (repairs_wanted_ > 0 || now >= next_census_)) {
        start_census(now);
    }
}

void Session::wait(std::chrono::milliseconds limit, int wake_fd)
{
    std::array<pollfd, 3> fds = {{{tracer_.fd(), POLLIN, 0},
                                  {census_thread_.fd(), POLLIN, 0},
                                  {wake_fd, POLLIN, 0}}}; // a negative one is ignored
    const auto patience = std::min(limit, last_drained_ > 0 ? kBusyWait : kQuietWait);
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(patience.count()));
    if (ready > 0 && (fds[0].revents & POLLIN) != 0 && !seeded()) {
        drain(); // a quarter full before the seed: do not lose anything
    }
}

void Session::drain()
{
    last_drained_ = tracer_.drain(
        [this](const void* data, std::size_t size) { ledger_.apply_record(data, size); });
    records_since_census_ += last_drained_;
    if (last_drained_ > 0 && census_period_ > options_.census_period) {
        census_period_ = options_.census_period;
        next_census_ = std::max(earliest_census_, monotonic_now() + census_period_);
    }
}

void Session::notice_losses(MonotonicTime now)
{
    if (now < next_loss_check_) {
        return;
    }
    next_loss_check_ = now + kLossCheckPeriod;
    const TracerLosses losses = tracer_.losses();
    if (losses.recursion > 0) {
        tracer_.catch_nested();
    }
    const std::uint64_t total = losses.total();
    if (total <= lost_total_) {
        return;
    }
    const std::uint64_t lost = total - lost_total_;
    lost_total_ = total;
    repairs_wanted_ = kRepairs; // whatever it costs, the books must be settled again
    if (on_loss_) {
        on_loss_(lost);
    }
}

void Session::settle_census(const Census& census)
{
    if (seeded()) {
        drain(); // evidence is older than events only if all of these are applied
    }
    const auto settle_began = cpu_time(CLOCK_THREAD_CPUTIME_ID);
    const SettlementReport report = settle(settlement_, census);
    health_ = {report.drift, census.notes, health_.census_interval};
    mark_exited_processes();
    const auto cost = other_threads_cpu_time() - census_cpu_before_ +
                      cpu_time(CLOCK_THREAD_CPUTIME_ID) - settle_began;
    earliest_census_ = census.started + cost * kCensusShare;
    const bool quiet =
        records_since_census_ == 0 && report.drift + report.settled + report.entered == 0;
    census_period_ = quiet ? std::min<MonotonicTime>(census_period_ * 2, kQuietCensusPeriod)
                           : options_.census_period;
    next_census_ = std::max(earliest_census_, census.started + census_period_);
    health_.census_interval = next_census_ - census.started;
}

void Session::start_census(MonotonicTime now)
{
    repairs_wanted_ = std::max(repairs_wanted_ - 1, 0);
    records_since_census_ = 0;
    settlement_.begin(now);
    census_cpu_before_ = other_threads_cpu_time();
    census_thread_.start();
}

/// Ends that no record told: of processes that came onto the books by a census, after
/// their exit had been passed over as a stranger's.
void Session::mark_exited_processes()
{
    const ProcFs proc;
    ledger_.books().processes().for_each([&](ProcessId id, const Process& process) {
        if (process.exited || process.connections != 0 || process.key.pid == 0) {
            return;
        }
        const Expected<ProcessStat> stat = proc.stat(process.key.pid);
        if (!stat || stat->start_ticks != process.key.start_ticks) {
            ledger_.books().processes().at(id).exited = true;
        }
    });
}

} // namespace tcpledger
