/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs that run on events. Each hands over to one function in lib/. */
#include "lib/compat.bpf.h"
#include "lib/lifecycle.bpf.h"
#include "lib/transition.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Every change of a TCP socket's state. Lies on the path of tcp_set_state() and
 * inet_sk_state_store(), before sk_state is written. As a BTF tracepoint its
 * signature has been the same since 5.10; the classic record's layout has not.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state, struct sock *sk, int old_state, int new_state)
{
	on_set_state(sk, old_state, new_state);
	return 0;
}

/*
 * The same tracepoint once more, attached behind the first program, and only once that one
 * was seen to be skipped: most hosts never pay for it. Takes what interrupted the first.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state_nested, struct sock *sk, int old_state, int new_state)
{
	on_nested_set_state(sk, old_state, new_state);
	return 0;
}

/*
 * The end of a process. In do_exit() before exit_files(): its sockets are closed
 * after this record. 6.16 added an argument behind the task.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(tp_btf__sched_process_exit, struct task_struct *task)
{
	on_process_exit(task);
	return 0;
}

/* A new program under the same pid. In exec_binprm(), after comm has changed; stable since 3.4. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp_btf__sched_process_exec, struct task_struct *task)
{
	on_process_exec(task);
	return 0;
}
