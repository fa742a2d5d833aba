// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is said between tcpledger and its stack helper, the process that reads other programs'
// files. Both ends take anything for possible: what cannot be read as a message is none.
#pragma once

#include "base/stack.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace tcpledger {

inline constexpr std::size_t kStackRegisters = 33;
inline constexpr std::size_t kMostStackBytes = 16384;
inline constexpr std::size_t kMostFrames = 256;
/// So many files can go along with one message (SCM_MAX_FD is 253).
inline constexpr std::size_t kMostFiles = 240;
inline constexpr std::size_t kMostMessageBytes = 160U << 10U;

/// An executable mapping of a file.
struct MappedFile {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0; ///< in the file, in bytes
    std::int32_t file = -1;   ///< which of the files that come along; -1: it could not be opened
    std::string path;         ///< as the process sees it

    bool operator==(const MappedFile&) const = default;
};

/// A program to be known under a number from now on; replaces what that number stood for.
struct KnowProgram {
    std::uint32_t program = 0;
    std::int32_t perf_map = -1; ///< which of the files that come along; -1: there is none
    std::vector<MappedFile> mapped;

    bool operator==(const KnowProgram&) const = default;
};

/// A separate debug file of one of the program's files; it comes along.
struct KnowDebugFile {
    std::uint32_t program = 0;
    std::uint32_t mapped = 0; ///< index in KnowProgram::mapped

    bool operator==(const KnowDebugFile&) const = default;
};

/// A newer list of what the program has compiled itself; it comes along.
struct KnowPerfMap {
    std::uint32_t program = 0;

    bool operator==(const KnowPerfMap&) const = default;
};

struct ForgetProgram {
    std::uint32_t program = 0;

    bool operator==(const ForgetProgram&) const = default;
};

struct Unwind {
    std::uint32_t program = 0;
    std::array<std::uint64_t, kStackRegisters> registers{}; ///< by DWARF number
    std::vector<std::byte> stack;                           ///< from the stack pointer on

    bool operator==(const Unwind&) const = default;
};

struct Name {
    std::uint32_t program = 0;
    std::vector<std::uint64_t> addresses; ///< of Unwound
    bool operator==(const Name&) const = default;
};

/// To the helper. The first four have no answer.
using Request = std::variant<KnowProgram, KnowDebugFile, KnowPerfMap, ForgetProgram, Unwind, Name>;

struct Unwound {
    StackHow how = StackHow::kPartial;
    /// An address in none of the mappings and none of the compiled code: they may have changed.
    bool strange = false;
    /// Innermost first, of the call itself: a return address less one.
    std::vector<std::uint64_t> addresses;

    bool operator==(const Unwound&) const = default;
};

/// A debug file that would give more names.
struct WantedDebugFile {
    std::uint32_t mapped = 0;
    std::string build_id;   ///< hexadecimal; may be empty
    std::string debug_link; ///< the file's name in .gnu_debuglink; may be empty

    bool operator==(const WantedDebugFile&) const = default;
};

struct Named {
    std::vector<StackFrame> frames; ///< those that were inlined stand for themselves
    std::vector<WantedDebugFile> wanted;
    bool wants_perf_map = false; ///< addresses in memory that is no file's

    bool operator==(const Named&) const = default;
};

/// From the helper.
using Answer = std::variant<Unwound, Named>;

[[nodiscard]] std::vector<std::byte> encode(const Request& request);
[[nodiscard]] std::vector<std::byte> encode(const Answer& answer);
/// Nothing: no such message.
[[nodiscard]] std::optional<Request> decode_request(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<Answer> decode_answer(std::span<const std::byte> bytes);

} // namespace tcpledger
