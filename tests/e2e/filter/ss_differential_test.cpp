// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The same filters asked of the installed ss and of ours, over real sockets: the same rows, or
// a difference that is listed here with its reason. Ours are asked twice, with what the kernel
// can decide and without. Needs root and ss, else it is skipped.
#include "filter/inet_diag_bytecode.hpp"
#include "filter/parser.hpp"
#include "netlink/sock_diag.hpp"
#include "sockets.hpp"

#include <gtest/gtest.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

namespace tcpledger {
namespace {

using Cookies = std::multiset<std::uint64_t>;

constexpr std::uint32_t kStatesOfSs = 0xfff; ///< ss 6.1 does not ask for bound-inactive ones

/// What both must select alike.
constexpr const char* kSame[] = {
#include "same_as_ss.inc"
};

enum class Why {
    kSsRefuses,     ///< our grammar has it, ss's does not
    kWeRefuse,      ///< ss takes it and does something nobody means
    kSsFromTheLeft, ///< ss does not rank and above or
    kOtherRows,     ///< ss's reading, spelled out beside it, is another
};

struct Difference {
    const char* expression;
    Why why;
};

constexpr Difference kDifferent[] = {
    {"sport=:80", Why::kSsRefuses},
    {"(sport = :80)", Why::kSsRefuses},
    {"!sport = :80", Why::kSsRefuses},
    {"sport = :80&&dport = :1024", Why::kSsRefuses},
    {"dst != 10.1.2.3", Why::kSsRefuses},
    {"src ne 10.1.2.3", Why::kSsRefuses},
    {"src ::1", Why::kSsRefuses},
    {"src 2001:db8::1", Why::kSsRefuses},
    {"src [2001:db8::]/32", Why::kSsRefuses},
    {"src ::ffff:10.1.2.3", Why::kSsRefuses},
    {"state listen", Why::kSsRefuses},
    {"state estab", Why::kSsRefuses},
    {"state FIN_WAIT1", Why::kSsRefuses},
    {"state established and dport = :80", Why::kSsRefuses},
    {"uid = 0", Why::kSsRefuses},
    {"comm = nginx", Why::kSsRefuses},
    {"age > 60s", Why::kSsRefuses},
    {"unaccepted", Why::kSsRefuses},
    {"sport > :*", Why::kWeRefuse},     // ss: none
    {"sport = :70000", Why::kWeRefuse}, // ss: none
    {"sport = :0120", Why::kWeRefuse},  // ss: octal, 80
    {"src *80", Why::kWeRefuse},        // ss: port 80
    {"src [::1]443", Why::kWeRefuse},   // ss: port 443
    {"sport = *:80", Why::kWeRefuse},   // ss: any port
    {"src 0x0a.1.2.3", Why::kWeRefuse}, // ss: 10.1.2.3
    {"src 012.1.2.3", Why::kWeRefuse},  // ss: 10.1.2.3
    {"exclude all", Why::kWeRefuse},    // ss: its default states
    {"dport = :80 or sport = :80 and src 127.0.0.1", Why::kSsFromTheLeft},
    {"dport = :80 or sport = :80 src 127.0.0.1", Why::kSsFromTheLeft},
    {"not sport = :80 or sport = :80 and dport = :1024", Why::kSsFromTheLeft},
};

Names host_names()
{
    Names names;
    names.service_port = [](std::string_view name) -> std::optional<std::uint16_t> {
        const servent* entry = ::getservbyname(std::string(name).c_str(), "tcp");
        return entry ? std::optional(ntohs(static_cast<std::uint16_t>(entry->s_port)))
                     : std::nullopt;
    };
    names.interface_index = [](std::string_view name) -> std::optional<std::uint32_t> {
        const unsigned index = ::if_nametoindex(std::string(name).c_str());
        return index != 0 ? std::optional(index) : std::nullopt;
    };
    return names;
}

std::vector<std::string> words_of(const std::string& expression)
{
    std::istringstream stream(expression);
    return {std::istream_iterator<std::string>(stream), {}};
}

struct Range {
    unsigned first = 0;
    unsigned last = 0;
};

Range local_port_range()
{
    Range range;
    std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> range.first >> range.last;
    return range;
}

SocketView view_of(const SocketRow& row, const Range& ephemeral)
{
    SocketView view;
    view.tuple = row.tuple;
    view.family = row.family;
    view.state = row.state;
    view.inode = row.inode;
    view.uid = row.uid;
    view.mark = row.mark;
    view.interface_index = row.interface_index;
    view.cookie = row.cookie;
    view.cgroup_id = row.cgroup_id;
    const unsigned port = row.tuple.local.port;
    view.autobound = port >= ephemeral.first && port <= ephemeral.last;
    return view;
}

class SsDifferential : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        static test::SocketPopulation population;
        // NOLINTNEXTLINE(cert-env33-c): a fixed command
        if (::system("ss -V >/dev/null 2>&1") != 0 || !population.make()) {
            return;
        }
        is_ready = true;
        ASSERT_EQ(population.failure(), "");
    }

    void SetUp() override
    {
        if (!is_ready) {
            GTEST_SKIP() << "needs root (a network namespace) and ss";
        }
    }

    /// Cookies of the rows; nothing when ss refuses.
    static std::optional<Cookies> ask_ss(const std::string& expression)
    {
        return ask_program("ss -Hnaetu", expression);
    }

    /// The same of `tcpledger list` with the same letters.
    static std::optional<Cookies> ask_list(const std::string& expression)
    {
        return ask_program(TCPLEDGER_BINARY " list -N self -Hnaetu", expression);
    }

    static std::optional<Cookies> ask_program(std::string command, const std::string& expression)
    {
        for (const std::string& word : words_of(expression)) {
            command += " '" + word + "'";
        }
        // NOLINTNEXTLINE(cert-env33-c): the words are this file's own, in quotes
        FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
        std::string output;
        std::array<char, 4096> buffer{};
        while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
            output.append(buffer.data(), size);
        }
        if (::pclose(pipe) != 0) {
            return std::nullopt;
        }
        Cookies cookies;
        for (std::size_t at = output.find(" sk:"); at != std::string::npos;
             at = output.find(" sk:", at + 1)) {
            cookies.insert(std::stoull(output.substr(at + 4), nullptr, 16));
        }
        return cookies;
    }

    static Cookies ask_us(const Filter& filter, bool in_kernel)
    {
        static const Range ephemeral = local_port_range();
        const InetDiagFilter compiled =
            in_kernel ? compile_inet_diag(filter, {{}, true, true}) : InetDiagFilter{};
        auto diag = SockDiag::open(-1, 0);
        EXPECT_TRUE(diag) << diag.error().message();
        std::vector<SocketRow> rows;
        for (const std::uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
            DumpRequest request;
            request.protocol = protocol;
            request.state_mask = compiled.states & kStatesOfSs;
            request.filter = std::as_bytes(std::span(compiled.bytecode));
            const auto dumped = diag->dump(request, rows);
            EXPECT_TRUE(dumped) << dumped.error().message();
        }
        Cookies cookies;
        for (const SocketRow& row : rows) {
            if (!compiled.selects_nothing && filter.matches(view_of(row, ephemeral))) {
                cookies.insert(row.cookie);
            }
        }
        return cookies;
    }

    static Expected<Filter> read(const std::string& expression)
    {
        return parse_filter(words_of(expression), host_names());
    }

    static inline bool is_ready = false;
};

TEST_F(SsDifferential, ThePopulationHasEveryStateThatCanBeHeld)
{
    for (const char* state : {"established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2",
                              "time-wait", "closed", "close-wait", "last-ack", "listening"}) {
        const auto rows = ask_ss(std::string("state ") + state);
        EXPECT_FALSE(rows.value_or(Cookies{}).empty()) << state;
    }
    for (const char* expression : {"src [::ffff:10.1.2.3]", "src [2001:db8::1]", "dev = lo",
                                   "fwmark = 0x11", "autobound", "not autobound"}) {
        EXPECT_FALSE(ask_ss(expression).value_or(Cookies{}).empty()) << expression;
    }
}

TEST_F(SsDifferential, SelectsTheSameRows)
{
    std::size_t selective = 0;
    const std::size_t everything = ask_ss("").value_or(Cookies{}).size();
    for (const std::string expression : kSame) {
        const auto filter = read(expression);
        if (!filter) {
            ADD_FAILURE() << filter.error().message();
            continue;
        }
        EXPECT_TRUE(filter->warnings().empty()) << expression;
        std::optional<Cookies> theirs;
        Cookies ours;
        for (int attempt = 0; attempt < 3; ++attempt) { // a timer may fire between the two
            theirs = ask_ss(expression);
            ours = ask_us(*filter, true);
            if (theirs == ours) {
                break;
            }
        }
        if (!theirs) {
            ADD_FAILURE() << "ss refuses " << expression;
            continue;
        }
        EXPECT_EQ(ours, *theirs) << expression;
        selective += !theirs->empty() && theirs->size() < everything ? 1U : 0U;
    }
    EXPECT_GE(std::size(kSame), 200U);
    EXPECT_GT(selective, std::size(kSame) / 2); // else the population is too poor
}

TEST_F(SsDifferential, TheKernelsPartChangesNothing)
{
    for (const std::string expression : kSame) {
        if (expression.find("autobound") != std::string::npos) {
            continue; // the kernel knows who chose the port; a port's number tells less
        }
        const auto filter = read(expression);
        ASSERT_TRUE(filter);
        Cookies selected;
        Cookies matching;
        for (int attempt = 0; attempt < 3; ++attempt) { // a timer may fire between the two
            selected = ask_us(*filter, true);
            matching = ask_us(*filter, false);
            if (selected == matching) {
                break;
            }
        }
        EXPECT_EQ(selected, matching) << expression;
    }
}

/// Of the expressions that the command is asked: a sanitized one takes long to start.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kCommandStride = 7;
#else
constexpr std::size_t kCommandStride = 1;
#endif

TEST_F(SsDifferential, TheCommandSelectsTheSameRows)
{
    for (std::size_t at = 0; at < std::size(kSame); at += kCommandStride) {
        const std::string expression = kSame[at];
        std::optional<Cookies> theirs;
        std::optional<Cookies> ours;
        for (int attempt = 0; attempt < 3; ++attempt) { // a timer may fire between the two
            theirs = ask_ss(expression);
            ours = ask_list(expression);
            if (theirs == ours) {
                break;
            }
        }
        EXPECT_TRUE(ours) << "list refuses " << expression;
        EXPECT_EQ(ours, theirs) << expression;
    }
}

TEST_F(SsDifferential, DifferencesAreTheListedOnes)
{
    for (const Difference& difference : kDifferent) {
        const auto filter = read(difference.expression);
        const auto theirs = ask_ss(difference.expression);
        EXPECT_EQ(filter.has_value(), difference.why != Why::kWeRefuse) << difference.expression;
        EXPECT_EQ(theirs.has_value(), difference.why != Why::kSsRefuses) << difference.expression;
        if (!filter || !theirs) {
            continue;
        }
        EXPECT_NE(ask_us(*filter, true), *theirs) << difference.expression;
        EXPECT_EQ(filter->warnings().empty(), difference.why != Why::kSsFromTheLeft)
            << difference.expression;
    }
}

TEST_F(SsDifferential, WhatSsRefusesForGoodReasonWeRefuseToo)
{
    for (const char* expression : {"foo",
                                   "sport = nosuchservice",
                                   "sport",
                                   "sport =",
                                   "( sport = :80",
                                   "sport = :80 )",
                                   "or sport = :80",
                                   "sport = :80 or",
                                   "sport = :80 = :81",
                                   "autobound = 1",
                                   "state foo",
                                   "state",
                                   "state established or dport = :80",
                                   "dport = :80 state established",
                                   "src 10.0.0.0/33",
                                   "src unix",
                                   "src 10.1.2.256",
                                   "dev nosuchdevice",
                                   "fwmark x",
                                   "src > 10.1.2.3",
                                   "established",
                                   "not",
                                   "( )",
                                   "sport = 80,81"}) {
        EXPECT_FALSE(read(expression)) << expression;
        EXPECT_FALSE(ask_ss(expression)) << expression;
    }
}

} // namespace
} // namespace tcpledger
