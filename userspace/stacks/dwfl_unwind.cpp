// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/dwfl_unwind.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace tcpledger {
namespace {

#if defined(__x86_64__)
constexpr int kStackPointer = 7;
constexpr int kProgramCounter = 16;
constexpr unsigned kRegisters = 17; ///< as libdwfl knows them
#elif defined(__aarch64__)
constexpr int kStackPointer = 31;
constexpr int kProgramCounter = 32;
constexpr unsigned kRegisters = 32;
#endif

/// There is one thread in what libdwfl sees.
constexpr pid_t kThread = 1;

} // namespace

Unwound DwflUnwinder::unwind(const Unwind& request, const PerfMap& compiled)
{
    request_ = &request;
    stack_begin_ = request.registers[kStackPointer];
    unwound_ = {};
    lacks_memory_ = false;
    bool to_the_end = false;
    if (attach()) {
        // A return address that could not be read looks to libdwfl as if there were none.
        to_the_end = dwfl_getthread_frames(modules_.dwfl(), kThread, take_frame, this) == 0 &&
                     !lacks_memory_;
    } else {
        unwound_.addresses.push_back(request.registers[kProgramCounter] - 1);
    }
    request_ = nullptr;
    unwound_.how = how_of(unwound_, to_the_end);
    unwound_.strange = std::ranges::any_of(unwound_.addresses, [&](std::uint64_t address) {
        return modules_.mapped_at(address) == nullptr && !compiled.contains(address);
    });
    return std::move(unwound_);
}

bool DwflUnwinder::attach()
{
    static constexpr Dwfl_Thread_Callbacks kCallbacks = {.next_thread = next_thread,
                                                         .get_thread = get_thread,
                                                         .memory_read = read_memory,
                                                         .set_initial_registers = set_registers,
                                                         .detach = nullptr,
                                                         .thread_detach = nullptr};
    Dwfl* dwfl = modules_.dwfl();
    if (dwfl == nullptr) {
        return false;
    }
    if (attached_to_ != modules_.generation()) {
        if (!dwfl_attach_state(dwfl, nullptr, kThread, &kCallbacks, this)) {
            return false;
        }
        attached_to_ = modules_.generation();
    }
    return true;
}

StackHow DwflUnwinder::how_of(const Unwound& unwound, bool to_the_end)
{
    // Not every _start() says in its table that nothing called it.
    if (unwound.addresses.empty() ||
        (!to_the_end && !modules_.is_entry(unwound.addresses.back()))) {
        return StackHow::kPartial;
    }
    // The outermost frame was found, not left.
    const auto left = unwound.addresses.size() - 1;
    const bool by_tables = std::all_of(
        unwound.addresses.begin(), unwound.addresses.begin() + static_cast<std::ptrdiff_t>(left),
        [&](std::uint64_t address) { return has_table(address); });
    return by_tables ? StackHow::kDwarf : StackHow::kFramePointers;
}

bool DwflUnwinder::has_table(std::uint64_t address)
{
    constexpr std::size_t kMostKnown = 100'000;
    if (const auto known = tables_.find(address); known != tables_.end()) {
        return known->second;
    }
    bool found = false;
    if (Dwfl_Module* module = modules_.module_at(address)) {
        for (const auto table : {dwfl_module_eh_cfi, dwfl_module_dwarf_cfi}) {
            Dwarf_Addr bias = 0;
            Dwarf_CFI* cfi = table(module, &bias);
            Dwarf_Frame* frame = nullptr;
            if (cfi != nullptr && dwarf_cfi_addrframe(cfi, address - bias, &frame) == 0) {
                std::free(frame); // NOLINT(*-no-malloc): libdw's rule
                found = true;
                break;
            }
        }
    }
    if (tables_.size() < kMostKnown) {
        tables_.emplace(address, found);
    }
    return found;
}

pid_t DwflUnwinder::next_thread(Dwfl* /*dwfl*/, void* self, void** thread)
{
    if (*thread != nullptr) {
        return 0;
    }
    *thread = self;
    return kThread;
}

bool DwflUnwinder::get_thread(Dwfl* /*dwfl*/, pid_t /*tid*/, void* self, void** thread)
{
    *thread = self;
    return true;
}

bool DwflUnwinder::read_memory(Dwfl* /*dwfl*/, Dwarf_Addr address, Dwarf_Word* word, void* self)
{
    auto& unwinder = *static_cast<DwflUnwinder*>(self);
    const std::vector<std::byte>& stack = unwinder.request_->stack;
    const std::uint64_t at = address - unwinder.stack_begin_; // wraps below it
    if (stack.size() < sizeof(*word) || at > stack.size() - sizeof(*word)) {
        unwinder.lacks_memory_ = true;
        return false;
    }
    std::memcpy(word, stack.data() + at, sizeof(*word));
    return true;
}

bool DwflUnwinder::set_registers(Dwfl_Thread* thread, void* self)
{
    const auto& registers = static_cast<const DwflUnwinder*>(self)->request_->registers;
    dwfl_thread_state_register_pc(thread, registers[kProgramCounter]);
    return dwfl_thread_state_registers(thread, 0, kRegisters, registers.data());
}

int DwflUnwinder::take_frame(Dwfl_Frame* frame, void* self)
{
    auto& unwound = static_cast<DwflUnwinder*>(self)->unwound_;
    Dwarf_Addr address = 0;
    bool is_activation = false;
    if (!dwfl_frame_pc(frame, &address, &is_activation)) {
        return DWARF_CB_ABORT;
    }
    // The system call's own instruction lies before its program counter too.
    const bool is_next = unwound.addresses.empty() || !is_activation;
    unwound.addresses.push_back(is_next ? address - 1 : address);
    return unwound.addresses.size() < kMostFrames ? DWARF_CB_OK : DWARF_CB_ABORT;
}

} // namespace tcpledger
