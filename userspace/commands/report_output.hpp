// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where the reports of one command go: JSON documents, a line each, or pages one after another,
// or each over the last on a terminal. Knows nothing of what a report says.
#pragma once

#include "commands/options.hpp"
#include "output/color.hpp"
#include "output/json.hpp"
#include "output/stream.hpp"
#include "output/terminal.hpp"

#include <unistd.h>

#include <optional>

namespace tcpledger {

class ReportOutput {
public:
    /// `repeats`: more than one is shown. `refreshes`: on a terminal each over the last.
    ReportOutput(const CommonOptions& common, LineStream& stream, bool repeats, bool refreshes)
        : json_wanted_(common.json), repeats_(repeats), terminal_(::isatty(STDOUT_FILENO) != 0),
          stream_(stream), painter_(color_wanted(common.color, ColorEnvironment::of(STDOUT_FILENO)))
    {
        if (refreshes && terminal_ && !common.json) {
            screen_.emplace(stream);
        }
    }

    /// Calls write(JsonWriter&), or render(painter, columns) for the text; columns is 0 where
    /// stdout is no terminal.
    template <typename Write, typename Render> void show(Write&& write, Render&& render)
    {
        if (json_wanted_) {
            write(json_);
            stream_.write_line(json_.take_line());
        } else {
            const TerminalSize size = terminal_size(STDOUT_FILENO);
            const std::string text = render(painter_, terminal_ ? size.columns : 0);
            screen_ ? screen_->show(text, size)
                    : static_cast<void>(stream_.write(repeats_ ? text + "\n" : text));
        }
        stream_.flush();
    }

private:
    bool json_wanted_;
    bool repeats_;
    bool terminal_;
    LineStream& stream_;
    Painter painter_;
    JsonWriter json_;
    std::optional<Screen> screen_;
};

} // namespace tcpledger
