// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/terminal.hpp"

#include <sys/ioctl.h>

#include <charconv>
#include <cstdlib>

namespace tcpledger {
namespace {

constexpr std::string_view kBegin = "\x1b[?25l\x1b[?7l\x1b[2J\x1b[H";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kEraseToLineEnd = "\x1b[K";
constexpr std::string_view kEraseBelow = "\x1b[J";

/// A size from the environment; `fallback` when it is missing, no number or absurd.
std::size_t environment_size(const char* name, std::size_t fallback)
{
    constexpr std::size_t kLargest = 10'000;
    const char* const raw = std::getenv(name);
    if (raw == nullptr) {
        return fallback;
    }
    const std::string_view text(raw);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && number > 0 && number <= kLargest ? number : fallback;
}

} // namespace

TerminalSize terminal_size(int fd)
{
    const TerminalSize fallback;
    winsize answer{};
    const bool answered = ::ioctl(fd, TIOCGWINSZ, &answer) == 0;
    return {
        .rows = answered && answer.ws_row > 0 ? answer.ws_row
                                              : environment_size("LINES", fallback.rows),
        .columns = answered && answer.ws_col > 0 ? answer.ws_col
                                                 : environment_size("COLUMNS", fallback.columns),
    };
}

std::string compose_frame(std::string_view text, std::size_t rows)
{
    std::string frame(kHome);
    if (!text.empty() && text.back() == '\n') {
        text.remove_suffix(1);
    }
    for (std::size_t row = 0; row < rows; ++row) {
        const std::size_t end = text.find('\n');
        frame += text.substr(0, end);
        frame += kEraseToLineEnd;
        if (end == std::string_view::npos) {
            break;
        }
        text.remove_prefix(end + 1);
        if (row + 1 < rows) {
            frame += "\r\n";
        }
    }
    frame += kEraseBelow;
    return frame;
}

Screen::Screen(LineStream& stream) : stream_(stream)
{
    stream_.write(kBegin);
    stream_.flush();
}

Screen::~Screen()
{
    stream_.write(kTerminalRestore);
    stream_.flush();
}

void Screen::show(std::string_view text, const TerminalSize& size)
{
    stream_.write(compose_frame(text, size.rows));
    stream_.flush();
}

} // namespace tcpledger
