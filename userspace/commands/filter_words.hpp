// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a command line's trailing words mean as a filter on this host. The grammar is
// filter/parser.hpp's, the host's names are session/host_names.hpp's.
#pragma once

#include "session/listing.hpp"

#include <span>
#include <string>
#include <vector>

namespace tcpledger {

/// The filter for each namespace of `names`' list: the same one, unless it names an interface,
/// whose index is another in each. An error is kUsage and shows the place, or kNotPermitted where
/// it asks for marks and may not see them. Where ss would read
/// it otherwise, its warnings() say so: they are the caller's to show.
[[nodiscard]] Expected<std::vector<ListedNamespace>>
read_filters(std::span<const std::string> words, const NamespaceList& namespaces, HostNames& names);

/// The filter for connections of the running ledger (`trace`, `life`, `top`, …). Users and cgroups
/// are those of the owner; interfaces are asked for by name, in whatever namespace. Warns on
/// stderr.
[[nodiscard]] Expected<Filter> read_ledger_filter(std::span<const std::string> words);

} // namespace tcpledger
