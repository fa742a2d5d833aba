// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The inventory of `listen` as text, JSON and CSV.
#pragma once

#include "output/color.hpp"
#include "output/json.hpp"
#include "session/inventory.hpp"

#include <cstddef>
#include <string>

namespace tcpledger {

/// "0.0.0.0:80", "[::1]:80", and ss's "*:80" where one socket takes both families.
[[nodiscard]] std::string local_text(const SocketRow& row);

/// "nginx[812]"; "-" where nobody is known. Raw bytes.
[[nodiscard]] std::string process_text(const std::optional<ListenerProcess>& process);

/// "(here)" for our own namespace, else its name in /run/netns, or "-". Raw bytes.
[[nodiscard]] std::string netns_name(bool own, const std::string& name);

/// A row a listener. Columns that all rows would leave empty are left out. `width` 0: as wide
/// as it gets.
[[nodiscard]] std::string render_listeners(const Inventory& inventory, const Painter& painter,
                                           std::size_t width, bool with_header);

/// What the namespaces with TCP listeners had to refuse; empty where there is none.
[[nodiscard]] std::string render_drops(const Inventory& inventory, const Painter& painter);

/// The whole document, see docs/events.md.
void write_json(JsonWriter& json, const Inventory& inventory);
/// Its "listeners" and "namespaces" as members of an open object.
void write_inventory_members(JsonWriter& json, const Inventory& inventory);

[[nodiscard]] std::string csv_header();
[[nodiscard]] std::string csv_line(const Listener& listener);

} // namespace tcpledger
