// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A call stack with names, as every part tells it on. It knows nothing of how it was got.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

/// How a stack was unwound.
enum class StackHow : std::uint8_t {
    kDwarf,         ///< by the programs' unwind tables (.eh_frame, .debug_frame), to its outermost
                    ///< frame
    kFramePointers, ///< some of it by frame pointers, where code has no tables (JIT)
    kPartial,       ///< it broke off before the outermost frame, or only its upper end was taken
};

/// "dwarf", "frame_pointers", "partial"
[[nodiscard]] constexpr std::string_view stack_how_name(StackHow how) noexcept
{
    switch (how) {
    case StackHow::kDwarf:
        return "dwarf";
    case StackHow::kFramePointers:
        return "frame_pointers";
    case StackHow::kPartial:
        return "partial";
    }
    return "partial";
}

/// Texts are raw bytes; what is not known is empty, or line 0.
struct StackFrame {
    std::string function; ///< demangled
    std::string file;
    std::uint32_t line = 0;
    std::string module;       ///< path as the process sees it; "[jit]" for what it compiled itself
    std::uint64_t offset = 0; ///< in the module, as its symbol table counts; else the address
    bool inlined = false;     ///< into the frame that follows

    bool operator==(const StackFrame&) const = default;
};

struct Stack {
    StackHow how = StackHow::kPartial;
    std::vector<StackFrame> frames; ///< innermost first
    /// What would give the names that are missing, a sentence each.
    std::vector<std::string> hints;

    bool operator==(const Stack&) const = default;
};

} // namespace tcpledger
