// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_list.hpp"

namespace tcpledger {

CLI::App& add_list(CLI::App& app, ListOptions& options)
{
    CLI::App& list = *app.add_subcommand("list", "sockets, with ss's options, columns and filters");
    list.add_flag("-t,--tcp", options.tcp, "TCP sockets (the default)");
    list.add_flag("-u,--udp", options.udp, "UDP sockets");
    list.add_flag("-l,--listening", options.listening, "only listening and closed ones");
    list.add_flag("-a,--all", options.all, "all states");
    list.add_flag("-n,--numeric", options.numeric, "ports as numbers, not names of services");
    list.add_flag("-r,--resolve", options.resolve, "names of hosts");
    list.add_flag("-p,--processes", options.processes, "owner and holders");
    list.add_flag("-e,--extended", options.extended, "uid, inode, cookie, mark, cgroup, timer");
    list.add_flag("-o,--options", options.timers, "timers; with -i the negotiated options");
    list.add_flag("-m,--memory", options.memory, "socket memory");
    list.add_flag("-i,--info", options.info, "what TCP knows of the connection (tcp_info)");
    auto* ipv4 = list.add_flag("-4,--ipv4", options.only_ipv4, "only IPv4 sockets");
    list.add_flag("-6,--ipv6", options.only_ipv6, "only IPv6 sockets (IPv4-mapped included)")
        ->excludes(ipv4);
    list.add_flag("-H,--no-header", options.no_header, "no header line");
    list.add_option("-N,--net", options.netns,
                    "all, self, or a network namespace by name or inode number (default: all "
                    "that may be entered)");
    list.add_flag("-s,--summary", options.summary, "totals");
    list.add_flag("-O,--oneline", options.one_line, "each socket in one line");
    list.add_flag("--csv", options.csv, "comma-separated values");
    take_filter_words(list);
    list.footer("Words after the options are a filter, as in ss; see tcpledger(1).\n"
                "Examples:\n"
                "  tcpledger list -tnp\n"
                "  tcpledger list -tlnp\n"
                "  tcpledger list -tn state time-wait dport = :443\n"
                "  tcpledger list -tanp 'comm = nginx* and not src 127.0.0.0/8'\n"
                "  tcpledger list -a --json | jq '.sockets[] | select(.owner.comm==\"nginx\")'");
    return list;
}

void take_filter_words(CLI::App& command)
{
    // Not a positional option: CLI11 would take "[::1]" for a list and strip its brackets.
    command.allow_extras();
}

std::vector<std::string> filter_words(const CLI::App& command)
{
    std::vector<std::string> words = command.remaining();
    bool plain = false; // after "--" nothing is an option
    std::vector<std::string> kept;
    for (std::string& word : words) {
        if (!plain && word == "--") {
            plain = true;
        } else if (!plain && word.size() > 1 && word.front() == '-') {
            throw CLI::ExtrasError(std::vector<std::string>{word});
        } else {
            kept.push_back(std::move(word));
        }
    }
    return kept;
}

} // namespace tcpledger
