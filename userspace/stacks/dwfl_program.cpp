// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/dwfl_program.hpp"

#include "stacks/dwfl_modules.hpp"
#include "stacks/dwfl_names.hpp"
#include "stacks/dwfl_unwind.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace tcpledger {
namespace {

/// A larger list of compiled code is cut.
constexpr std::size_t kMostPerfMapBytes = 64U << 20U;
/// Of all names of one stack together, for they must fit one message; frames beyond have none.
constexpr std::size_t kMostTextBytes = 100U << 10U;

std::string read_up_to(int fd, std::size_t most)
{
    std::string text;
    struct stat status{};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return text;
    }
    text.resize(std::min(static_cast<std::size_t>(status.st_size), most));
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t part =
            ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
        if (part <= 0) {
            break;
        }
        done += static_cast<std::size_t>(part);
    }
    text.resize(done);
    return text;
}

} // namespace

struct DwflProgram::Impl {
    Impl(std::vector<MappedFile> mapped, std::span<UniqueFd> files)
        : modules(std::move(mapped), files)
    {
    }

    DwflModules modules;
    DwflUnwinder unwinder{modules};
    PerfMap compiled;
};

DwflProgram::DwflProgram(KnowProgram known, std::span<UniqueFd> files)
{
    const std::int32_t perf_map = known.perf_map;
    UniqueFd compiled;
    if (perf_map >= 0 && static_cast<std::size_t>(perf_map) < files.size()) {
        compiled = std::move(files[static_cast<std::size_t>(perf_map)]);
    }
    impl_ = std::make_unique<Impl>(std::move(known.mapped), files);
    set_perf_map(compiled);
}

DwflProgram::~DwflProgram() = default;

void DwflProgram::add_debug_file(std::uint32_t mapped, UniqueFd file)
{
    impl_->modules.add_debug_file(mapped, std::move(file));
}

void DwflProgram::set_perf_map(const UniqueFd& file)
{
    if (file.valid()) {
        impl_->compiled = PerfMap::parse(read_up_to(file.get(), kMostPerfMapBytes));
    }
}

Unwound DwflProgram::unwind(const Unwind& request)
{
    return impl_->unwinder.unwind(request, impl_->compiled);
}

Named DwflProgram::name(std::span<const std::uint64_t> addresses)
{
    Named named;
    std::size_t text_bytes = 0;
    const auto add = [&](StackFrame frame) {
        text_bytes += frame.function.size() + frame.file.size() + frame.module.size();
        if (text_bytes > kMostTextBytes) {
            frame = {};
        }
        if (named.frames.size() < kMostFrames) {
            named.frames.push_back(std::move(frame));
        }
    };
    for (const std::uint64_t address : addresses) {
        StackFrame compiled;
        const std::uint64_t place = impl_->modules.in_module(address);
        if (Dwfl_Module* module = impl_->modules.module_at(place)) {
            std::ranges::for_each(frames_at(impl_->modules, module, place), add);
        } else if (impl_->compiled.name(address, compiled)) {
            add(std::move(compiled));
        } else {
            const MappedFile* mapped = impl_->modules.mapped_at(address);
            StackFrame unknown;
            unknown.module = mapped != nullptr ? mapped->path : std::string();
            unknown.offset = mapped != nullptr ? address - mapped->start + mapped->offset : address;
            named.wants_perf_map = named.wants_perf_map || mapped == nullptr;
            add(std::move(unknown));
        }
    }
    named.wanted = impl_->modules.wanted();
    return named;
}

} // namespace tcpledger
