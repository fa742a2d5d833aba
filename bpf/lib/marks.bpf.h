/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which sockets are those of the processes that the cases name. Most transitions run in whatever
 * context a softirq has interrupted, so the socket itself must remember: it is marked when such a
 * process connects, listens, closes, or is seen to have a descriptor of it.
 */
#ifndef TCPLEDGER_MARKS_BPF_H
#define TCPLEDGER_MARKS_BPF_H

#include "compat.bpf.h"
#include "selection.bpf.h"

/*
 * key: a socket. value: 1. Written by the tracer's programs and iter/task_file, read by the
 * tracer's, deleted by the kernel with the socket; bounded by the sockets of those processes. A
 * clone is born with its listener's mark. Not made where no case names a process.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u8);
} marked SEC(".maps");

static __always_inline bool is_process(const volatile struct tl_case *one,
				       const struct task_struct *task)
{
	return names_process(one) && (!one->pid || one->pid == (__u32)task->tgid) &&
	       (!one->cgroup_id || one->cgroup_id == task->cgroups->dfl_cgrp->kn->id) &&
	       (!one->has_uid || one->uid == task->cred->uid.val);
}

/* Whether a case names this process. */
static __always_inline bool is_any_process(const struct task_struct *task)
{
#pragma clang loop unroll(full)
	for (__u32 number = 0; number < TL_MAX_CASES; ++number) {
		if (number < case_count && is_process(&cases[number], task))
			return true;
	}
	return false;
}

/* False also where there is no memory for it: then its next descriptor's walk marks it. */
static __always_inline bool mark(struct sock *sk)
{
	return bpf_sk_storage_get(&marked, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE) != NULL;
}

static __always_inline bool is_marked(struct sock *sk)
{
	return bpf_sk_storage_get(&marked, sk, NULL, 0) != NULL;
}

#endif /* TCPLEDGER_MARKS_BPF_H */
