// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/helper.hpp"

#include "stacks/dwfl_program.hpp"
#include "stacks/messages.hpp"
#include "stacks/sandbox.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace tcpledger {
namespace {

constexpr std::chrono::milliseconds kForEver{-1};

/// The programs that are known, by number.
class Programs {
public:
    /// Nothing where the request wants no answer.
    [[nodiscard]] std::optional<Answer> handle(Request request, std::vector<UniqueFd> files)
    {
        return std::visit([&](auto& message) { return on(message, files); }, request);
    }

private:
    using MaybeAnswer = std::optional<Answer>;

    MaybeAnswer on(KnowProgram& message, std::vector<UniqueFd>& files)
    {
        const std::uint32_t number = message.program;
        programs_.insert_or_assign(number,
                                   std::make_unique<DwflProgram>(std::move(message), files));
        return std::nullopt;
    }
    MaybeAnswer on(const KnowDebugFile& message, std::vector<UniqueFd>& files)
    {
        if (DwflProgram* program = find(message.program); program != nullptr && !files.empty()) {
            program->add_debug_file(message.mapped, std::move(files.front()));
        }
        return std::nullopt;
    }
    MaybeAnswer on(const KnowPerfMap& message, std::vector<UniqueFd>& files)
    {
        if (DwflProgram* program = find(message.program); program != nullptr && !files.empty()) {
            program->set_perf_map(files.front());
        }
        return std::nullopt;
    }
    MaybeAnswer on(const ForgetProgram& message, std::vector<UniqueFd>& /*files*/)
    {
        programs_.erase(message.program);
        return std::nullopt;
    }
    MaybeAnswer on(const Unwind& message, std::vector<UniqueFd>& /*files*/)
    {
        DwflProgram* program = find(message.program);
        return Answer(program != nullptr ? program->unwind(message) : Unwound());
    }
    MaybeAnswer on(const Name& message, std::vector<UniqueFd>& /*files*/)
    {
        DwflProgram* program = find(message.program);
        return Answer(program != nullptr ? program->name(message.addresses) : Named());
    }

    DwflProgram* find(std::uint32_t number)
    {
        const auto found = programs_.find(number);
        return found != programs_.end() ? found->second.get() : nullptr;
    }

    std::map<std::uint32_t, std::unique_ptr<DwflProgram>> programs_;
};

} // namespace

void serve_stacks(const Channel& channel)
{
    Programs programs;
    while (std::optional<Parcel> parcel = channel.receive(kForEver)) {
        std::optional<Request> request = decode_request(parcel->bytes);
        if (!request) {
            return;
        }
        const auto answer = programs.handle(std::move(*request), std::move(parcel->files));
        if (answer && !channel.send(encode(*answer), {}, kForEver)) {
            return;
        }
    }
}

int run_stack_helper()
{
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(STDIN_FILENO); // our owner's streams are not to be held open by us
    ::close(STDOUT_FILENO);
    (void)::syscall(SYS_close_range, kStackHelperFd + 1, ~0U, 0);
    (void)::setpriority(PRIO_PROCESS, 0, 0); // whatever our owner's is
    if (!enter_sandbox()) {
        return 1;
    }
    serve_stacks(Channel(UniqueFd(kStackHelperFd)));
    ::_exit(0); // nothing is worth tidying up
}

} // namespace tcpledger
