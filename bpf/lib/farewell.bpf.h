/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a socket says of itself when it goes: its figures, whether anybody had it, and who
 * closes it. Only for those who ask for whole lives.
 */
#ifndef TCPLEDGER_FAREWELL_BPF_H
#define TCPLEDGER_FAREWELL_BPF_H

#include "compat.bpf.h"
#include "process.bpf.h"

#include "../shared/events.h"

/*
 * Set between open and load: each → CLOSE of a connection comes as a tl_farewell, and who
 * closes says whether it is about to end. Without it none of this is in the program.
 */
const volatile bool tell_farewells = 0;

/* The TL_FLAG_* bits of a task that closes a socket. */
static __always_inline __u8 ending_flags(const struct task_struct *task)
{
	if (!(task->flags & PF_EXITING_FLAG))
		return 0;
	return TL_FLAG_EXITING | (task->exit_code & SIGNAL_OF_EXIT_CODE ? TL_FLAG_KILLED : 0);
}

/*
 * True where only close() or connect() itself, in the caller's context, can bring a socket in
 * this state to CLOSE: both directions are shut, but it has not yet been taken from its holder.
 */
static __always_inline bool is_closed_by_caller(const struct sock *sk, int old_state)
{
	return (old_state == TCP_ESTABLISHED || old_state == TCP_CLOSE_WAIT ||
		old_state == TCP_SYN_SENT) &&
	       sk->sk_shutdown == SHUTDOWN_BOTH && !sk->sk_err &&
	       !(sk->__sk_common.skc_flags & (1UL << SOCK_DEAD));
}

/* sock_graft(), after accept(), gives a socket; sock_orphan() takes it and leaves SOCK_DEAD. */
static __always_inline __u8 farewell_flags(const struct sock *sk)
{
	unsigned long flags = sk->__sk_common.skc_flags;
	__u8 told = 0;

	if ((flags & (1UL << SOCK_LINGER)) && !sk->sk_lingertime)
		told |= TL_FLAG_LINGERS_NOT;
	if (flags & (1UL << SOCK_DEAD))
		return told;
	barrier(); /* the two tests must stay two: no verifier takes arithmetic on the pointer */
	if (!sk->sk_socket)
		told |= TL_FLAG_NOT_ACCEPTED;
	return told;
}

/* Before tcp_disconnect() and the mini-socket: some of these are reset afterwards. */
static __always_inline void fill_figures(struct tl_farewell *out, struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	out->padding = 0;
	if (!tcp) {
		out->bytes_sent = out->bytes_retransmitted = out->bytes_received = 0;
		out->srtt_us = out->retransmits = 0;
		out->min_rtt_us = ~0U;
		return;
	}
	out->bytes_sent = tcp->bytes_sent;
	out->bytes_retransmitted = tcp->bytes_retrans;
	out->bytes_received = tcp->bytes_received;
	out->srtt_us = tcp->srtt_us >> 3;
	out->min_rtt_us = tcp->rtt_min.s[0].v;
	out->retransmits = tcp->total_retrans;
}

static __always_inline void fill_caller(struct tl_farewell *out, struct sock *sk, int old_state,
					struct task_struct *current)
{
	if (!is_closed_by_caller(sk, old_state)) {
		__builtin_memset(&out->process, 0, sizeof(out->process));
		return;
	}
	out->transition.flags |= TL_FLAG_CALLER | ending_flags(current);
	if (current->flags & PF_KTHREAD_FLAG)
		out->transition.flags |= TL_FLAG_KERNEL_THREAD;
	describe_process(&out->process, current);
}

#endif /* TCPLEDGER_FAREWELL_BPF_H */
