// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `report`: all of it once, on one page for a ticket.
#include "commands/audit_view.hpp"
#include "commands/churn_watch.hpp"
#include "commands/commands.hpp"
#include "commands/filter_words.hpp"
#include "commands/report_view.hpp"
#include "output/stream.hpp"
#include "session/host_names.hpp"
#include "session/session.hpp"
#include "session/snapshot.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

constexpr std::size_t kRows = 5;

using Steady = std::chrono::steady_clock;

/// "netns = 1 or netns = 2": the namespaces that the report is about; nothing for all.
Expected<std::vector<std::string>> words_for(const std::optional<std::string>& netns)
{
    std::vector<std::string> words;
    if (netns.value_or("all") == "all") {
        return words;
    }
    const Expected<NamespaceList> chosen = choose_namespaces(netns);
    if (!chosen) {
        return tl::unexpected(chosen.error());
    }
    for (const NetworkNamespace& each : chosen->namespaces) {
        words.insert(words.end(),
                     {words.empty() ? "netns" : "or netns", "=", std::to_string(each.inum)});
    }
    return words;
}

/// Traces while the report waits for its second look.
class Meanwhile {
public:
    [[nodiscard]] static Expected<std::unique_ptr<Meanwhile>>
    open(const std::optional<std::string>& netns)
    {
        const Expected<std::vector<std::string>> words = words_for(netns);
        Expected<Filter> filter =
            words ? read_ledger_filter(*words) : Expected<Filter>(tl::unexpect, words.error());
        if (!filter) {
            return tl::unexpected(filter.error());
        }
        std::unique_ptr<Meanwhile> meanwhile(new Meanwhile(*std::move(filter)));
        Expected<std::unique_ptr<Session>> session = Session::open(
            {.companions = meanwhile->watch_.companions()}, meanwhile->watch_.observer());
        if (!session) {
            return tl::unexpected(session.error());
        }
        meanwhile->session_ = *std::move(session);
        return meanwhile;
    }

    /// Until the books are whole.
    void seed()
    {
        while (!session_->seeded()) {
            session_->step(std::chrono::milliseconds(100));
        }
        session_->step(std::chrono::milliseconds(0));
        watch_.begin(*session_);
    }

    void wait(std::chrono::milliseconds interval)
    {
        const Steady::time_point end = Steady::now() + interval;
        Steady::time_point next_interval = Steady::now() + std::chrono::seconds(1);
        while (Steady::now() < end) {
            session_->step(std::chrono::milliseconds(50));
            watch_.after_step();
            if (Steady::now() >= next_interval) {
                next_interval += std::chrono::seconds(1);
                session_->begin_interval();
                watch_.after_interval();
            }
        }
        session_->step(std::chrono::milliseconds(0));
        report_ = watch_.report(kRows);
        session_.reset(); // the second look need not be traced
    }

    [[nodiscard]] std::optional<ChurnReport> report() && { return std::move(report_); }

private:
    explicit Meanwhile(Filter filter)
        : watch_(ChurnGrouping::kProcess, std::chrono::seconds(2), std::move(filter))
    {
    }

    ChurnWatch watch_;
    std::unique_ptr<Session> session_;
    std::optional<ChurnReport> report_;
};

} // namespace

ExitStatus run(const ReportOptions& options)
{
    AuditRequest request{.netns = options.netns, .interval = options.interval};
    if (const Expected<void> permitted = may_take_snapshot(); !permitted) {
        return fail(permitted.error());
    }
    Expected<std::unique_ptr<Meanwhile>> meanwhile = Meanwhile::open(options.netns);
    if (meanwhile) {
        (*meanwhile)->seed();
        request.wait = [&](std::chrono::milliseconds interval) { (*meanwhile)->wait(interval); };
    } else if (meanwhile.error().kind == ErrorKind::kUsage) {
        return fail(meanwhile.error());
    } else {
        spdlog::warn("what comes and goes is not told: {}", meanwhile.error().what);
    }
    Expected<AuditLook> look = look_twice(request);
    if (!look) {
        return fail(look.error());
    }
    for (const std::string& note : look->notes) {
        spdlog::warn("{}", note);
    }
    ReportPage page = make_report(*std::move(look), kRows);
    if (meanwhile) {
        page.churn = std::move(**meanwhile).report();
    }
    for (const std::string& note : page.inventory.notes) {
        spdlog::warn("{}", note);
    }
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    if (options.common.json) {
        JsonWriter json;
        write_json(json, page);
        stream->write_line(json.take_line());
    } else if (options.markdown) {
        stream->write(markdown_report(page));
    } else {
        const Painter painter(
            color_wanted(options.common.color, ColorEnvironment::of(STDOUT_FILENO)));
        stream->write(render_report(page, painter, page_width(STDOUT_FILENO)));
    }
    stream->close();
    const std::optional<Error> error = stream->error();
    return error ? fail(*error) : ExitStatus::kDone;
}

} // namespace tcpledger
