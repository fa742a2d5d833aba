// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One finding of the audit, as a person or a program reads it.
#pragma once

#include "analysis/facts.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpledger {

enum class Severity {
    kInfo,     ///< good to know; nothing suffers
    kWarning,  ///< something suffers if it goes on
    kCritical, ///< something suffers now
};

/// "info", "warning", "critical".
[[nodiscard]] std::string_view severity_name(Severity severity) noexcept;

/// What can be done. Empty texts do not apply.
struct Advice {
    std::string action;   ///< in words
    std::string sysctl;   ///< "net.core.somaxconn"
    std::string present;  ///< its value
    std::string proposed; ///< its value to be
    std::string why;      ///< which of these figures ask for it
    std::string risk;
    std::string command;
};

struct Finding {
    std::string id; ///< "close_wait": see docs/audit.md
    Severity severity = Severity::kInfo;
    std::string title;                                         ///< raw bytes, as all texts
    std::optional<std::uint32_t> netns;                        ///< inode number
    std::optional<AuditProcess> process;                       ///< whose it is
    std::optional<Endpoint> local;                             ///< of the listener
    std::optional<Endpoint> remote;                            ///< whom it concerns
    std::vector<std::pair<std::string, std::int64_t>> numbers; ///< the evidence for programs
    std::string evidence;                                      ///< the evidence for people
    std::string meaning;
    std::vector<Advice> advice;
};

} // namespace tcpledger
