// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_color.hpp"

#include <array>

namespace tcpledger {
namespace {

using namespace std::string_view_literals;

constexpr std::array kTotalTones = {"#c9d1dc"sv};
constexpr std::array kProcessTones = {"#a9c8ea"sv, "#9fc0e6"sv, "#b4cbee"sv,
                                      "#a3cbe4"sv, "#b3c3ec"sv, "#98c3de"sv};
constexpr std::array kLineKnownTones = {
    "#ffb56b"sv, "#ffc266"sv, "#ffa96b"sv, "#ffcf70"sv, "#fb9f6c"sv, "#ffb98a"sv, "#f9b04f"sv,
    "#ffc98f"sv, "#ff9f7a"sv, "#ffd58a"sv, "#f6a65a"sv, "#ffbe52"sv, "#ffae80"sv, "#fcc57a"sv,
};
constexpr std::array kLineUnknownTones = {"#f1e3c6"sv, "#ecdfc8"sv, "#f4e6d0"sv, "#efe0bd"sv,
                                          "#f3dfc9"sv, "#eadcc0"sv, "#f5e8c9"sv};
constexpr std::array kLeftOutTones = {"#dcdad6"sv};

/// FNV-1a: the same on every machine, in every version.
std::uint32_t hash_of(std::string_view name)
{
    std::uint32_t hash = 2'166'136'261U;
    for (const char c : name) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
    }
    return hash ^ (hash >> 16U);
}

} // namespace

std::span<const std::string_view> flame_tones(FlameKind kind)
{
    switch (kind) {
    case FlameKind::kTotal:
        return kTotalTones;
    case FlameKind::kProcess:
        return kProcessTones;
    case FlameKind::kLineKnown:
        return kLineKnownTones;
    case FlameKind::kLineUnknown:
        return kLineUnknownTones;
    case FlameKind::kLeftOut:
        break;
    }
    return kLeftOutTones;
}

std::string_view flame_fill(FlameKind kind, std::string_view name)
{
    const std::span<const std::string_view> tones = flame_tones(kind);
    return tones[hash_of(name) % tones.size()];
}

} // namespace tcpledger
