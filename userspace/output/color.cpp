// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/color.hpp"

#include <unistd.h>

#include <cstdlib>

namespace tcpledger {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view code_of(Style style)
{
    switch (style) {
    case Style::kPlain:
        return {};
    case Style::kHeader:
        return "\x1b[1m"; // bold
    case Style::kDim:
        return "\x1b[2m"; // faint
    case Style::kGood:
        return "\x1b[32m"; // green
    case Style::kWarning:
        return "\x1b[1;35m"; // bold magenta: yellow vanishes on white
    case Style::kBad:
        return "\x1b[1;31m"; // bold red
    }
    return {};
}

} // namespace

std::optional<ColorMode> parse_color_mode(std::string_view text) noexcept
{
    if (text == "auto") {
        return ColorMode::kAuto;
    }
    if (text == "always") {
        return ColorMode::kAlways;
    }
    if (text == "never") {
        return ColorMode::kNever;
    }
    return std::nullopt;
}

ColorEnvironment ColorEnvironment::of(int fd)
{
    const char* const no_color = std::getenv("NO_COLOR");
    const char* const term = std::getenv("TERM");
    return {.is_terminal = ::isatty(fd) == 1,
            .no_color = no_color != nullptr && *no_color != '\0',
            .dumb = term == nullptr || std::string_view(term) == "dumb"};
}

bool color_wanted(ColorMode mode, const ColorEnvironment& environment) noexcept
{
    switch (mode) {
    case ColorMode::kAlways:
        return true;
    case ColorMode::kNever:
        return false;
    case ColorMode::kAuto:
        break;
    }
    return environment.is_terminal && !environment.no_color && !environment.dumb;
}

Style style_of(TcpState state) noexcept
{
    switch (state) {
    case TcpState::kCloseWait:
        return Style::kWarning;
    case TcpState::kEstablished:
    case TcpState::kListen:
        return Style::kGood;
    case TcpState::kFinWait1:
    case TcpState::kFinWait2:
    case TcpState::kTimeWait:
    case TcpState::kClosing:
    case TcpState::kLastAck:
    case TcpState::kClose:
    case TcpState::kBoundInactive:
        return Style::kDim;
    case TcpState::kSynSent:
    case TcpState::kSynRecv:
    case TcpState::kNewSynRecv:
        return Style::kPlain;
    }
    return Style::kPlain;
}

void Painter::append(std::string& out, std::string_view text, Style style) const
{
    const std::string_view code = enabled_ && !text.empty() ? code_of(style) : std::string_view{};
    if (code.empty()) {
        out += text;
        return;
    }
    out += code;
    out += text;
    out += kReset;
}

std::string Painter::paint(std::string_view text, Style style) const
{
    std::string out;
    append(out, text, style);
    return out;
}

} // namespace tcpledger
