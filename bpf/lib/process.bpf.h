/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Describes a process by direct BTF reads; no probe_read, so that lockdown permits it. */
#ifndef TCPLEDGER_PROCESS_BPF_H
#define TCPLEDGER_PROCESS_BPF_H

#include "compat.bpf.h"

#include "../shared/events.h"
#include "../shared/lane.h"

/* Read directly: the helper answers for the current task alone and costs more. */
static __always_inline __u64 cgroup_id_of(const struct css_set *cgroups)
{
	return cgroups->dfl_cgrp->kn->id;
}

static __always_inline void describe_process(struct tl_process *out, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	out->start_ns = leader->start_boottime;
	out->cgroup_id = cgroup_id_of(task->cgroups);
	out->tgid = task->tgid;
	out->uid = task->cred->uid.val;
	__builtin_memcpy(out->comm, leader->comm, sizeof(out->comm));
}

static __noinline void know_process(volatile struct tl_known_process *known,
				    const struct task_struct *leader, const struct cred *cred,
				    const struct css_set *cgroups)
{
	known->leader = (__u64)leader;
	known->cred = (__u64)cred;
	known->cgroups = (__u64)cgroups;
	known->start_ns = leader->start_boottime;
	known->cgroup_id = cgroup_id_of(cgroups);
	known->tgid = leader->tgid;
	known->uid = cred->uid.val;
}

/*
 * What tells of a process lies far apart in the kernel's memory, and is seldom in the cache: of
 * the one that was described just before, only what may have changed is read again.
 */
static __always_inline void describe_known_process(struct tl_process *out, struct task_struct *task,
						   volatile struct tl_known_process *known)
{
	const struct task_struct *leader = task->group_leader;
	const struct cred *cred = task->cred;
	const struct css_set *cgroups = task->cgroups;

	if (known->leader != (__u64)leader || known->cred != (__u64)cred ||
	    known->cgroups != (__u64)cgroups || known->tgid != (__u32)task->tgid)
		know_process(known, leader, cred, cgroups);
	out->start_ns = known->start_ns;
	out->cgroup_id = known->cgroup_id;
	out->tgid = known->tgid;
	out->uid = known->uid;
	__builtin_memcpy(out->comm, leader->comm, sizeof(out->comm));
}

/*
 * True for the transitions that only the process itself can bring about, in its
 * own context: connect, listen, end of listening, close and shutdown. In all
 * others `current` is whoever the softirq interrupted.
 */
static __always_inline bool runs_in_caller(int old_state, int new_state)
{
	return old_state == TCP_CLOSE || (old_state == TCP_LISTEN && new_state == TCP_CLOSE) ||
	       (old_state == TCP_ESTABLISHED && new_state == TCP_FIN_WAIT1) ||
	       /* by TCP Fast Open: closed before the handshake is over */
	       (old_state == TCP_SYN_RECV && new_state == TCP_FIN_WAIT1) ||
	       (old_state == TCP_CLOSE_WAIT && new_state == TCP_LAST_ACK);
}

#endif /* TCPLEDGER_PROCESS_BPF_H */
