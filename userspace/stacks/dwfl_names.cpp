// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/dwfl_names.hpp"

#include "stacks/symbol_names.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>

namespace tcpledger {
namespace {

constexpr std::size_t kMostInlined = 64;
constexpr std::size_t kMostTextBytes = 512;

std::string text_of(const char* text)
{
    return text != nullptr ? std::string(text).substr(0, kMostTextBytes) : std::string();
}

struct FreeDeleter {
    void operator()(Dwarf_Die* dies) const { std::free(dies); } // NOLINT(*-no-malloc): libdw's rule
};

/// The scopes around an address as they lie in the code, innermost first.
class Scopes {
public:
    Scopes(Dwarf_Die* unit, Dwarf_Addr address)
    {
        Dwarf_Die* found = nullptr;
        if (dwarf_getscopes(unit, address, &found) <= 0) {
            return;
        }
        // Those of an inlined function go on with where it was written, not where it was put.
        const std::unique_ptr<Dwarf_Die, FreeDeleter> written(found);
        Dwarf_Die* around = nullptr;
        const int count = dwarf_getscopes_die(&found[0], &around);
        dies_.reset(around);
        count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    [[nodiscard]] std::span<Dwarf_Die> all() const { return {dies_.get(), count_}; }

private:
    std::unique_ptr<Dwarf_Die, FreeDeleter> dies_;
    std::size_t count_ = 0;
};

std::string function_of(Dwarf_Die* die)
{
    Dwarf_Attribute attribute;
    for (const unsigned name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
        if (dwarf_attr_integrate(die, name, &attribute) != nullptr) {
            return readable_function(text_of(dwarf_formstring(&attribute)));
        }
    }
    return text_of(dwarf_diename(die));
}

/// Where the function that was inlined as `die` was called.
void set_place_of_call(Dwarf_Die* unit, Dwarf_Die* die, StackFrame& frame)
{
    Dwarf_Attribute attribute;
    Dwarf_Word number = 0;
    if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &number) == 0) {
        frame.line = static_cast<std::uint32_t>(number);
    }
    Dwarf_Files* files = nullptr;
    std::size_t count = 0;
    if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &number) == 0 &&
        dwarf_getsrcfiles(unit, &files, &count) == 0 && number < count) {
        frame.file = text_of(dwarf_filesrc(files, number, nullptr, nullptr));
    }
}

void set_place_of_code(Dwfl_Module* module, std::uint64_t address, StackFrame& frame)
{
    Dwfl_Line* line = dwfl_module_getsrc(module, address);
    int number = 0;
    const char* file = line != nullptr
                           ? dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr)
                           : nullptr;
    if (file != nullptr) {
        frame.file = text_of(file);
        frame.line = static_cast<std::uint32_t>(std::max(number, 0));
    }
}

std::string symbol_at(Dwfl_Module* module, std::uint64_t address)
{
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* name =
        dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
    const bool is_in_it = name != nullptr && (symbol.st_size == 0 || offset < symbol.st_size);
    return is_in_it ? readable_function(text_of(name)) : std::string();
}

/// `frame` has module and place; one frame for each function that the code belongs to.
std::vector<StackFrame> by_scopes(Dwfl_Module* module, std::uint64_t address, StackFrame frame)
{
    std::vector<StackFrame> frames;
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias);
    if (unit == nullptr) {
        return frames;
    }
    const Scopes scopes(unit, address - bias);
    for (Dwarf_Die& die : scopes.all()) {
        const int tag = dwarf_tag(&die);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) {
            continue;
        }
        frame.function = function_of(&die);
        frame.inlined = tag == DW_TAG_inlined_subroutine;
        frames.push_back(frame);
        if (!frame.inlined || frames.size() == kMostInlined) {
            break;
        }
        set_place_of_call(unit, &die, frame);
    }
    return frames;
}

} // namespace

std::vector<StackFrame> frames_at(DwflModules& modules, Dwfl_Module* module, std::uint64_t address)
{
    StackFrame frame;
    if (const MappedFile* mapped = modules.mapped_at(address)) {
        frame.module = mapped->path;
    }
    GElf_Addr bias = 0;
    dwfl_module_getelf(module, &bias);
    frame.offset = address - bias;
    set_place_of_code(module, address, frame);
    std::vector<StackFrame> frames = by_scopes(module, address, frame);
    if (frames.empty() || frames.back().inlined || frames.back().function.empty()) {
        frame.function = symbol_at(module, address);
        frames.push_back(std::move(frame));
    }
    return frames;
}

} // namespace tcpledger
