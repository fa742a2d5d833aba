/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Describes a process by direct BTF reads; no probe_read, so that lockdown permits it. */
#ifndef TCPLEDGER_PROCESS_BPF_H
#define TCPLEDGER_PROCESS_BPF_H

#include "compat.bpf.h"

#include "../shared/events.h"

/* The cgroup is read directly: the helper answers for the current task alone and costs more. */
static __always_inline void describe_process(struct tl_process *out, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	out->start_ns = leader->start_boottime;
	out->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	out->tgid = task->tgid;
	out->uid = task->cred->uid.val;
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
