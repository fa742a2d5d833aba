// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A host of facts to judge: one namespace, one process, and as many sockets as a test wants.
#pragma once

#include "analysis/audit.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tcpledger::test {

using namespace std::chrono_literals;

inline IpAddress ip(const char* text)
{
    in_addr address{};
    EXPECT_EQ(::inet_pton(AF_INET, text, &address), 1) << text;
    return IpAddress::from_ipv4_be(address.s_addr);
}

struct World {
    AuditFacts facts;

    World()
    {
        facts.interval = 2000ms;
        AuditNetns& netns = facts.netns.emplace_back();
        netns.inum = 4026531840U;
        netns.own = true;
        netns.sysctls = {{"net.core.somaxconn", "4096"},
                         {"net.ipv4.ip_local_port_range", "32768\t60999"},
                         {"net.ipv4.ip_local_reserved_ports", ""},
                         {"net.ipv4.ip_unprivileged_port_start", "1024"},
                         {"net.ipv4.tcp_abort_on_overflow", "0"},
                         {"net.ipv4.tcp_fin_timeout", "60"},
                         {"net.ipv4.tcp_keepalive_time", "7200"},
                         {"net.ipv4.tcp_max_syn_backlog", "512"},
                         {"net.ipv4.tcp_max_tw_buckets", "16384"},
                         {"net.ipv4.tcp_syncookies", "1"},
                         {"net.ipv4.tcp_timestamps", "1"},
                         {"net.ipv4.tcp_tw_reuse", "2"}};
        AuditProcess& process = facts.processes.emplace_back();
        process.pid = 812;
        process.comm = "shop";
        process.command_line = "/usr/bin/shop --serve";
        process.running_for = 3h;
        process.descriptors_used = 30;
        process.descriptor_limit = 1024;
        process.descriptor_limit_hard = 4096;
    }

    AuditNetns& netns() { return facts.netns.front(); }
    AuditProcess& process() { return facts.processes.front(); }
    void set(const char* sysctl, const std::string& text) { netns().sysctls[sysctl] = text; }
    void moved(const char* counter, std::int64_t by)
    {
        netns().counters[counter] = {100, 100 + by};
    }

    /// A socket of the process, from an own port each, towards 10.0.0.2:443.
    AuditSocket& add(TcpState state)
    {
        AuditSocket& socket = facts.sockets.emplace_back();
        socket.tuple = {4026531840U,
                        {ip("10.0.0.1"), static_cast<std::uint16_t>(40000 + facts.sockets.size())},
                        {ip("10.0.0.2"), 443}};
        socket.state = state;
        socket.process = 0;
        socket.held = true;
        socket.since_segment = 0ms;
        socket.since_data_came = 0ms;
        socket.since_data_went = 0ms;
        return socket;
    }
    AuditSocket& listener(std::uint32_t limit)
    {
        AuditSocket& socket = add(TcpState::kListen);
        socket.tuple.local = {ip("10.0.0.1"), 80};
        socket.tuple.remote = {};
        socket.send_queue = limit;
        socket.recv_queue_before = 0;
        return socket;
    }
    void add_many(std::size_t count, TcpState state, std::chrono::milliseconds since)
    {
        for (std::size_t at = 0; at < count; ++at) {
            AuditSocket& socket = add(state);
            socket.since_segment = socket.since_data_came = socket.since_data_went = since;
        }
    }

    [[nodiscard]] std::vector<Finding> judged() const { return audit(facts); }
    [[nodiscard]] std::string ids() const
    {
        std::string all;
        for (const Finding& finding : judged()) {
            all += (all.empty() ? "" : " ") + finding.id + ":" +
                   std::string(severity_name(finding.severity));
        }
        return all;
    }
    /// The only one.
    [[nodiscard]] Finding finding() const
    {
        const std::vector<Finding> all = judged();
        EXPECT_EQ(all.size(), 1U) << ids();
        return all.empty() ? Finding{} : all.front();
    }
};

inline std::int64_t number(const Finding& finding, std::string_view name)
{
    for (const auto& [key, value] : finding.numbers) {
        if (key == name) {
            return value;
        }
    }
    ADD_FAILURE() << finding.id << " has no number " << name;
    return -1;
}

/// The advice on this sysctl; with an empty command where there is none.
inline Advice advice_on(const Finding& finding, std::string_view sysctl)
{
    const auto found = std::ranges::find(finding.advice, sysctl, &Advice::sysctl);
    return found != finding.advice.end() ? *found : Advice{};
}

} // namespace tcpledger::test
