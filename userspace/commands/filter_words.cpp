// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/filter_words.hpp"

#include "filter/parser.hpp"
#include "kernel/abilities.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace tcpledger {
namespace {

/// The three lines of a filter's error below a line of their own, so that the caret stays in place.
Error shown_below(Error error)
{
    error.what = "the filter cannot be read:\n" + error.what;
    return error;
}

Expected<Filter> read(std::span<const std::string> words, const Names& names)
{
    Expected<Filter> filter = parse_filter(words, names).map_error(shown_below);
    if (filter && needs_of(*filter).mark && !held_capabilities().net_admin) {
        return tl::unexpected(Error{ErrorKind::kNotPermitted, 0,
                                    "the kernel tells the marks of sockets only to some",
                                    "fwmark needs CAP_NET_ADMIN"});
    }
    return filter;
}

void warn(const Filter& filter)
{
    for (const std::string& warning : filter.warnings()) {
        spdlog::warn("{}", warning);
    }
}

} // namespace

Expected<std::vector<ListedNamespace>>
read_filters(std::span<const std::string> words, const NamespaceList& namespaces, HostNames& names)
{
    Expected<Filter> anywhere = read(words, names.names_in(nullptr));
    if (!anywhere) {
        return tl::unexpected(anywhere.error());
    }
    const FilterNeeds needs = needs_of(*anywhere);
    const auto shared = std::make_shared<const Filter>(std::move(*anywhere));
    std::vector<ListedNamespace> listed;
    for (const NetworkNamespace& netns : namespaces.namespaces) {
        ListedNamespace& next = listed.emplace_back(ListedNamespace{&netns, shared, {}});
        if (needs.port_range) {
            next.ports = local_port_range(netns);
        }
        if (needs.interface) {
            Expected<Filter> here = read(words, names.names_in(&netns));
            if (!here) {
                return tl::unexpected(here.error());
            }
            next.filter = std::make_shared<const Filter>(std::move(*here));
        }
    }
    return listed;
}

Expected<Filter> read_ledger_filter(std::span<const std::string> words)
{
    Expected<NamespaceList> namespaces = choose_namespaces(std::nullopt);
    if (!namespaces) {
        return tl::unexpected(namespaces.error());
    }
    HostNames names(*namespaces);
    Expected<Filter> filter = read(words, names.names_in(nullptr));
    if (!filter) {
        return filter;
    }
    warn(*filter);
    return filter;
}

} // namespace tcpledger
