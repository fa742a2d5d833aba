// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/filter_words.hpp"

#include "filter/parser.hpp"

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
    return parse_filter(words, names).map_error(shown_below);
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
    const NamespaceList none;
    HostNames names(none);
    Names known = names.names_in(nullptr);
    // What is refused below need not have a meaning first.
    known.interface_index = [](std::string_view) { return std::optional(kNoInterface); };
    Expected<Filter> filter = read(words, known);
    if (!filter) {
        return filter;
    }
    if (const auto word = needs_of(*filter).unknown_to_ledger; !word.empty()) {
        return tl::unexpected(Error{ErrorKind::kUsage, 0,
                                    "\"" + std::string(word) +
                                        "\" cannot be told of connections "
                                        "that are traced",
                                    "list and states can: tcpledger list …"});
    }
    warn(*filter);
    return filter;
}

} // namespace tcpledger
