// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The leak rules: which kind of waiting a socket is in, how long is too long, and when those that
// waited too long are evidence of a leak. docs/leaks.md says the same to users. Pure, no memory.
#pragma once

#include "analysis/leak_sample.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tcpledger {

enum class LeakKind : std::uint8_t {
    kCloseWait,  ///< the peer has closed, this end has not
    kUnaccepted, ///< in the accept queue
    kInherited,  ///< held only by a child of the process that opened it
    kIdle,       ///< established and unused
    kFinWait2,   ///< this end has closed, the peer has not
    kSynSent,    ///< connect() without an answer
};

/// "close_wait", "unaccepted", …
[[nodiscard]] std::string_view leak_kind_name(LeakKind kind) noexcept;

enum class LeakVerdict : std::uint8_t { kSuspect, kLeak };
[[nodiscard]] std::string_view leak_verdict_name(LeakVerdict verdict) noexcept;

enum class LeakConfidence : std::uint8_t { kLow, kMedium, kHigh };
[[nodiscard]] std::string_view leak_confidence_name(LeakConfidence confidence) noexcept;

namespace leak_rules {

/// The kind of waiting that a socket is in; nothing for those that wait for nobody.
[[nodiscard]] std::optional<LeakKind> kind_of(const LeakSocket& socket) noexcept;

/// For how long it has been in its state at least: as watched, or as its last segment tells.
[[nodiscard]] LeakTime age_of(const LeakSocket& socket) noexcept;

/// For how long nothing has been done with it that makes the waiting worth while; nothing where
/// no dump has told.
[[nodiscard]] std::optional<LeakTime> waited(const LeakSocket& socket) noexcept;

/// What a wait must reach to be too long: a floor for the kind, or twice the longest wait of this
/// kind that has come to its end.
[[nodiscard]] LeakTime patience(const LeakSocket& socket, LeakTime longest) noexcept;

/// One socket that has waited too long.
struct Stuck {
    const LeakSocket* socket = nullptr;
    LeakTime waited{};
};

/// Those of one kind, process and peer.
struct Evidence {
    LeakKind kind = LeakKind::kCloseWait;
    bool passive = false;
    std::span<const Stuck> stuck;
    LeakTime patience{};  ///< the longest that any of them is granted
    bool answers = false; ///< SYN_SENT: the peer has answered others
};

struct Judgement {
    LeakVerdict verdict = LeakVerdict::kSuspect;
    LeakConfidence confidence = LeakConfidence::kLow;
    LeakTime span{}; ///< for so long they have been piling up
};

/// Nothing: no suspect.
[[nodiscard]] std::optional<Judgement> judge(const Evidence& evidence);

} // namespace leak_rules
} // namespace tcpledger
