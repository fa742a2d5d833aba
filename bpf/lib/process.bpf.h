/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Describes a process by direct BTF reads; no probe_read, so that lockdown permits it. */
#ifndef TCPLEDGER_PROCESS_BPF_H
#define TCPLEDGER_PROCESS_BPF_H

#include "compat.bpf.h"

#include "../shared/events.h"

/*
 * Fills all of `out` but the cgroup, which only the caller knows how to ask for:
 * the helper answers for the current task alone.
 */
static __always_inline void describe_process(struct tl_process *out, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	out->start_ns = leader->start_boottime;
	out->tgid = task->tgid;
	out->uid = task->cred->uid.val;
	__builtin_memcpy(out->comm, leader->comm, sizeof(out->comm));
}

static __always_inline void describe_current_process(struct tl_process *out,
						     struct task_struct *current)
{
	describe_process(out, current);
	out->cgroup_id = bpf_get_current_cgroup_id();
}

#endif /* TCPLEDGER_PROCESS_BPF_H */
