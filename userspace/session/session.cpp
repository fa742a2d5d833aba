// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/session.hpp"

#include "kernel/abilities.hpp"
#include "procfs/clock.hpp"

#include <malloc.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace tcpledger {
namespace {

/// The reader's timer while records come, and what it grows to when the host is quiet.
constexpr std::chrono::milliseconds kBusyWait{20};
constexpr std::chrono::milliseconds kQuietWait{160};

/// While records come; without, hardly any can be lost.
constexpr std::chrono::milliseconds kLossCheckPeriod{100};
constexpr std::chrono::seconds kQuietLossCheckPeriod{1};

/// From so many on, a census leaves them out.
constexpr std::uint32_t kManyTimeWaits = 2000;

/// What a census did not list is looked up one by one, if it is no more than this; else the next
/// census tells.
constexpr std::size_t kMaxLooks = 5000;

/// What a census and its settling have freed in the midst of the heap goes back to the system so
/// often; else it would stay, and add up with the next ones.
constexpr std::chrono::seconds kTrimPeriod{30};

/// Censuses at once after a loss: a lost end is believed when it is missed twice.
constexpr int kRepairs = 2;

/// For Tracer::believe_marks(): no mark is believed.
constexpr std::uint64_t kAnyCookie = ~std::uint64_t{0};

/// Drops what a look-up by tuple alone may not find although it is there: sockets bound to an
/// interface, which the books do not know. So none of a namespace that has any.
void keep_those_that_can_be_found(std::vector<MissedSocket>& missed,
                                  const std::vector<SocketRow>& rows)
{
    std::set<std::uint32_t> netns_with_bound;
    for (const SocketRow& row : rows) {
        if (row.interface_index != 0) {
            netns_with_bound.insert(row.tuple.netns_inum);
        }
    }
    std::erase_if(missed, [&](const MissedSocket& socket) {
        return netns_with_bound.contains(socket.tuple.netns_inum);
    });
}

/// What the host lacks says more than how the loading failed. It is looked for only then: to read
/// the kernel's types takes a tenth of the start.
Expected<Tracer> open_tracer(const TracerOptions& options)
{
    const HeldCapabilities held = held_capabilities();
    Error error;
    if (held.can_trace()) {
        Expected<Tracer> tracer = Tracer::open(options);
        if (tracer) {
            return tracer;
        }
        error = tracer.error();
    }
    const Expected<void> possible = check_can_trace(kernel_facts(), held);
    return tl::unexpected(possible ? error : possible.error());
}

/// Without mini-sockets.
constexpr std::chrono::milliseconds kIdleSweepPeriod{700};

/// On a quiet host censuses become rarer, up to this; the next record ends that.
constexpr std::chrono::seconds kQuietCensusPeriod{5};

} // namespace

Expected<std::unique_ptr<Session>> Session::open(const SessionOptions& options,
                                                 Ledger::Observer observer, LossObserver on_loss)
{
    Expected<Tracer> tracer =
        open_tracer({options.ring_bytes, options.hooks, options.companions != nullptr,
                     options.cases, options.last_acks, options.bindings, options.stacks});
    if (!tracer) {
        return tl::unexpected(tracer.error());
    }
    std::unique_ptr<Session> session(
        new Session(std::move(*tracer), options, std::move(observer), std::move(on_loss)));
    session->priority_.begin();
    session->start_census(monotonic_now());
    return session;
}

Session::Session(Tracer tracer, SessionOptions options, Ledger::Observer observer,
                 LossObserver on_loss)
    : tracer_(std::move(tracer)), options_(std::move(options)),
      ledger_(std::move(observer), options_.companions), on_loss_(std::move(on_loss))
{
    if (options_.dwells) {
        ledger_.keep_dwells(options_.dwells_of);
    }
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
    if (marked_ && !believes_marks_) {
        believe_marks();
    }
    const MonotonicTime now = monotonic_now();
    notice_losses(now); // first: what was under way then is too old
    pick_up();
    if (census_thread_.busy()) {
        return;
    }
    if (!missed_.empty()) {
        start_looks(now);
    } else if (repairs_wanted_ > 0 || now >= next_census_) {
        start_census(now);
    } else if (seeded() && now >= next_minis_) {
        start_minis(now);
    }
}

void Session::pick_up()
{
    const auto result = census_thread_.pick_up();
    if (!result) {
        return;
    }
    if (seeded()) {
        drain(); // evidence is older than events only if all of these are applied
    }
    if (std::exchange(outdated_, false) && seeded()) {
        (void)settlement_.finish_looks(); // a better one comes at once
    } else if (const auto* census = std::get_if<Census>(&*result)) {
        settle_census(*census);
    } else if (const auto* sweep = std::get_if<MiniSweep>(&*result)) {
        settle_minis(*sweep);
    } else {
        settle_looks(std::get<Looks>(*result));
    }
}

void Session::wait(std::chrono::milliseconds limit, int wake_fd)
{
    std::array<pollfd, 3> fds = {{{tracer_.fd(), POLLIN, 0},
                                  {census_thread_.fd(), POLLIN, 0},
                                  {wake_fd, POLLIN, 0}}}; // a negative one is ignored
    const auto until_due = std::chrono::ceil<std::chrono::milliseconds>(due() - monotonic_now());
    const auto wait =
        std::max(std::min({limit, patience_, until_due}), std::chrono::milliseconds{});
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(wait.count()));
    if (ready > 0 && (fds[0].revents & POLLIN) != 0 && !seeded()) {
        drain(); // a quarter full before the seed: do not lose anything
    }
}

/// When there is evidence to be asked for.
MonotonicTime Session::due() const
{
    if (census_thread_.busy()) {
        return MonotonicTime::max();
    }
    if (!missed_.empty() || repairs_wanted_ > 0) {
        return {};
    }
    return seeded() ? std::min(next_census_, next_minis_) : next_census_;
}

void Session::drain()
{
    drained_at_ = monotonic_now();
    const std::size_t drained = tracer_.drain(
        [this](const void* data, std::size_t size) { ledger_.apply_record(data, size); });
    patience_ = drained > 0 ? kBusyWait : std::min(2 * patience_, kQuietWait);
    records_since_census_ += drained;
    records_since_check_ += drained;
    if (drained > 0 && census_period_ > options_.census_period) {
        census_period_ = options_.census_period;
        next_census_ = std::max(earliest_census_, monotonic_now() + census_period_);
    }
}

/// Between the rows of a census or a list, of which there may be so many that a ring fills. What
/// the records tell is younger than the rows, and wins.
void Session::pause()
{
    if (!seeded() || monotonic_now() < drained_at_ + kBusyWait) {
        return;
    }
    const auto cpu_before = thread_cpu_time();
    drain();
    paused_cpu_ += thread_cpu_time() - cpu_before;
}

/// All listeners that matter have been marked, and what came of them before that is on the books
/// by now: whatever is born from here on has its mark if it is theirs.
void Session::believe_marks()
{
    std::uint64_t newest = 0;
    ledger_.books().for_each([&](ConnectionId, const Connection& connection) {
        newest = std::max(newest, connection.cookie);
    });
    believes_marks_ = true;
    tracer_.believe_marks(newest);
}

void Session::notice_losses(MonotonicTime now)
{
    const bool quiet = records_since_check_ == 0;
    if (now < losses_checked_ + (quiet ? kQuietLossCheckPeriod : kLossCheckPeriod)) {
        return;
    }
    priority_.review(now);
    losses_checked_ = now;
    records_since_check_ = 0;
    const TracerLosses losses = tracer_.losses();
    const std::uint64_t total = losses.total();
    if (total <= lost_total_) {
        return;
    }
    const std::uint64_t lost = total - lost_total_;
    lost_total_ = total;
    outdated_ = census_thread_.busy() && !health_.repairing;
    health_.repairing = true;
    repairs_wanted_ = kRepairs; // whatever it costs, the books must be settled again
    if (on_loss_) {
        on_loss_(lost);
    }
}

void Session::settle_census(const Census& census)
{
    paused_cpu_ = {};
    const auto cpu_before = thread_cpu_time();
    const SettlementReport report = settle(settlement_, census, [this] { pause(); });
    const auto cost = census.cpu + (thread_cpu_time() - cpu_before - paused_cpu_);
    ProcessTable& processes = ledger_.books().processes();
    for (const ProcessKey& key : census.exited) { // that no record told
        if (const auto id = processes.find(key)) {
            processes.at(*id).exited = true;
        }
    }
    marked_ = census.marked;
    if (believes_marks_ && !marked_) { // what has come into their hands meanwhile has no mark
        believes_marks_ = false;
        tracer_.believe_marks(kAnyCookie);
    }
    earliest_census_ = std::max(earliest_census_, census.started) + cost * kCensusShare;
    const bool quiet =
        records_since_census_ == 0 && report.drift + report.settled + report.entered == 0;
    census_period_ = quiet ? std::min<MonotonicTime>(census_period_ * 2, kQuietCensusPeriod)
                           : options_.census_period;
    next_census_ = std::max(earliest_census_, census.started + census_period_);
    health_.census_interval = next_census_ - census.started;
    missed_ = report.missed > 0 ? settlement_.missed(kMaxLooks) : std::vector<MissedSocket>();
    keep_those_that_can_be_found(missed_, census.rows);
    proving_ = report.missed > missed_.size() && !proving_;
    if (proving_) {
        next_census_ = census.finished; // at once; the one after it waits again
    }
    if ((census.mini_states & state_bit(TcpState::kTimeWait)) != 0) {
        next_minis_ = census.started + sweep_period();
        to_explain_.clear();
    }
    census_drift_ = report.drift;
    health_.drift = report.drift;
    health_.notes = census.notes;
    health_.repairing = health_.repairing && (repairs_wanted_ > 0 || !missed_.empty());
    if (census.finished >= next_trim_) {
        next_trim_ = census.finished + kTrimPeriod;
        (void)::malloc_trim(0);
    }
}

void Session::settle_looks(const Looks& looks)
{
    const SettlementReport report = settle(settlement_, looks);
    earliest_census_ += looks.cpu * kCensusShare;
    next_census_ = std::max(next_census_, earliest_census_);
    census_drift_ += report.drift;
    health_.drift = census_drift_;
    health_.repairing = repairs_wanted_ > 0;
}

/// Rarer where no mini-socket can end: then only half-open ones may come.
MonotonicTime Session::sweep_period() const
{
    const auto& minis = ledger_.books().minis_by_netns();
    const bool any =
        std::ranges::any_of(minis, [](const auto& entry) { return entry.second != StateCounts{}; });
    return any ? options_.sweep_period : std::max(options_.sweep_period, kIdleSweepPeriod);
}

void Session::start_census(MonotonicTime now)
{
    const bool repairs = repairs_wanted_ > 0;
    health_.repairing = repairs;
    repairs_wanted_ = std::max(repairs_wanted_ - 1, 0);
    records_since_census_ = 0;
    settlement_.begin(now);
    CensusRequest request;
    // Many of them are dear to list, and the kernel keeps their number: sweeps are enough then.
    const StateCounts totals = ledger_.books().totals();
    request.urgent = repairs;
    request.time_wait = !seeded() || repairs ||
                        totals[static_cast<std::size_t>(TcpState::kTimeWait)] < kManyTimeWaits;
    ledger_.books().processes().for_each([&](ProcessId, const Process& process) {
        if (!process.exited && process.key.pid != 0) {
            request.processes.push_back(process.key);
        }
    });
    census_thread_.start(std::move(request));
}

/// What a census did not list, as far as a look-up tells.
void Session::start_looks(MonotonicTime now)
{
    settlement_.begin(now);
    LookQuestion question;
    for (const MissedSocket& socket : std::exchange(missed_, {})) {
        question.netns[socket.tuple.netns_inum].push_back(socket);
    }
    census_thread_.start(std::move(question));
}

} // namespace tcpledger
