// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The table of our BPF programs: what each needs of a kernel, what it gives, and what
// takes its place where it does not load. It decides which ones are tried; loading is
// done elsewhere.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tcpledger {

/// The objects that programs are in.
enum class BpfObject { kTracer, kHolders, kListeners, kNamespaces, kRefined, kResets, kAccepts };

/// What a program tells. Of several programs that tell the same, one is enough: the first
/// of the table that fits the kernel.
enum class Tells {
    kTransitions,
    kNestedTransitions, ///< those that interrupt the program for the others
    kProcessEnd,
    kProcessExec,
    kHolders,
    kTaskNetns,     ///< in which network namespaces there are tasks
    kRequests,      ///< how many half-open connections wait
    kNetnsEnd,      ///< which network namespaces have ended
    kAccept,        ///< who accepted, at once
    kTimeWaitBegin, ///< which mini-socket a socket leaves behind
    kTimeWaitMove,  ///< its move from FIN_WAIT2 to TIME_WAIT
    kTimeWaitEnd,
    kRequestBegin, ///< a half-open connection
    kRequestEnd,
    kResetSent,
    kResetReceived,
    kAcceptStacks, ///< where accept() was called from
};

/// How many parameters a kernel function must have for our program to read them rightly.
struct ParameterCount {
    unsigned least = 0;
    unsigned most = 0;
};

struct ProgramEntry {
    BpfObject object;
    Tells tells;
    bool required;       ///< nothing works without it
    const char* program; ///< its name in the object
    const char* section; ///< "fexit/inet_csk_accept"
    /// The function it is attached to and its parameters; null: no question of BTF.
    const char* function;
    ParameterCount parameters;
    const char* gives;
    const char* falls_back_to;
};

/// All programs that tracing uses; those that tell the same stand together, the better first.
[[nodiscard]] std::span<const ProgramEntry> program_table();

/// The number of parameters of a kernel function, or nothing: no such function is known.
using ParameterLookup = std::function<std::optional<unsigned>(const char* function)>;

/// Why the kernel cannot have this program, or an empty text: it is worth trying.
[[nodiscard]] std::string misfit(const ProgramEntry& entry, const ParameterLookup& lookup);

/// For each thing that programs of `object` tell, the entry to try: the first that fits, or
/// where none does, the first.
[[nodiscard]] std::vector<const ProgramEntry*> choose_programs(BpfObject object,
                                                               const ParameterLookup& lookup);

} // namespace tcpledger
