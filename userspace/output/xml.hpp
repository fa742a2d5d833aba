// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Text for XML, in content and in attributes.
#pragma once

#include <string>
#include <string_view>

namespace tcpledger {

/// Any bytes, made visible() (so that only characters are left that XML 1.0 allows) and with
/// & < > " ' as entities: no markup can come of it, quoted or not.
[[nodiscard]] std::string xml_text(std::string_view raw);
/// Adds `text`, which is visible() already.
void append_xml_text(std::string& out, std::string_view text);

} // namespace tcpledger
