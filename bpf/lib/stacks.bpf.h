/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stack of a thread that opens a socket, taken in its own context: its registers and the upper
 * end of its user stack, as they are. They are unwound in user space, for programs are built
 * without frame pointers. Only where stacks are wanted; else none of this is in the programs.
 */
#ifndef TCPLEDGER_STACKS_BPF_H
#define TCPLEDGER_STACKS_BPF_H

#include "compat.bpf.h"
#include "registers.bpf.h"
#include "socket.bpf.h"

#include "../shared/stack.h"

/* Set between open and load. stacks_of_cgroup: only of processes in this cgroup; 0: of all. */
const volatile bool want_stacks = 0;
const volatile __u64 stacks_of_cgroup = 0;

/*
 * How many stacks of one process, and of one place in it, are taken in one window of time. What is
 * opened more often is sampled: a place that leaks is among the first of its window.
 */
const volatile __u32 stacks_of_process = 200;
const volatile __u32 stacks_of_place = 20;
#define WINDOW_SHIFT 30 /* windows of 2^30 ns, 1.07 s */

/*
 * Records (struct tl_stack) for the stack thread in user space, the one reader; written by the
 * programs that see an opening. When it is full a stack is not taken, and is counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} stacks SEC(".maps");

/* `place` is told apart by the depth of the stack: the same path has the same, in every thread. */
struct stack_place {
	__u32 tgid;
	__u32 place;
};
#define WHOLE_PROCESS 0xffffffffU

struct stack_share {
	__u64 window;
	__u32 taken;
	__u32 padding;
};

/*
 * key: a process and a place in it, or the process as a whole. value: what it has had of this
 * window. Written and read by within_share(); when it is full the oldest go, and begin anew.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct stack_place);
	__type(value, struct stack_share);
} stack_shares SEC(".maps");

/* key: 0. value: what this CPU took and left out. Read by user space; one element. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tl_stack_counters);
} stack_counters SEC(".maps");

/* Two CPUs may count at once and lose a count: a share is no promise to the last stack. */
static __always_inline bool within_share(__u32 tgid, __u32 place, __u32 share, __u64 window)
{
	struct stack_place key = {tgid, place};
	struct stack_share *had = bpf_map_lookup_elem(&stack_shares, &key);

	if (!had) {
		struct stack_share first = {window, 1, 0};

		bpf_map_update_elem(&stack_shares, &key, &first, BPF_ANY);
		return true;
	}
	if (had->window != window) {
		had->window = window;
		had->taken = 0;
	}
	if (had->taken >= share)
		return false;
	++had->taken;
	return true;
}

/* Whether this opening's stack is to be taken: a cheap look before anything is copied. */
static __always_inline bool wants_stack_of(const struct task_struct *task,
					   const struct pt_regs *regs, __u64 time_ns)
{
	__u64 window = time_ns >> WINDOW_SHIFT;

	if (task->flags & PF_KTHREAD_FLAG)
		return false;
	if (stacks_of_cgroup && task->cgroups->dfl_cgrp->kn->id != stacks_of_cgroup)
		return false;
	return within_share(task->tgid, stack_pointer(regs) & 0xffff, stacks_of_place, window) &&
	       within_share(task->tgid, WHOLE_PROCESS, stacks_of_process, window);
}

#define USER_PAGE_BYTES 4096U

/*
 * Page by page, for a read that meets the end of the stack fails as a whole; while there is room
 * for a whole page, which is what the verifier can follow. Returns the bytes that were read.
 */
static __always_inline __u32 copy_stack(__u8 *to, __u64 from)
{
	__u32 done = 0;

#pragma clang loop unroll(full)
	for (int page = 0; page < TL_STACK_BYTES / USER_PAGE_BYTES; ++page) {
		__u32 size = USER_PAGE_BYTES - ((from + done) & (USER_PAGE_BYTES - 1));

		if (done > TL_STACK_BYTES - USER_PAGE_BYTES)
			break;
		if (bpf_probe_read_user(to + done, size, (const void *)(from + done)))
			break;
		done += size;
	}
	return done;
}

static __always_inline void fill_stack(struct tl_stack *out, const struct task_struct *task,
				       const struct pt_regs *regs)
{
	out->start_ns = task->group_leader->start_boottime;
	out->tgid = task->tgid;
	out->tid = task->pid;
	fill_registers(out->registers, regs);
	out->stack_bytes = copy_stack(out->stack, stack_pointer(regs));
}

static __always_inline struct tl_stack_counters *stack_counters_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stack_counters, &zero);
}

/* The socket with this cookie is opened by the current thread, whose registers are `regs`. */
static __always_inline void send_stack(__u64 cookie, __u32 opening, const struct task_struct *task,
				       const struct pt_regs *regs)
{
	struct tl_stack_counters *counts = stack_counters_here();
	__u64 time_ns = bpf_ktime_get_ns();

	if (!counts)
		return;
	if (!wants_stack_of(task, regs, time_ns)) {
		__sync_fetch_and_add(&counts->over_budget, 1);
		return;
	}
	struct tl_stack *out = bpf_ringbuf_reserve(&stacks, sizeof(*out), 0);

	if (!out) {
		__sync_fetch_and_add(&counts->lost_ring_full, 1);
		return;
	}
	out->time_ns = time_ns;
	out->cookie = cookie;
	out->opening = opening;
	fill_stack(out, task, regs);
	__sync_fetch_and_add(&counts->taken, 1);
	/* At once: the program may be gone before its mappings have been read. */
	bpf_ringbuf_submit(out, BPF_RB_FORCE_WAKEUP);
}

/* bpf_task_pt_regs() is from 5.15; before that there are no stacks. */
static __always_inline void take_stack(struct sock *sk, __u32 opening)
{
	if (!want_stacks || !bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return;
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(task);

	send_stack(lasting_cookie(sk), opening, task, regs);
}

#endif /* TCPLEDGER_STACKS_BPF_H */
