/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When a transition happened. To read the clock is what the program costs most: the processor waits
 * for all earlier loads. Before a packet changes anything the kernel has read it, and left what it
 * read in the socket: tcp_mstamp_refresh() is the first that tcp_rcv_established() and
 * tcp_rcv_state_process() do, as well as the timers. From there to the tracepoint it is a
 * microsecond or two.
 */
#ifndef TCPLEDGER_MOMENT_BPF_H
#define TCPLEDGER_MOMENT_BPF_H

#include "compat.bpf.h"

/*
 * True for the ways that only a packet leads. The last is also that of a timer, and of close()
 * where the kernel has no memory for one more orphan, which has just tried to send. Not FIN_WAIT2 →
 * CLOSE, though the peer's FIN may be what brings it: a hook has told of the mini-socket before it,
 * by the clock, and must stay before it.
 */
static __always_inline bool is_by_packet(const struct sock *sk, int old_state, int new_state)
{
	return new_state == TCP_ESTABLISHED || new_state == TCP_CLOSE_WAIT ||
	       new_state == TCP_FIN_WAIT2 || new_state == TCP_CLOSING ||
	       (old_state == TCP_LAST_ACK && new_state == TCP_CLOSE && !sk->sk_err &&
		(sk->__sk_common.skc_flags & (1UL << SOCK_DEAD)));
}

/* 0: nobody has read it yet, as where TCP_REPAIR or TCP Fast Open does what a packet does. */
static __always_inline __u64 packet_moment(struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	return tcp && bpf_core_field_exists(tcp->tcp_clock_cache) ? tcp->tcp_clock_cache : 0;
}

/* Nanoseconds of CLOCK_MONOTONIC. */
static __always_inline __u64 moment_of(struct sock *sk, int old_state, int new_state)
{
	__u64 moment = is_by_packet(sk, old_state, new_state) ? packet_moment(sk) : 0;

	return moment ? moment : bpf_ktime_get_ns();
}

#endif /* TCPLEDGER_MOMENT_BPF_H */
