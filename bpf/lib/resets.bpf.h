/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turns a reset that was sent or received into a ring record. */
#ifndef TCPLEDGER_RESETS_BPF_H
#define TCPLEDGER_RESETS_BPF_H

#include "compat.bpf.h"
#include "ring.bpf.h"
#include "socket.bpf.h"

#include "../shared/events.h"

/*
 * `sk` may be NULL, a request or a TIME_WAIT; verifiers before 6.13 believe that an argument of
 * a tracepoint never is NULL and drop a test of it. The helper asks for itself, on each kernel,
 * and what it returns is a full socket of TCP or NULL.
 */
static __always_inline void on_reset(void *sk, __u8 sent, __u32 reason)
{
	struct tcp_sock *tcp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;

	if (!tcp)
		return;
	struct sock *full = &tcp->inet_conn.icsk_inet.sk;

	if (full->sk_protocol != IPPROTO_TCP_NUMBER)
		return;
	__u64 time_ns = bpf_ktime_get_ns();
	struct tl_reset *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	fill_header(&out->header, time_ns, TL_RECORD_RESET, sizeof(*out));
	out->cookie = full->__sk_common.skc_cookie.counter;
	out->reason = reason;
	out->sent = sent;
	out->padding[0] = out->padding[1] = out->padding[2] = 0;
	submit_record(out, time_ns);
}

#endif /* TCPLEDGER_RESETS_BPF_H */
