// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What each expression selects from the fixed population; the letters are worked out by hand.
#include "population.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

struct Case {
    const char* expression;
    const char* letters;
};

constexpr Case kStates[] = {
    {"state established", "cdefn"},
    {"state ESTABLISHED", "cdefn"},
    {"state estab", "cdefn"},
    {"state listening", "ab"},
    {"state listen", "ab"},
    {"state time-wait", "g"},
    {"state TIME_WAIT", "g"},
    {"state close-wait", "h"},
    {"state syn-sent", "i"},
    {"state syn-recv", "j"},
    {"state syn-rcv", "j"},
    {"state SYN_RECV", "j"},
    {"state fin-wait-1", ""},
    {"state fin-wait-2", "k"},
    {"state FIN_WAIT2", "k"},
    {"state last-ack", "o"},
    {"state closing", "p"},
    {"state closed", "lm"},
    {"state close", "lm"},
    {"state unconn", "lm"},
    {"state unconnected", "lm"},
    {"state bound-inactive", "m"},
    {"state all", "abcdefghijklmnop"},
    {"state connected", "cdefghijknop"},
    {"state synchronized", "cdefghjknop"},
    {"state bucket", "gj"},
    {"state big", "abcdefhiklmnop"},
    {"state established state time-wait", "cdefgn"},
    {"exclude established", "abghijklmop"},
    {"excl listening", "cdefghijklmnop"},
    {"exclude established exclude listening", "ghijklmop"},
    {"exclude all state time-wait", nullptr}, // an error: nothing is left after the first
    {"state connected exclude established", "ghijkop"},
    {"exclude connected state syn-sent", "abilm"},
    {"state established dport = :443", "ef"},
    {"state established and dport = :443", "ef"},
    {"state established && dport = :443", "ef"},
    {"state established ( dport = :443 or sport = :443 )", "def"},
    {"state time-wait not dport = :443", "g"},
    {"state all sport = :80", "acjno"},
    {"exclude listening sport = :80", "cjno"},
};

constexpr Case kPorts[] = {
    {"sport = :80", "acjno"},
    {"sport == :80", "acjno"},
    {"sport eq :80", "acjno"},
    {"sport :80", "acjno"},
    {"sport 80", "acjno"},
    {"sport = 80", "acjno"},
    {"sport = http", "acjno"},
    {"sport = :http", "acjno"},
    {"sport = 0x50", "acjno"},
    {"sport=:80", "acjno"},
    {"sport=80", "acjno"},
    {"sport==80", "acjno"},
    {"sport= :80", "acjno"},
    {"sport =:80", "acjno"},
    {"  sport\t=\n:80  ", "acjno"},
    {"sport = :x-y_z", ""},
    {"dport = :x-y_z", "g"},
    {"sport != :80", "bdefghiklmp"},
    {"sport ne :80", "bdefghiklmp"},
    {"sport neq 80", "bdefghiklmp"},
    {"sport!=80", "bdefghiklmp"},
    {"not sport = :80", "bdefghiklmp"},
    {"! sport = :80", "bdefghiklmp"},
    {"!sport = :80", "bdefghiklmp"},
    {"!sport!=:80", "acjno"},
    {"sport > :8080", "efgikp"},
    {"sport gt 8080", "efgikp"},
    {"sport>8080", "efgikp"},
    {"sport >= :8080", "efghikp"},
    {"sport ge :8080", "efghikp"},
    {"sport geq :8080", "efghikp"},
    {"sport>=:8080", "efghikp"},
    {"sport < :443", "acjlno"},
    {"sport lt :443", "acjlno"},
    {"sport <= :443", "abcdjlno"},
    {"sport le :443", "abcdjlno"},
    {"sport leq :https", "abcdjlno"},
    {"dport = :443", "ef"},
    {"dport = :0", "ablm"},
    {"dport > :1024", "cdghkno"},
    {"dport >= :1024", "cdghjkno"},
    {"dport < :22", "ablmp"},
    {"dport <= :22", "abilmp"},
    {"dport != :0", "cdefghijknop"},
    {"sport <= :65535", "abcdefghijklmnop"},
    {"sport >= :65535", "p"},
    {"sport > :65535", ""},
    {"sport < :0", ""},
    {"sport >= :0", "abcdefghijklmnop"},
    {"sport = *", "abcdefghijklmnop"},
    {"sport = :*", "abcdefghijklmnop"},
    {"sport = :", "abcdefghijklmnop"},
    {"sport != *", ""},
    {"sport = inet:443", ""},
    {"sport = inet6:443", "bd"},
    {"sport = inet6::443", "bd"},
    {"sport = inet:80", "acjno"},
    {"sport >= inet6:8443", "fk"},
    {"sport = inet6:*", "bdfk"},
};

constexpr Case kHosts[] = {
    {"dst 10.0.0.2", "co"},
    {"dst = 10.0.0.2", "co"},
    {"dst eq 10.0.0.2", "co"},
    {"dst=10.0.0.2", "co"},
    {"dst != 10.0.0.2", "abdefghijklmnp"},
    {"not dst 10.0.0.2", "abdefghijklmnp"},
    {"dst 10.0.0.2:40000", "c"},
    {"dst 10.0.0.2:*", "co"},
    {"dst 10.0.0.2:", "co"},
    {"dst 10.0.0.0/8", "cgino"},
    {"dst 10.0.0.0/8:22", "i"},
    {"dst 10/8", "cgino"},
    {"dst 10.0/16", "cno"},
    {"dst 10.0.0.0/255.0.0.0", "cgino"},
    {"dst 10.0.0.0/0xff", nullptr},
    {"dst 10.0.0.2/31", "cno"},
    {"dst 10.0.0.3/31", "cno"},
    {"dst 10.0.0.2/32", "co"},
    {"dst 10.0.0.0/29", "cno"},
    {"dst 10.0.0.4/30", ""},
    {"dst 192.168.0.0/16", "d"},
    {"dst 0.0.0.0/0", "acdeghijlmnop"},
    {"dst 0.0.0.0/1", "acehgilmno"},
    {"dst 128.0.0.0/1", "djp"},
    {"dst 0.0.0.0", "alm"},
    {"src 0.0.0.0", "al"},
    {"src 10.0.0.1", "cdegijn"},
    {"src 10.0.0.1:80", "cjn"},
    {"src 10.0.0.1:http", "cjn"},
    {"src 10.0.0.1:443", "d"},
    {"src 10.0.0.1:x-y_z", ""},
    {"src :80", "acjno"},
    {"src *:80", "acjno"},
    {"src any:80", "acjno"},
    {"src *", "abcdefghijklmnop"},
    {"src *:*", "abcdefghijklmnop"},
    {"src any", "abcdefghijklmnop"},
    {"src all", "abcdefghijklmnop"},
    {"src default", "abcdefghijklmnop"},
    {"dst [2001:db8:1::9]", "f"},
    {"dst [2001:db8:1::9]:443", "f"},
    {"dst [2001:db8:1::9]:https", "f"},
    {"dst [2001:db8:1::9]:80", ""},
    {"dst [2001:db8::]/32", "f"},
    {"dst [2001:db8::]/32:443", "f"},
    {"dst [2001:db8::/32]", "f"},
    {"dst [2001:db8::/32]:443", "f"},
    {"dst 2001:db8::/32", "f"},
    {"dst 2001:db8::/32:443", "f"},
    {"dst 2001:db8:1::9", "f"},
    {"dst 2001:db8:1::9:443", "f"},
    {"dst [2001:db8::]/48", ""},
    {"dst [2001:db8::]/47", "f"},
    {"src ::1", "k"},
    {"src ::1:8443", "k"},
    {"src [::1]:8443", "k"},
    {"src [::1]/128", "k"},
    {"src [::1]/127", "bk"},
    {"src [::]", "b"},
    {"src ::", "b"},
    {"src [::]/0", "bdfk"},
    {"src ::/0", "bdfk"},
    {"src [::ffff:10.0.0.1]", "d"},
    {"src ::ffff:10.0.0.1", "d"},
    {"src [::ffff:0:0]/96", "d"},
    {"src [10.0.0.1]:80", "cjn"},
    {"src []:80", "acjno"},
    {"src inet:10.0.0.1", "cegijn"},
    {"src inet:10.0.0.1:80", "cjn"},
    {"src inet6:[::1]", "k"},
    {"src inet6:*", "bdfk"},
    {"src inet:*:443", ""},
    {"dst db", "g"},
    {"dst db:x-y_z", "g"},
    {"dst db:22", ""},
    {"dst both", "cfo"},
    {"dst both:443", "f"},
    {"dst inet:both", "co"},
    {"dst inet6:both", "f"},
    {"dst != both", "abdeghijklmnp"},
};

constexpr Case kOthers[] = {
    {"dev eth0", "e"},
    {"dev = lo", "lm"},
    {"dev=2", "e"},
    {"dev 7", "e"}, // a name first, an index only then
    {"dev != lo", "abcdefghijknop"},
    {"dev 0", "abcdfghijknop"},
    {"fwmark = 0x11", "e"},
    {"fwmark 17", "e"},
    {"fwmark = 0x10/0x10", "ef"},
    {"fwmark = 0x01/0x03", "e"},
    {"fwmark = 0x3/0x1", ""}, // the value is not masked: as in ss
    {"fwmark = 0/0", "abcdefghijklmnop"},
    {"fwmark != 0", "ef"},
    {"cgroup /web.slice", "abcdn"},
    {"cgroup = /a=b!c", "h"},
    {"cgroup != /web.slice", "efghijklmop"},
    {"cgroup = '/odd (x)'", "h"},
    {R"(cgroup = /odd\ \(x\))", "h"},
    {"autobound", "efgi"},
    {"not autobound", "abcdhjklmnop"},
    {"autobound dport = :443", "ef"},
    {"unaccepted", "n"},
    {"! unaccepted", "abcdefghijklmop"},
    {"pid = 100", "abn"},
    {"pid = 101", "acd"},
    {"pid = 102", "d"},
    {"pid 102", "d"},
    {"pid=200", "e"},
    {"pid != 101", "befghijklmnop"},
    {"pid = 0", "k"},
    {"pid = 99999", ""},
    {"comm = nginx", "abcdn"},
    {"comm = nginx*", "abcdn"},
    {"comm = nginx-*", "d"},
    {"comm = *helper", "d"},
    {"comm = n*x", "abcdn"},
    {"comm = ngin?", "abcdn"},
    {"comm = [cj]*", "efh"},
    {"comm = [!cjn]*", "giklmo"},
    {"comm = [kernel]", "k"},
    {"comm = NGINX", ""},
    {"comm != nginx*", "efghijklmop"},
    {"comm = *", "abcdefghiklmno"},
    {"comm = \"odd name(\"", "m"},
    {"comm = 'odd name('", "m"},
    {R"(comm = odd\ name\()", "m"},
    {"comm=odd*", "m"},
    {"owner = nginx*", "abcdn"},
    {"owner = nginx-*", ""}, // a holder, not the owner
    {"owner = 101", "cd"},
    {"owner = 102", ""},
    {"owner = [kernel]", "k"},
    {"owner != *", "jp"},
    {"container = web-1", "abcdn"},
    {"container = 3f2a*", "eh"},
    {"container != *", "fgijklmop"},
    {"container = web-?", "abcdn"},
    {"netns = blue", "ik"},
    {"netns = 2", "ik"},
    {"netns blue", "ik"},
    {"netns != blue", "abcdefghjlmnop"},
    {"netns = self", "abcdefghjlmnop"},
    {"uid = 33", "abcdn"},
    {"uid != 33", "efghijklmop"},
    {"uid = 1000", "ef"},
    {"ino = 1097", "a"},
    {"ino = 0", "g"},
    {"sk = a61", "a"},
    {"sk = 0xa62", "b"},
};

constexpr Case kAges[] = {
    {"age > 60s", "afhlno"},
    {"age gt 60s", "afhlno"},
    {"age>60s", "afhlno"},
    {"age > 60", "afhlno"},
    {"age > 1m", "afhlno"},
    {"age > 60000ms", "afhlno"},
    {"age >= 60s", "adfhlnop"},
    {"age < 60s", "cegij"},
    {"age <= 60s", "cdegij"},
    {"age = 60s", "d"},
    {"age 60s", "d"},
    {"age != 60s", "abcefghijklmnop"},
    {"not age > 60s", "bcdegijkmp"},
    {"age > 1h", "al"},
    {"age >= 1h", "ahl"},
    {"age > 1d", "l"},
    {"age >= 2d", "l"},
    {"age > 1m30s", "ahlo"},
    {"age > 500ms", "acdefghjklnop"},
    {"age >= 500ms", "acdefghijklnop"},
    {"age < 2", "ij"},
    {"age > 0s age < 10s", "eij"},
};

constexpr Case kCombinations[] = {
    {"dport = :443 or dport = :22", "efi"},
    {"dport = :443 | dport = :22", "efi"},
    {"dport = :443 || dport = :22", "efi"},
    {"dport=:443||dport=:22", "efi"},
    {"dport=:443|dport=:22", "efi"},
    {"sport = :80 and dst 10.0.0.2", "co"},
    {"sport = :80 & dst 10.0.0.2", "co"},
    {"sport = :80 && dst 10.0.0.2", "co"},
    {"sport=:80&&dst=10.0.0.2", "co"},
    {"sport=:80&dst=10.0.0.2", "co"},
    {"sport = :80 dst 10.0.0.2", "co"},
    {"sport = :80 dst 10.0.0.2 src 10.0.0.1", "c"},
    {"( sport = :80 )", "acjno"},
    {"(sport = :80)", "acjno"},
    {"((sport=:80))", "acjno"},
    {R"(\( sport = :80 \))", "acjno"},
    {R"(\(sport \= :80 \))", "acjno"},
    {R"(\! sport = :80)", "bdefghiklmp"},
    {"( sport = :80 or sport = :443 ) dst 10.0.0.0/8", "cno"},
    {"(sport=:80 or sport=:443)(dst 10.0.0.0/8)", "cno"},
    {"sport = :443 or sport = :80 and dst 10.0.0.2", "bcdo"}, // and before or
    {"sport = :443 or sport = :80 dst 10.0.0.2", "bcdo"},     // nothing is and
    {"sport = :80 dst 10.0.0.2 or sport = :443", "bcdo"},
    {"not sport = :80 and dst 10.0.0.0/8", "gi"}, // not before and
    {"not ( sport = :80 and dst 10.0.0.0/8 )", "abdefghijklmp"},
    {"not(sport = :80 and dst 10.0.0.0/8)", "abdefghijklmp"},
    {"not not sport = :80", "acjno"},
    {"! ! sport = :80", "acjno"},
    {"!!sport=:80", "acjno"},
    {"not ! not sport = :80", "bdefghiklmp"},
    {"not ( not sport = :80 )", "acjno"},
    {"not ( sport = :80 or sport = :443 or autobound )", "hklmp"},
    {"sport = :80 or sport = :443 or autobound", "abcdefgijno"},
    {"sport = :80 and not dst 10.0.0.2 or dport = :443", "aefjn"},
    {"( sport = :80 or dport = :443 ) and ( src 10.0.0.1 or src [2001:db8::]/32 )", "cefjn"},
    {"comm = nginx and state", nullptr},
    {"sport != :80 sport != :443 not autobound", "hklmp"},
    {"dport = :443 sport = :80", ""},
    {"state time-wait ( dport = :x-y_z or sport = :1 )", "g"},
};

void expect_letters(std::span<const Case> cases)
{
    const test::Population population;
    for (const Case& c : cases) {
        const auto filter = test::parse(c.expression);
        if (c.letters == nullptr) {
            EXPECT_FALSE(filter) << c.expression;
            continue;
        }
        ASSERT_TRUE(filter) << filter.error().message();
        std::string expected = c.letters;
        std::ranges::sort(expected);
        EXPECT_EQ(population.matching(*filter), expected) << c.expression;
    }
}

TEST(FilterMatching, States)
{
    expect_letters(kStates);
}
TEST(FilterMatching, Ports)
{
    expect_letters(kPorts);
}
TEST(FilterMatching, Hosts)
{
    expect_letters(kHosts);
}
TEST(FilterMatching, Others)
{
    expect_letters(kOthers);
}
TEST(FilterMatching, Ages)
{
    expect_letters(kAges);
}
TEST(FilterMatching, Combinations)
{
    expect_letters(kCombinations);
}

} // namespace
} // namespace tcpledger
