// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The ports that connect() may choose from, out of the texts of two sysctls. Total on any text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tcpledger {

class EphemeralPorts {
public:
    /// `range`: net.ipv4.ip_local_port_range ("32768\t60999"); `reserved`:
    /// net.ipv4.ip_local_reserved_ports ("8080,9000-9100"), may be empty. Nothing where `range` is
    /// none; what cannot be understood of `reserved` reserves nothing.
    [[nodiscard]] static std::optional<EphemeralPorts> parse(std::string_view range,
                                                             std::string_view reserved);

    [[nodiscard]] std::uint16_t low() const noexcept { return low_; }
    [[nodiscard]] std::uint16_t high() const noexcept { return high_; }
    /// Within the range and not reserved.
    [[nodiscard]] bool contains(std::uint16_t port) const noexcept;
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint64_t reserved() const noexcept { return reserved_count_; }

private:
    EphemeralPorts(std::uint16_t low, std::uint16_t high)
        : reserved_(65536, false), low_(low), high_(high)
    {
    }

    std::vector<bool> reserved_;
    std::uint16_t low_;
    std::uint16_t high_;
    std::uint64_t size_ = 0;
    std::uint64_t reserved_count_ = 0; ///< within the range
};

} // namespace tcpledger
