/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Adds up the half-open requests of listeners, each of which keeps their number. */
#ifndef TCPLEDGER_LISTENERS_BPF_H
#define TCPLEDGER_LISTENERS_BPF_H

#include "compat.bpf.h"

#include "../shared/listeners.h"

/* Written by both sides, but never at a time: the program runs inside the reader's read(2). */
struct tl_listeners listeners;

/* 1 after the last listener: read no further. */
static __always_inline int on_tcp_socket(struct sock_common *common)
{
	if (!common)
		return 0;
	if (common->skc_state != TCP_LISTEN)
		return 1;
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(common);

	if (tcp)
		listeners.requests += tcp->inet_conn.icsk_accept_queue.qlen.counter;
	return ++listeners.seen >= listeners.expected;
}

#endif /* TCPLEDGER_LISTENERS_BPF_H */
