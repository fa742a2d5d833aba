// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `verify`: a live session like any other, and beside it an independent witness of the kernel,
// called again and again. The reader goes on draining while the witness looks.
#include "commands/commands.hpp"
#include "commands/signals.hpp"
#include "commands/verify_view.hpp"
#include "output/stream.hpp"
#include "session/session.hpp"
#include "verify/aside.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

namespace tcpledger {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kStep{50};
/// From one look of a check to the next.
constexpr milliseconds kLookAgain{500};

class Verification {
public:
    Verification(const VerifyOptions& options, Session& session, LineStream& stream)
        : options_(options), session_(session), stream_(stream),
          painter_(color_wanted(options.common.color, ColorEnvironment::of(STDOUT_FILENO)))
    {
    }

    void run(StopSignals& signals)
    {
        const auto end = begun_ + options_.duration;
        while (!signals.came() && !stream_.closed()) {
            session_.step(kStep, signals.fd());
            stream_.flush_if_due(Steady::now());
            if (std::optional<Witness> witness = witness_.pick_up()) {
                compare_with(*std::move(witness));
            }
            if (std::optional<Comparison> comparison = comparison_.pick_up()) {
                hear(*std::move(comparison));
            }
            const auto now = Steady::now();
            const bool over = now >= end && verdict_.checks > 0 && !verifier_.checking();
            if (witness_.under_way() || comparison_.under_way()) {
                continue;
            }
            if (over) {
                return;
            }
            if (now >= next_look_) {
                check_begun_ = verifier_.checking() ? check_begun_ : now;
                witness_.start(call_witness);
            }
        }
    }

    /// Shows the verdict; true when it is good.
    bool conclude()
    {
        end_interval();
        verdict_.lost = session_.lost_total();
        verdict_.took = Steady::now() - begun_;
        if (options_.common.json) {
            write_verdict(json_, verdict_);
            stream_.write_line(json_.take_line());
        } else {
            stream_.write(render_verdict(verdict_, last_, painter_));
        }
        return verdict_.persistent == 0 && verdict_.sums_agree;
    }

private:
    /// Forgets the processes that have ended.
    void end_interval()
    {
        verdict_.transitions += session_.ledger().counters().transitions;
        session_.begin_interval();
    }

    void compare_with(Witness witness)
    {
        for (const std::string& note : witness.notes) {
            if (notes_.insert(note).second) {
                spdlog::warn("{}", note);
            }
        }
        session_.step(milliseconds(0)); // what is older than the witness's last word
        comparison_.start([books = copy_of(session_.ledger().books()),
                           witness = std::move(witness)] { return compare(books, witness); });
    }

    void hear(Comparison comparison)
    {
        const SessionHealth& health = session_.health();
        const SettlingTimes settling = settling_times({health.sweep_interval, health.list_interval,
                                                       health.census_interval, health.repairing});
        auto result = verifier_.hear(std::move(comparison), monotonic_now(), settling);
        if (!result) {
            next_look_ = Steady::now() + kLookAgain;
            return;
        }
        next_look_ = check_begun_ + options_.every;
        end_interval();
        show(std::move(*result));
    }

    void show(CheckResult result)
    {
        const VerifyCheck check{++verdict_.checks, read_clocks().wall, std::move(result)};
        verdict_.compared += check.result.last.states_compared;
        verdict_.persistent += check.result.persistent.size();
        verdict_.sums_agree = verdict_.sums_agree && check.result.last.sums_agree;
        if (options_.common.json) {
            write_check(json_, check);
            stream_.write_line(json_.take_line());
        } else {
            stream_.write(render_check(check, painter_));
        }
        stream_.flush();
        last_ = check.result.last;
    }

    const VerifyOptions& options_;
    Session& session_;
    LineStream& stream_;
    Painter painter_;
    JsonWriter json_;
    Aside<Witness> witness_;
    Aside<Comparison> comparison_;
    Verifier verifier_;
    VerifyVerdict verdict_;
    Comparison last_;
    std::set<std::string> notes_;
    Steady::time_point begun_ = Steady::now();
    Steady::time_point check_begun_ = begun_;
    Steady::time_point next_look_ = begun_;
};

} // namespace

ExitStatus run(const VerifyOptions& options)
{
    StopSignals signals;
    // Somebody who observes each transition wants those too that interrupt the program.
    Expected<std::unique_ptr<Session>> opened = Session::open(
        {options.common.ring_bytes, options.common.hooks}, [](const AppliedTransition&) {});
    if (!opened) {
        return fail(opened.error());
    }
    Session& session = **opened;
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO);
    if (!stream) {
        return fail(stream.error());
    }
    while (!session.seeded() && !signals.came()) {
        session.step(kStep, signals.fd());
    }
    for (const std::string& note : session.health().notes) {
        spdlog::warn("{}", note);
    }
    Verification verification(options, session, *stream);
    verification.run(signals);
    const bool good = verification.conclude();
    stream->close();
    if (stream->error()) {
        return fail(*stream->error());
    }
    return good ? ExitStatus::kDone : ExitStatus::kFinding;
}

} // namespace tcpledger
