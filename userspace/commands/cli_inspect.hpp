// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The part of the command line that looks at the host's health: listen, audit, report.
#pragma once

#include "commands/options.hpp"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace tcpledger {

/// Lives while CLI11 parses: the options as typed are in it.
class InspectionCli {
public:
    explicit InspectionCli(CLI::App& app);
    InspectionCli(const InspectionCli&) = delete;
    InspectionCli& operator=(const InspectionCli&) = delete;

    /// The command of these that was on the command line, if one was.
    [[nodiscard]] std::optional<Command> parsed() const;

private:
    void add_listen(CLI::App& app);
    void add_audit(CLI::App& app);
    void add_report(CLI::App& app);
    void add_common(CLI::App& command);
    [[nodiscard]] CommonOptions common() const;

    bool json_ = false;
    std::string color_ = "auto";
    ListenOptions listen_;
    const CLI::App* listen_app_ = nullptr;
    AuditOptions audit_;
    std::string fail_on_;
    double interval_s_ = 2.0;
    const CLI::App* audit_app_ = nullptr;
    ReportOptions report_;
    const CLI::App* report_app_ = nullptr;
};

} // namespace tcpledger
