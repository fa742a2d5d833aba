// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Walks a copied stack by libdwfl. Internal to stacks/.
#pragma once

#include "stacks/dwfl_modules.hpp"
#include "stacks/messages.hpp"
#include "stacks/perf_map.hpp"

#include <cstdint>
#include <map>

namespace tcpledger {

class DwflUnwinder {
public:
    explicit DwflUnwinder(DwflModules& modules) : modules_(modules) {}

    [[nodiscard]] Unwound unwind(const Unwind& request, const PerfMap& compiled);

private:
    [[nodiscard]] bool attach();
    [[nodiscard]] bool has_table(std::uint64_t address);
    [[nodiscard]] StackHow how_of(const Unwound& unwound, bool to_the_end);

    // What libdwfl asks while it walks; the argument is the unwinder.
    static pid_t next_thread(Dwfl* dwfl, void* self, void** thread);
    static bool get_thread(Dwfl* dwfl, pid_t tid, void* self, void** thread);
    static bool read_memory(Dwfl* dwfl, Dwarf_Addr address, Dwarf_Word* word, void* self);
    static bool set_registers(Dwfl_Thread* thread, void* self);
    static int take_frame(Dwfl_Frame* frame, void* self);

    DwflModules& modules_;
    std::uint64_t attached_to_ = 0; ///< generation of modules_
    std::map<std::uint64_t, bool> tables_;
    const Unwind* request_ = nullptr; ///< while it is walked
    std::uint64_t stack_begin_ = 0;
    Unwound unwound_;
    bool lacks_memory_ = false; ///< asked for what was not copied
};

} // namespace tcpledger
