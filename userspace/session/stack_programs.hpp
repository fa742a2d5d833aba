// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The programs whose stacks are taken: what each has mapped, kept open so that an ended program can
// still be told, and the helper that reads it. Of the stack thread alone.
#pragma once

#include "base/stack.hpp"
#include "base/unique_fd.hpp"
#include "procfs/mappings.hpp"
#include "stacks/helper_process.hpp"

#include "shared/stack.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {

struct StackProgramsOptions {
    /// Ask the servers of DEBUGINFOD_URLS for what is not on this host.
    bool debuginfod = false;
};

class StackPrograms {
public:
    using Number = std::uint32_t;

    explicit StackPrograms(StackProgramsOptions options) : options_(options) {}

    /// Starts the helper, which takes some milliseconds, before the first stack comes.
    void prepare() { (void)has_helper(); }

    struct Unwinding {
        Number program = 0;
        Unwound unwound;
    };
    /// Nothing: the program was gone before its mappings could be read, or its files cannot be.
    [[nodiscard]] std::optional<Unwinding> unwind(const tl_stack& record);

    /// Without names where the program is not known any more.
    [[nodiscard]] Stack name(Number program, const Unwound& unwound);

private:
    struct Program {
        Number number = 0;
        std::uint32_t pid = 0;
        ProcessRoot root;
        FileIdentity executable;
        std::vector<ExecutableMapping> mappings;
        std::vector<MappedFile> mapped;
        std::vector<UniqueFd> files;
        std::map<std::uint32_t, UniqueFd> debug_files; ///< by index in `mapped`
        std::set<std::uint32_t> looked_for;            ///< likewise
        bool told = false;                             ///< to the helper that lives now
        int strikes = 0;                               ///< helpers that did not survive it
        std::chrono::steady_clock::time_point read_at;
    };
    using Key = std::pair<std::uint32_t, std::uint64_t>; ///< pid, start

    [[nodiscard]] Program* present(const Key& key);
    [[nodiscard]] Program* read(const Key& key);
    void forget_oldest();
    [[nodiscard]] bool has_changed(Program& program);
    [[nodiscard]] Program* find(Number number);
    [[nodiscard]] bool has_helper();
    [[nodiscard]] bool tell(Program& program);
    [[nodiscard]] std::optional<Unwound> ask(Program& program, const tl_stack& record);
    [[nodiscard]] std::optional<Named> ask(Program& program, const Name& request);
    void strike(Program& program);
    [[nodiscard]] bool find_debug_files(Program& program, std::span<const WantedDebugFile> wanted);
    [[nodiscard]] bool refresh_perf_map(Program& program);

    StackProgramsOptions options_;
    std::optional<HelperProcess> helper_;
    std::list<Program> programs_; ///< the last used first
    std::map<Key, Number> present_;
    Number last_number_ = 0;
};

} // namespace tcpledger
