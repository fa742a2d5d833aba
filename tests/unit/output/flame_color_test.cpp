// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_color.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>

namespace tcpledger {
namespace {

using Rgb = std::array<double, 3>;

Rgb rgb_of(std::string_view color)
{
    Rgb rgb{};
    for (std::size_t at = 0; at < 3; ++at) {
        rgb[at] = std::stoi(std::string(color.substr(1 + 2 * at, 2)), nullptr, 16) / 255.0;
    }
    return rgb;
}

/// WCAG 2.1, "relative luminance".
double luminance(const Rgb& rgb)
{
    const auto linear = [](double c) {
        return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
}

double contrast(const Rgb& ground, const Rgb& ink)
{
    return (luminance(ground) + 0.05) / (luminance(ink) + 0.05);
}

Rgb blended(const Rgb& ground, const Rgb& ink, double opacity)
{
    Rgb mixed{};
    for (std::size_t at = 0; at < 3; ++at) {
        mixed[at] = opacity * ink[at] + (1 - opacity) * ground[at];
    }
    return mixed;
}

constexpr std::array kKinds = {FlameKind::kTotal, FlameKind::kProcess, FlameKind::kLineKnown,
                               FlameKind::kLineUnknown, FlameKind::kLeftOut};

/// WCAG's AAA for names, AA for the paler places of code beside them.
TEST(FlameColor, EveryToneCarriesTheInk)
{
    const Rgb ink = rgb_of(kFlameInk);
    for (const FlameKind kind : kKinds) {
        for (const std::string_view tone : flame_tones(kind)) {
            const Rgb ground = rgb_of(tone);
            EXPECT_GE(contrast(ground, ink), 7.0) << tone;
            EXPECT_GE(contrast(ground, blended(ground, ink, 0.72)), 4.5) << tone;
        }
    }
}

TEST(FlameColor, IsTheNamesOwn)
{
    EXPECT_EQ(flame_fill(FlameKind::kLineKnown, "main"), flame_fill(FlameKind::kLineKnown, "main"));
    for (const FlameKind kind : kKinds) {
        std::set<std::string_view> seen;
        for (int at = 0; at < 1'000; ++at) {
            seen.insert(flame_fill(kind, "f" + std::to_string(at)));
        }
        EXPECT_EQ(seen.size(), flame_tones(kind).size());
    }
}

} // namespace
} // namespace tcpledger
