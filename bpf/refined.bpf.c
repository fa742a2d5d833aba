/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Refinements of the tracer, by BPF trampolines (fentry, fexit), which not every kernel
 * allows. Loaded one by one where userspace/kernel/program_table.cpp says that they fit;
 * without one of them the next census tells what it would have told at once.
 */
#include "lib/compat.bpf.h"
#include "lib/refined.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * The end of accept(), accept4(), io_uring's and the kernel's own accept, for each listener
 * of TCP: in the context of whoever gets the connection. Kernels up to 6.9 pass
 * (sk, flags, err, kern), those from 6.10 on (sk, arg).
 */
SEC("fexit/inet_csk_accept")
int BPF_PROG(fexit__inet_csk_accept_4, struct sock *sk, int flags, int *err, bool kern,
	     struct sock *child)
{
	on_accept(child, kern);
	return 0;
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(fexit__inet_csk_accept_2, struct sock *sk, struct proto_accept_arg *arg,
	     struct sock *child)
{
	on_accept(child, arg->kern);
	return 0;
}

/*
 * In tcp_time_wait(), before the full socket's → CLOSE: `state` is the substate, FIN_WAIT2
 * or TIME_WAIT. Its result tells, as tcp_time_wait() itself does not, whether the
 * mini-socket was made at all (tcp_max_tw_buckets, no memory). Three arguments since 4.1.
 */
SEC("fexit/inet_twsk_alloc")
int BPF_PROG(fexit__inet_twsk_alloc, struct sock *sk, struct inet_timewait_death_row *row,
	     int state, struct inet_timewait_sock *tw)
{
	on_time_wait_made(sk, state, tw);
	return 0;
}

/* The peer's FIN reaches a mini-socket in FIN_WAIT2: tcp_timewait_state_process(). Since 4.4. */
SEC("fentry/__inet_twsk_schedule")
int BPF_PROG(fentry____inet_twsk_schedule, struct inet_timewait_sock *tw, int timeo, bool rearm)
{
	on_time_wait_timer(tw, rearm);
	return 0;
}

/*
 * Each end of a mini-socket: timer, reset, a new connection with its tuple, the end of its
 * namespace. inet_twsk_free() is called too, but its last reference may go elsewhere.
 */
SEC("fentry/inet_twsk_kill")
int BPF_PROG(fentry__inet_twsk_kill, struct inet_timewait_sock *tw)
{
	on_time_wait_end(tw);
	return 0;
}

/* A SYN makes a request in tcp_conn_request(); neither SYN cookies nor TCP Fast Open do. */
SEC("fentry/inet_csk_reqsk_queue_hash_add")
int BPF_PROG(fentry__inet_csk_reqsk_queue_hash_add, struct sock *sk, struct request_sock *req)
{
	on_request(sk, req);
	return 0;
}

/*
 * Each end of a request: handshake done, reset, timed out, listener gone. Where the static
 * function that all of these share is missing, the one that all but the timer share.
 */
SEC("fentry/__inet_csk_reqsk_queue_drop")
int BPF_PROG(fentry____inet_csk_reqsk_queue_drop, struct sock *sk, struct request_sock *req)
{
	on_request_end(sk, req);
	return 0;
}

SEC("fentry/inet_csk_reqsk_queue_drop")
int BPF_PROG(fentry__inet_csk_reqsk_queue_drop, struct sock *sk, struct request_sock *req)
{
	on_request_end(sk, req);
	return 0;
}
