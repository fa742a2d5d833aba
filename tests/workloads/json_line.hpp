// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One reply of the actor: a flat JSON object on one line. Keys and texts are the
// actor's own words (names, addresses, errno names), so escaping is minimal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace workload {

class JsonLine {
public:
    explicit JsonLine(std::string_view step);

    JsonLine& number(std::string_view key, std::int64_t value);
    JsonLine& numbers(std::string_view key, const std::vector<std::int64_t>& values);
    JsonLine& text(std::string_view key, std::string_view value);
    JsonLine& flag(std::string_view key, bool value);

    /// The object with its closing brace and a newline.
    [[nodiscard]] std::string finished() const;

private:
    void key(std::string_view name);

    std::string body_;
};

/// {"step":…,"ok":false,"errno":"ECONNREFUSED"} for a positive errno.
[[nodiscard]] JsonLine failure(std::string_view step, int error_number);
[[nodiscard]] JsonLine failure(std::string_view step, std::string_view reason);

} // namespace workload
