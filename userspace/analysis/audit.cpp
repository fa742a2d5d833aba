// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/audit.hpp"

#include "analysis/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tcpledger {

std::string_view severity_name(Severity severity) noexcept
{
    switch (severity) {
    case Severity::kInfo:
        return "info";
    case Severity::kWarning:
        return "warning";
    case Severity::kCritical:
        return "critical";
    }
    return "info";
}

std::string AuditProcess::name() const
{
    return pid == 0 ? comm : fmt::format("{}[{}]", comm, pid);
}

std::optional<std::int64_t> AuditNetns::number(std::string_view sysctl) const
{
    const auto found = sysctls.find(sysctl);
    if (found == sysctls.end()) {
        return std::nullopt;
    }
    std::int64_t number = 0;
    const char* const end = found->second.data() + found->second.size();
    const auto [stop, error] = std::from_chars(found->second.data(), end, number);
    return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

std::int64_t AuditNetns::moved(std::string_view counter) const
{
    const auto found = counters.find(counter);
    return found != counters.end() ? found->second.moved() : 0;
}

std::vector<Finding> audit(const AuditFacts& facts)
{
    std::vector<Finding> findings;
    for (const auto rule :
         {rules::listen_overflows, rules::accept_queue, rules::syn_queue, rules::syn_cookies,
          rules::descriptors, rules::ephemeral_ports, rules::close_wait, rules::syn_sent,
          rules::recv_queue, rules::udp_recv_queue, rules::fin_wait2, rules::time_wait_buckets,
          rules::orphans, rules::files, rules::keepalive, rules::wildcard}) {
        rule(facts, findings);
    }
    std::ranges::stable_sort(findings, std::ranges::greater(), &Finding::severity);
    return findings;
}

} // namespace tcpledger
