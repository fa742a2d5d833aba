// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/leaks_view.hpp"

#include "commands/stack_view.hpp"
#include "output/format.hpp"
#include "output/wrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace tcpledger {
namespace {

constexpr std::size_t kShownNumbers = 12;
constexpr std::size_t kShownNames = 5;

std::string plural(std::uint64_t number, std::string_view one)
{
    return fmt::format("{} {}{}", format_count(number), one, number == 1 ? "" : "s");
}

std::string name_of(const DescribedSuspect& described, const ProcessKey& process)
{
    if (process.pid == 0) {
        return "[unknown]";
    }
    const auto found = described.names.find(process);
    return fmt::format("{}[{}]", found != described.names.end() ? found->second : "?", process.pid);
}

std::string age_text(const LeakAge& age)
{
    if (age.estimate) {
        return fmt::format("about {}", format_duration(*age.estimate));
    }
    return format_age(age.age, age.is_lower_bound);
}

/// "to 10.0.0.5:5432", "on its port 8080".
std::string peer_text(const LeakSuspect& suspect)
{
    const LeakPeer& peer = suspect.key.peer;
    return peer.passive ? fmt::format("on its port {}", peer.endpoint.port)
                        : "to " + peer.endpoint.text();
}

std::string holders_text(const DescribedSuspect& described)
{
    const std::size_t others = described.suspect.holders.size();
    std::string text = name_of(described, described.process);
    return others > 1 ? fmt::format("{} and {} more", text, others - 1) : text;
}

/// Who has what.
std::string subject_text(const DescribedSuspect& described)
{
    const LeakSuspect& suspect = described.suspect;
    std::string who = name_of(described, described.process);
    const std::string peer = peer_text(suspect);
    const std::string count = format_count(suspect.count);
    switch (suspect.key.kind) {
    case LeakKind::kCloseWait:
        return fmt::format("{} holds {} CLOSE_WAIT {}", who, count, peer);
    case LeakKind::kUnaccepted:
        return fmt::format("{} leaves {} unaccepted {}", who, plural(suspect.count, "connection"),
                           peer);
    case LeakKind::kInherited:
        return fmt::format(
            "{} alone hold{} {} {} that {} opened and has let go", holders_text(described),
            suspect.holders.size() > 1 ? "" : "s", plural(suspect.count, "connection"),
            suspect.key.peer.passive ? fmt::format("on port {}", suspect.key.peer.endpoint.port)
                                     : peer,
            name_of(described, suspect.key.process));
    case LeakKind::kIdle:
        return fmt::format("{} holds {} ESTABLISHED {} that it has not used for {} or longer", who,
                           count, peer, format_duration(suspect.patience));
    case LeakKind::kFinWait2:
        return fmt::format("{} has {} FIN_WAIT2 {}, whose peer does not close", who, count, peer);
    case LeakKind::kSynSent:
        return fmt::format("{} has {} SYN_SENT {}, which never answers", who, count, peer);
    }
    return who;
}

std::string growth_text(const LeakSuspect& suspect)
{
    if (!suspect.growth_per_min) {
        return {};
    }
    const double growth = *suspect.growth_per_min;
    const std::string figure =
        std::abs(growth) >= 10.0 ? fmt::format("{:+.0f}", growth) : fmt::format("{:+.1f}", growth);
    return fmt::format("; {}/min over the last {}, {} closed", figure,
                       format_duration(suspect.growth_over),
                       suspect.closed == 0 ? "none" : format_count(suspect.closed));
}

std::string forecast_text(const DescribedSuspect& described)
{
    const auto left = until_exhausted(described);
    return left && described.fd_limit
               ? fmt::format("; at this rate its {} descriptors are gone in {}",
                             format_count(*described.fd_limit), format_duration(*left))
               : std::string();
}

/// What the kind means, and which wait was too long.
std::string meaning_text(const LeakSuspect& suspect)
{
    std::string text;
    switch (suspect.key.kind) {
    case LeakKind::kCloseWait:
        text = "closed by the peer, never closed here";
        break;
    case LeakKind::kUnaccepted:
        text = "established, but the program does not accept";
        break;
    case LeakKind::kInherited:
        text = "a child has inherited them and does not close";
        break;
    case LeakKind::kIdle:
        text = "new ones are opened, the old ones neither used nor closed";
        break;
    case LeakKind::kFinWait2:
        text = "closed here; the peer holds its end open";
        break;
    case LeakKind::kSynSent:
        text = "no connect() to there was answered";
        break;
    }
    text += fmt::format("; {} waited {} or longer", format_count(suspect.stuck),
                        format_duration(suspect.patience));
    if (suspect.longest_wait) {
        text += fmt::format(", the longest wait that ended was {}",
                            format_duration(*suspect.longest_wait));
    }
    return text;
}

std::string ages_text(const LeakSuspect& suspect)
{
    std::string text =
        fmt::format("oldest {}, median {}", age_text(suspect.oldest), age_text(suspect.median));
    if (suspect.older_count > 0 && suspect.key.kind != LeakKind::kIdle) {
        text += fmt::format("; {} older than this view (> lower bound, about: by the last segment)",
                            format_count(suspect.older_count));
    }
    return text;
}

std::string unread_text(const LeakSuspect& suspect)
{
    if (suspect.unread_bytes == 0 && suspect.unread_ends == 0) {
        return {};
    }
    std::string text = format_bytes(suspect.unread_bytes);
    if (suspect.unread_ends > 0) {
        text += fmt::format("; {} of {} never read the end of the stream",
                            format_count(suspect.unread_ends), format_count(suspect.stuck));
    }
    return text;
}

std::string descriptors_text(const DescribedSuspect& described)
{
    std::string text =
        fmt::format("{} of {} in use", described.fds_used ? format_count(*described.fds_used) : "?",
                    described.fd_limit ? format_count(*described.fd_limit) : "?");
    const std::vector<std::uint32_t>& fds = described.suspect.fds;
    for (std::size_t at = 0; at < std::min(fds.size(), kShownNumbers); ++at) {
        text += fmt::format("{}{}", at == 0 ? "; numbers " : ", ", fds[at]);
    }
    return text + (fds.size() > kShownNumbers ? ", …" : "");
}

std::string remotes_text(const LeakSuspect& suspect)
{
    std::vector<std::pair<std::uint32_t, Endpoint>> most;
    most.reserve(suspect.remotes.size());
    for (const auto& [remote, count] : suspect.remotes) {
        most.emplace_back(count, remote);
    }
    std::ranges::stable_sort(most, std::ranges::greater(),
                             &std::pair<std::uint32_t, Endpoint>::first);
    std::string text;
    for (std::size_t at = 0; at < std::min(most.size(), kShownNames); ++at) {
        const auto& [count, remote] = most[at];
        text += fmt::format("{}{} ({})", at == 0 ? "" : ", ",
                            remote.port != 0 ? remote.text() : remote.address.text(),
                            format_count(count));
    }
    return text + (most.size() > kShownNames
                       ? fmt::format(", {} more", format_count(most.size() - kShownNames))
                       : "");
}

std::string all_holders_text(const DescribedSuspect& described)
{
    std::string text;
    std::size_t shown = 0;
    for (const auto& [process, count] : described.suspect.holders) {
        if (shown++ == kShownNames) {
            return text + fmt::format(", {} more", described.suspect.holders.size() - kShownNames);
        }
        text += fmt::format("{}{} ({})", shown == 1 ? "" : ", ", name_of(described, process),
                            format_count(count));
    }
    return text;
}

std::string render_suspect(const DescribedSuspect& described, const Painter& painter,
                           std::size_t width)
{
    const LeakSuspect& suspect = described.suspect;
    const bool leak = suspect.judgement.verdict == LeakVerdict::kLeak;
    const std::string sentence = wrap(leak_sentence(described), "", width);
    const std::size_t head = sentence.find(':');
    std::string text =
        painter.paint(sentence.substr(0, head), leak ? Style::kBad : Style::kWarning) +
        sentence.substr(head);
    text += wrap(meaning_text(suspect), "  why        ", width);
    text += wrap(ages_text(suspect), "  ages       ", width);
    text += wrap(unread_text(suspect), "  unread     ", width);
    text += wrap(remotes_text(suspect),
                 suspect.key.peer.passive ? "  from       " : "  to         ", width);
    if (suspect.takes_descriptors) {
        text += wrap(descriptors_text(described), "  fds        ", width);
        text += wrap(all_holders_text(described), "  holders    ", width);
    }
    text += wrap(described.container, "  container  ", width);
    return text + render_stacks(described.stacks, described.tally.without, "  opened     ", width);
}

std::string summary(const LeaksReport& report)
{
    const auto leaks = std::ranges::count_if(report.suspects, [](const DescribedSuspect& each) {
        return each.suspect.judgement.verdict == LeakVerdict::kLeak;
    });
    const std::size_t suspects = report.suspects.size() - static_cast<std::size_t>(leaks);
    std::string text = "no leak suspect";
    if (!report.suspects.empty()) {
        text = fmt::format("{}, {}", plural(static_cast<std::uint64_t>(leaks), "leak"),
                           plural(suspects, "suspect"));
    }
    text += fmt::format(" in {}; {} looked at {} times", format_duration(report.observed),
                        plural(report.connections, "open connection"), report.looks);
    if (report.lost > 0) {
        text += fmt::format("; {} events lost", format_count(report.lost));
    }
    return text;
}

} // namespace

std::optional<LeakTime> until_exhausted(const DescribedSuspect& described)
{
    if (!described.fds_used || !described.fd_limit) {
        return std::nullopt;
    }
    const std::uint64_t left =
        *described.fd_limit - std::min(*described.fds_used, *described.fd_limit);
    return described.suspect.until_exhausted(left);
}

std::string leak_sentence(const DescribedSuspect& described)
{
    const LeakSuspect& suspect = described.suspect;
    return fmt::format("{} ({}): {}, the oldest {}{}{}",
                       leak_verdict_name(suspect.judgement.verdict),
                       leak_confidence_name(suspect.judgement.confidence), subject_text(described),
                       age_text(suspect.oldest), growth_text(suspect), forecast_text(described));
}

std::string render_text(const LeaksReport& report, const Painter& painter, std::size_t width)
{
    std::string text;
    for (const DescribedSuspect& described : report.suspects) {
        text += render_suspect(described, painter, width) + "\n";
    }
    return text + wrap(summary(report), "", width);
}

} // namespace tcpledger
