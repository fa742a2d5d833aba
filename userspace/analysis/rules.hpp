// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The audit's rules: each appends what it finds. For audit() alone.
#pragma once

#include "analysis/facts.hpp"
#include "analysis/finding.hpp"

#include <vector>

namespace tcpledger::rules {

using Findings = std::vector<Finding>;

void close_wait(const AuditFacts& facts, Findings& findings);
void fin_wait2(const AuditFacts& facts, Findings& findings);
void orphans(const AuditFacts& facts, Findings& findings);

void ephemeral_ports(const AuditFacts& facts, Findings& findings);
void time_wait_buckets(const AuditFacts& facts, Findings& findings);

void syn_queue(const AuditFacts& facts, Findings& findings);
void syn_cookies(const AuditFacts& facts, Findings& findings);
void accept_queue(const AuditFacts& facts, Findings& findings);
void listen_overflows(const AuditFacts& facts, Findings& findings);

void syn_sent(const AuditFacts& facts, Findings& findings);
void recv_queue(const AuditFacts& facts, Findings& findings);
void udp_recv_queue(const AuditFacts& facts, Findings& findings);
void keepalive(const AuditFacts& facts, Findings& findings);
void wildcard(const AuditFacts& facts, Findings& findings);

void descriptors(const AuditFacts& facts, Findings& findings);
void files(const AuditFacts& facts, Findings& findings);

} // namespace tcpledger::rules
