/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes: a new program taken on, the last thread ended. */
#ifndef TCPLEDGER_LIFECYCLE_BPF_H
#define TCPLEDGER_LIFECYCLE_BPF_H

#include "compat.bpf.h"
#include "process.bpf.h"
#include "ring.bpf.h"

#include "../shared/events.h"

static __always_inline void send_process_event(struct task_struct *task, __u16 kind)
{
	__u64 time_ns = bpf_ktime_get_ns();
	struct tl_process_event *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	fill_header(&out->header, time_ns, kind, sizeof(*out));
	describe_process(&out->process, task);
	submit_record(out, time_ns);
}

/* sched_process_exit fires for each thread; signal->live is already 0 at the last. */
static __always_inline void on_process_exit(struct task_struct *task)
{
	if (task->signal->live.counter == 0)
		send_process_event(task, TL_RECORD_PROCESS_EXIT);
}

static __always_inline void on_process_exec(struct task_struct *task)
{
	send_process_event(task, TL_RECORD_PROCESS_EXEC);
}

#endif /* TCPLEDGER_LIFECYCLE_BPF_H */
