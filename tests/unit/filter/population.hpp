// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sixteen sockets, each named by a letter, and the names a filter on them may use: the fixed
// population of the filter's tests. No kernel, no files.
#pragma once

#include "filter/names.hpp"
#include "filter/parser.hpp"
#include "filter/socket_view.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger::test {

inline IpAddress address(const std::string& text)
{
    std::uint32_t ipv4_be = 0;
    if (::inet_pton(AF_INET, text.c_str(), &ipv4_be) == 1) {
        return IpAddress::from_ipv4_be(ipv4_be);
    }
    IpAddress ipv6;
    ::inet_pton(AF_INET6, text.c_str(), ipv6.bytes.data());
    return ipv6;
}

struct Member {
    char letter = '?';
    SocketView view;
};

class Population {
public:
    Population()
    {
        using namespace std::chrono_literals;
        const auto at_least = [](SocketView& view) { view.age_is_lower_bound = true; };

        auto& a = add('a', TcpState::kListen, "0.0.0.0", 80, "0.0.0.0", 0, kNginx100, 7200s);
        a.holders = kNginxBoth;
        at_least(a);
        auto& b = add('b', TcpState::kListen, "::", 443, "::", 0, kNginx100, {});
        b.holders = std::span(kNginxBoth).first(1);
        add('c', TcpState::kEstablished, "10.0.0.1", 80, "10.0.0.2", 40000, kNginx101, 10s);
        auto& d =
            add('d', TcpState::kEstablished, "10.0.0.1", 443, "192.168.1.5", 50000, kNginx101, 60s);
        d.family = AF_INET6;
        d.holders = kWithHelper;
        auto& e = add('e', TcpState::kEstablished, "10.0.0.1", 45000, "93.184.216.34", 443,
                      {{200, "curl"}}, 5s);
        e.mark = 0x11;
        e.interface_index = 2;
        e.container = "3f2a9c";
        auto& f = add('f', TcpState::kEstablished, "2001:db8::1", 46000, "2001:db8:1::9", 443,
                      {{201, "curl"}}, 61s);
        f.mark = 0x10;
        e.uid = f.uid = 1000;
        add('g', TcpState::kTimeWait, "10.0.0.1", 45001, "10.9.9.9", 5432, {{300, "app"}}, 30s)
            .inode = 0;
        auto& h = add('h', TcpState::kCloseWait, "127.0.0.1", 8080, "127.0.0.1", 39000,
                      {{400, "java"}}, 3600s);
        h.container = "3f2a77";
        h.cgroup_id = 78;
        add('i', TcpState::kSynSent, "10.0.0.1", 45002, "10.255.0.1", 22, {{500, "ssh"}}, 500ms)
            .tuple.netns_inum = 2;
        add('j', TcpState::kNewSynRecv, "10.0.0.1", 80, "203.0.113.7", 1024, {}, 1s);
        auto& k = add('k', TcpState::kFinWait2, "::1", 8443, "::1", 51000, {{0, "[kernel]"}}, 45s);
        k.tuple.netns_inum = 2;
        at_least(k);
        add('l', TcpState::kClose, "0.0.0.0", 53, "0.0.0.0", 0, {{600, "systemd-resolve"}}, 48h)
            .interface_index = 1;
        add('m', TcpState::kBoundInactive, "127.0.0.1", 7000, "0.0.0.0", 0, {{700, "odd name("}},
            {})
            .interface_index = 1;
        auto& n =
            add('n', TcpState::kEstablished, "10.0.0.1", 80, "10.0.0.3", 40001, kNginx100, 70s);
        n.unaccepted = true;
        at_least(n);
        add('o', TcpState::kLastAck, "10.1.2.3", 80, "10.0.0.2", 40002, {{800, "postgres"}}, 120s);
        at_least(add('p', TcpState::kClosing, "10.1.2.3", 65535, "172.16.0.1", 1, {}, 60s));
    }

    [[nodiscard]] const std::vector<Member>& members() const { return members_; }

    /// The letters of those that match.
    [[nodiscard]] std::string matching(const Filter& filter) const
    {
        std::string letters;
        for (const Member& member : members_) {
            if (filter.matches(member.view)) {
                letters += member.letter;
            }
        }
        return letters;
    }

private:
    static constexpr ProcessView kNginx100{100, "nginx"};
    static constexpr ProcessView kNginx101{101, "nginx"};
    static constexpr std::array kNginxBoth = {kNginx100, kNginx101};
    static constexpr std::array kWithHelper = {kNginx101, ProcessView{102, "nginx-helper"}};

    SocketView& add(char letter, TcpState state, const char* local, std::uint16_t local_port,
                    const char* remote, std::uint16_t remote_port, std::optional<ProcessView> owner,
                    std::optional<std::chrono::nanoseconds> age)
    {
        SocketView view;
        view.tuple = {1, {address(local), local_port}, {address(remote), remote_port}};
        view.family = view.tuple.local.address.is_ipv4() ? AF_INET : AF_INET6;
        view.state = state;
        view.owner = owner;
        view.age = age;
        view.autobound = local_port >= 32768 && local_port <= 60999;
        view.inode = 1000U + static_cast<unsigned char>(letter);
        view.cookie = 0xa00U + static_cast<unsigned char>(letter);
        if (owner && owner->comm == "nginx") {
            view.uid = 33;
            view.cgroup_id = 77;
            view.container = "web-1";
        }
        members_.reserve(16); // the references handed out stay good
        return members_.emplace_back(Member{letter, view}).view;
    }

    std::vector<Member> members_;
};

template <typename Value>
std::optional<Value> look_up(const std::map<std::string_view, Value>& map, std::string_view name)
{
    const auto found = map.find(name);
    return found == map.end() ? std::nullopt : std::optional(found->second);
}

inline Names population_names()
{
    Names names;
    names.service_port = [](std::string_view name) {
        return look_up<std::uint16_t>(
            {{"http", 80}, {"https", 443}, {"ssh", 22}, {"domain", 53}, {"x-y_z", 5432}}, name);
    };
    names.interface_index = [](std::string_view name) {
        return look_up<std::uint32_t>({{"lo", 1}, {"eth0", 2}, {"7", 2}}, name);
    };
    names.cgroup_id = [](std::string_view name) {
        return look_up<std::uint64_t>({{"/web.slice", 77}, {"/a=b!c", 78}, {"/odd (x)", 78}}, name);
    };
    names.netns_inum = [](std::string_view name) {
        return look_up<std::uint32_t>({{"blue", 2}, {"self", 1}}, name);
    };
    names.host_addresses = [](std::string_view name) -> std::vector<IpAddress> {
        if (name == "db") {
            return {address("10.9.9.9")};
        }
        if (name == "both") {
            return {address("10.0.0.2"), address("2001:db8:1::9")};
        }
        return {};
    };
    return names;
}

inline Expected<Filter> parse(const std::string& expression)
{
    return parse_filter(std::array{expression}, population_names());
}

} // namespace tcpledger::test
