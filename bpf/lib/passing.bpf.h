/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a transition may be shown: the cases, applied to what is known of it at this moment. */
#ifndef TCPLEDGER_PASSING_BPF_H
#define TCPLEDGER_PASSING_BPF_H

#include "compat.bpf.h"
#include "marks.bpf.h"
#include "process.bpf.h"
#include "selection.bpf.h"
#include "socket.bpf.h"

#define EVERY_COOKIE (~0ULL)

/*
 * Set between open and load. asks_process: a case names a process. pass_last_acks: also each end
 * out of LAST_ACK, which tells of the other end's TIME_WAIT.
 */
const volatile bool asks_process = 0;
const volatile bool pass_last_acks = 0;

/*
 * Sockets with a cookie up to this were there before all listeners of the named processes were
 * marked: they may be theirs without a mark. Every socket, until user space says better.
 */
volatile __u64 oldest_marked_cookie = EVERY_COOKIE;

/* A connection of MPTCP has the descriptor and the mark, its TCP sockets have neither. */
static __always_inline bool is_of_mptcp(struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp || !bpf_core_field_exists(struct tcp_sock, is_mptcp))
		return false;
	return tcp->is_mptcp;
}

/* Whether the socket may be on the books of a process that a case names. */
static __always_inline bool may_be_theirs(struct sock *sk, int old_state, int new_state,
					  bool is_clone)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;

	if (is_marked(sk))
		return true;
	if (runs_in_caller(old_state, new_state) && is_any_process(bpf_get_current_task_btf())) {
		mark(sk);
		return true;
	}
	if (oldest_marked_cookie == EVERY_COOKIE || is_of_mptcp(sk))
		return true;
	return !is_clone && cookie && cookie <= oldest_marked_cookie;
}

static __noinline bool fits_a_case(struct sock *sk, int old_state, int new_state)
{
	struct socket_facts facts;
	bool is_clone = old_state == TCP_LISTEN && new_state == TCP_SYN_RECV;

	if (pass_last_acks && old_state == TCP_LAST_ACK && new_state == TCP_CLOSE)
		return true;
	learn_tuple(&facts, &sk->__sk_common);
	facts.listens = new_state == TCP_LISTEN || (old_state == TCP_LISTEN && !is_clone);
	/* A clone's cookie is still the listener's. One that nobody has asked for is no case's. */
	facts.cookie = sk->__sk_common.skc_cookie.counter;
	if (is_clone || !facts.cookie)
		facts.cookie = EVERY_COOKIE;
	if (is_clone) { /* its remote end is set in pieces, on some kernels later */
		facts.remote_port = 0;
		if (facts.family == AF_INET6)
			facts.address_family = 0;
	}
	/* What waits for its local port is told by the next transition, whatever it is. */
	if (old_state == TCP_SYN_SENT)
		facts.local_port = 0;
	else if (!facts.local_port && new_state == TCP_CLOSE)
		facts.local_port = remembered_port(sk);
	if (asks_process)
		facts.is_theirs = may_be_theirs(sk, old_state, new_state, is_clone);
	return is_any_case(&facts);
}

static __always_inline bool passes_transition(struct sock *sk, int old_state, int new_state)
{
	return !case_count || fits_a_case(sk, old_state, new_state);
}

#endif /* TCPLEDGER_PASSING_BPF_H */
