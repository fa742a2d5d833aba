// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/flame_files.hpp"

#include "base/unique_fd.hpp"
#include "output/format.hpp"
#include "output/json.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace tcpledger {
namespace {

FlameFrame flame_frame(const StackFrame& frame)
{
    const std::size_t slash = frame.module.rfind('/');
    const std::string module =
        slash == std::string::npos ? frame.module : frame.module.substr(slash + 1);
    const std::string name =
        !frame.function.empty() ? frame.function : fmt::format("{}+{:#x}", module, frame.offset);
    return {name, frame.file, frame.line};
}

Expected<void> write_all(int fd, std::string_view text, const std::string& path)
{
    while (!text.empty()) {
        const ssize_t size = ::write(fd, text.data(), text.size());
        if (size < 0) {
            return tl::unexpected(Error::from_errno("cannot write " + path));
        }
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    return {};
}

/// Beside its place first, so that a reader never finds half of it.
Expected<void> replace_file(const std::string& path, std::string_view text)
{
    const std::string beside = fmt::format("{}.{}", path, ::getpid());
    const UniqueFd file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file.valid()) {
        return tl::unexpected(Error::from_errno("cannot write " + path));
    }
    Expected<void> written = write_all(file.get(), text, path);
    if (written && std::rename(beside.c_str(), path.c_str()) != 0) {
        written = tl::unexpected(Error::from_errno("cannot write " + path));
    }
    if (!written) {
        (void)::unlink(beside.c_str());
    }
    return written;
}

/// A file that is no file (a pipe, /dev/stdout) cannot be replaced.
Expected<void> write_file(const std::string& path, std::string_view text)
{
    if (::access(path.c_str(), F_OK) != 0) {
        return replace_file(path, text);
    }
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    if (!file.valid()) {
        return tl::unexpected(Error::from_errno("cannot write " + path));
    }
    return write_all(file.get(), text, path);
}

std::string speedscope(const std::vector<FlameStack>& stacks)
{
    JsonWriter json;
    write_speedscope(json, stacks, "tcpledger leaks");
    return std::string(json.take_line()) + "\n";
}

FlameTitle title_of(const LeaksReport& report)
{
    return {"Where the sockets of the leak suspects were opened",
            fmt::format("tcpledger leaks, {} observed; width: open sockets",
                        format_duration(report.observed))};
}

} // namespace

std::vector<FlameStack> flame_stacks(const LeaksReport& report)
{
    std::vector<FlameStack> all;
    for (const DescribedSuspect& described : report.suspects) {
        const auto name = described.names.find(described.process);
        const FlameFrame process{fmt::format("{}[{}]",
                                             name != described.names.end() ? name->second : "?",
                                             described.process.pid),
                                 {},
                                 0};
        for (const CountedStack& counted : described.stacks) {
            FlameStack stack{{process}, counted.count};
            for (auto frame = counted.stack.frames.rbegin(); frame != counted.stack.frames.rend();
                 ++frame) {
                stack.frames.push_back(flame_frame(*frame));
            }
            all.push_back(std::move(stack));
        }
        if (described.tally.without > 0) {
            all.push_back({{process, {"[stack not known]", {}, 0}}, described.tally.without});
        }
    }
    return all;
}

Expected<void> write_flame_files(const StacksOptions& options, const LeaksReport& report)
{
    if (!options.folded && !options.speedscope && !options.svg) {
        return {};
    }
    const std::vector<FlameStack> stacks = flame_stacks(report);
    Expected<void> written;
    if (options.folded) {
        written = write_file(*options.folded, render_folded(stacks));
    }
    if (written && options.speedscope) {
        written = write_file(*options.speedscope, speedscope(stacks));
    }
    if (written && options.svg) {
        written = write_file(*options.svg, render_flame_svg(stacks, title_of(report)));
    }
    return written;
}

} // namespace tcpledger
