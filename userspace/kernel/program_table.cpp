// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/program_table.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

constexpr unsigned kAny = 12; // BPF trampolines pass no more

// clang-format off: a row's two halves, what it is and what it means, stay apart
constexpr ProgramEntry kPrograms[] = {
    {BpfObject::kTracer, Tells::kTransitions, true,
     "tp_btf__inet_sock_set_state", "tp_btf/inet_sock_set_state", nullptr, {},
     "every state transition", "nothing works without it"},
    {BpfObject::kTracer, Tells::kNestedTransitions, true,
     "tp_btf__inet_sock_set_state_nested", "tp_btf/inet_sock_set_state", nullptr, {},
     "what interrupts the first on its CPU, once that was seen", "nothing: it must load"},
    {BpfObject::kTracer, Tells::kProcessEnd, true,
     "tp_btf__sched_process_exit", "tp_btf/sched_process_exit", nullptr, {},
     "ends of processes", "nothing: it must load"},
    {BpfObject::kTracer, Tells::kProcessExec, true,
     "tp_btf__sched_process_exec", "tp_btf/sched_process_exec", nullptr, {},
     "new programs under a pid", "nothing: it must load"},
    {BpfObject::kHolders, Tells::kHolders, false,
     "iter__task_file", "iter/task_file", nullptr, {},
     "who holds which socket", "a walk of /proc"},
    {BpfObject::kHolders, Tells::kTaskNetns, false,
     "iter__task", "iter/task", nullptr, {},
     "which network namespaces there are", "those of processes that may be looked at"},
    {BpfObject::kListeners, Tells::kRequests, false,
     "iter__tcp", "iter/tcp", nullptr, {},
     "how many half-open connections wait", "lists of them, which take longer to come by"},
    {BpfObject::kNamespaces, Tells::kNetnsEnd, false,
     "iter__bpf_map_elem", "iter/bpf_map_elem", nullptr, {},
     "which network namespaces have ended", "those that no look finds any more"},
    {BpfObject::kRefined, Tells::kAccept, false,
     "fexit__inet_csk_accept_2", "fexit/inet_csk_accept", "inet_csk_accept", {2, 2},
     "who accepted, at once", "the next sweep: who holds it"},
    {BpfObject::kRefined, Tells::kAccept, false,
     "fexit__inet_csk_accept_4", "fexit/inet_csk_accept", "inet_csk_accept", {4, 4},
     "who accepted, at once", "the next sweep: who holds it"},
    {BpfObject::kRefined, Tells::kTimeWaitBegin, false,
     "fexit__inet_twsk_alloc", "fexit/inet_twsk_alloc", "inet_twsk_alloc", {3, 3},
     "TIME_WAIT and FIN_WAIT2 after close, at once", "a conclusion, mended by the next sweep"},
    {BpfObject::kRefined, Tells::kTimeWaitMove, false,
     "fentry____inet_twsk_schedule", "fentry/__inet_twsk_schedule", "__inet_twsk_schedule", {3, kAny},
     "FIN_WAIT2 after close turns TIME_WAIT, at once", "the peer's end, or the next sweep"},
    {BpfObject::kRefined, Tells::kTimeWaitEnd, false,
     "fentry__inet_twsk_kill", "fentry/inet_twsk_kill", "inet_twsk_kill", {1, kAny},
     "the end of TIME_WAIT, at once", "the next sweep"},
    {BpfObject::kRefined, Tells::kRequestBegin, false,
     "fentry__inet_csk_reqsk_queue_hash_add", "fentry/inet_csk_reqsk_queue_hash_add",
     "inet_csk_reqsk_queue_hash_add", {2, kAny},
     "half-open SYN_RECV, at once", "the next sweep"},
    {BpfObject::kRefined, Tells::kRequestEnd, false,
     "fentry____inet_csk_reqsk_queue_drop", "fentry/__inet_csk_reqsk_queue_drop",
     "__inet_csk_reqsk_queue_drop", {2, kAny},
     "the end of half-open SYN_RECV, at once", "the next sweep"},
    {BpfObject::kRefined, Tells::kRequestEnd, false,
     "fentry__inet_csk_reqsk_queue_drop", "fentry/inet_csk_reqsk_queue_drop",
     "inet_csk_reqsk_queue_drop", {2, kAny},
     "its end but by its timer, at once", "the next sweep"},
    {BpfObject::kResets, Tells::kResetSent, false,
     "tp_btf__tcp_send_reset", "tp_btf/tcp_send_reset", nullptr, {},
     "resets that are sent, for life", "a conclusion from the last transition"},
    {BpfObject::kResets, Tells::kResetReceived, false,
     "tp_btf__tcp_receive_reset", "tp_btf/tcp_receive_reset", nullptr, {},
     "resets that are received, for life", "the socket's error"},
    {BpfObject::kAccepts, Tells::kAcceptStacks, false,
     "tp_btf__sys_exit", "tp_btf/sys_exit", nullptr, {},
     "where accept() was called from, for leaks and exec", "no stack of what is accepted"},
};
// clang-format on

} // namespace

std::span<const ProgramEntry> program_table()
{
    return kPrograms;
}

std::string misfit(const ProgramEntry& entry, const ParameterLookup& lookup)
{
    if (entry.function == nullptr) {
        return {};
    }
    const std::optional<unsigned> count = lookup(entry.function);
    if (!count) {
        return std::string("this kernel has no function ") + entry.function;
    }
    if (*count < entry.parameters.least || *count > entry.parameters.most) {
        return std::string("this kernel's ") + entry.function + "() takes " +
               std::to_string(*count) + " arguments";
    }
    return {};
}

std::vector<const ProgramEntry*> choose_programs(BpfObject object, const ParameterLookup& lookup)
{
    std::vector<const ProgramEntry*> chosen;
    for (const ProgramEntry& entry : kPrograms) {
        if (entry.object != object) {
            continue;
        }
        const auto rival = std::ranges::find(chosen, entry.tells, &ProgramEntry::tells);
        if (rival == chosen.end()) {
            chosen.push_back(&entry);
        } else if (!misfit(**rival, lookup).empty() && misfit(entry, lookup).empty()) {
            *rival = &entry;
        }
    }
    return chosen;
}

} // namespace tcpledger
