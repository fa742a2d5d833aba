// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `list` for machines: one JSON document (docs/events.md) or CSV rows. Numbers only, no
// names of services or hosts.
#pragma once

#include "commands/options.hpp"
#include "output/csv.hpp"
#include "output/json.hpp"
#include "session/listing.hpp"

#include <string_view>

namespace tcpledger {

void begin_list(JsonWriter& json);
/// With -o, -e, -m and -i the members of the same meaning too.
void write_json(JsonWriter& json, const ListedSocket& socket, const ListOptions& options);
void end_list(JsonWriter& json);

[[nodiscard]] std::string_view list_csv_header();
void write_csv(CsvWriter& csv, const ListedSocket& socket);

} // namespace tcpledger
