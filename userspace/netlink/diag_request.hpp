// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds the bytes of sock_diag requests. Pure; sends nothing.
#pragma once

#include "netlink/sock_diag.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tcpledger {

/// The families to ask for, one request each. AF_UNSPEC, both in one walk of the kernel's tables,
/// exists only for TCP.
[[nodiscard]] std::vector<std::uint8_t> requested_families(const DumpRequest& request);

/// A dump request for `family`: AF_INET, AF_INET6, or AF_UNSPEC as above.
[[nodiscard]] std::vector<std::byte> encode_dump(const DumpRequest& request, std::uint8_t family,
                                                 std::uint32_t sequence, bool with_details);

/// A request for one TCP socket; cookie 0 means any.
[[nodiscard]] std::vector<std::byte> encode_lookup(const FourTuple& tuple, std::uint8_t family,
                                                   std::uint64_t cookie,
                                                   std::uint32_t interface_index,
                                                   std::uint32_t sequence);

} // namespace tcpledger
