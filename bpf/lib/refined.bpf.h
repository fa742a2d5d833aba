/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the tracepoint cannot tell: who accepts, and the life of mini-sockets
 * (half-open requests, TIME_WAIT, the FIN_WAIT2 that outlives close).
 */
#ifndef TCPLEDGER_REFINED_BPF_H
#define TCPLEDGER_REFINED_BPF_H

#include "binding.bpf.h"
#include "compat.bpf.h"
#include "process.bpf.h"
#include "ring.bpf.h"
#include "selection.bpf.h"
#include "socket.bpf.h"
#include "stacks.bpf.h"

#include "../shared/events.h"

/* A full socket as it is now; what tells of its end is left at 0. */
static __always_inline void fill_socket(struct tl_transition *out, struct sock *sk, __u8 old_state,
					__u8 new_state)
{
	out->cookie = lasting_cookie(sk);
	out->sock = (__u64)sk;
	fill_binding(out, sk, false);
	out->old_state = old_state;
	out->new_state = new_state;
	out->error = 0;
	out->shutdown = 0;
	out->flags = 0;
	out->netns_inum = inum_of_netns(&sk->__sk_common);
	fill_tuple(out, &sk->__sk_common);
}

/* `child` has just left the accept queue, in the context of the process that gets it. */
static __always_inline void on_accept(struct sock *child, bool for_kernel)
{
	if (!child || child->sk_protocol != IPPROTO_TCP_NUMBER || !passes(&child->__sk_common))
		return;
	struct task_struct *current = bpf_get_current_task_btf();
	__u64 time_ns = bpf_ktime_get_ns();
	struct tl_owned_transition *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	__u8 state = child->__sk_common.skc_state;

	fill_header(&out->transition.header, time_ns, TL_RECORD_ACCEPTED, sizeof(*out));
	fill_socket(&out->transition, child, state, state);
	if (for_kernel || (current->flags & PF_KTHREAD_FLAG))
		out->transition.flags = TL_FLAG_KERNEL_THREAD;
	describe_process(&out->process, current);
	submit_record(out, time_ns);
	if (!for_kernel)
		take_stack(child, TL_OPENED_BY_ACCEPT);
}

/* `sk` makes way for `tw`, unless that is NULL: then there was no room for it. */
static __always_inline void on_time_wait_made(struct sock *sk, int state,
					      struct inet_timewait_sock *tw)
{
	if (!tw || sk->sk_protocol != IPPROTO_TCP_NUMBER || !passes(&sk->__sk_common))
		return;
	__u64 time_ns = bpf_ktime_get_ns();
	struct tl_transition *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	fill_header(&out->header, time_ns, TL_RECORD_LEFT_BEHIND, sizeof(*out));
	fill_socket(out, sk, sk->__sk_common.skc_state, state);
	submit_record(out, time_ns);
}

static __always_inline void send_mini_socket(const struct sock_common *mini, const void *listener,
					     __u8 old_state, __u8 new_state)
{
	__u64 time_ns = bpf_ktime_get_ns();
	struct tl_transition *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	fill_header(&out->header, time_ns, TL_RECORD_MINI_SOCKET, sizeof(*out));
	out->cookie = 0;
	out->sock = (__u64)mini;
	out->listener_sock = (__u64)listener;
	out->port_origin = TL_PORT_NOT_TOLD;
	out->old_state = old_state;
	out->new_state = new_state;
	out->error = 0;
	out->shutdown = 0;
	out->flags = 0;
	out->netns_inum = inum_of_netns(mini);
	fill_tuple(out, mini);
	submit_record(out, time_ns);
}

/*
 * Only the FIN that ends FIN_WAIT2 and segments that come in TIME_WAIT set the timer
 * anew; in both cases the mini-socket is in TIME_WAIT by now.
 */
static __always_inline void on_time_wait_timer(struct inet_timewait_sock *tw, bool anew)
{
	if (anew && tw->tw_substate == TCP_TIME_WAIT)
		send_mini_socket(&tw->__tw_common, NULL, TCP_FIN_WAIT2, TCP_TIME_WAIT);
}

static __always_inline void on_time_wait_end(struct inet_timewait_sock *tw)
{
	send_mini_socket(&tw->__tw_common, NULL, tw->tw_substate, TCP_CLOSE);
}

static __always_inline void on_request(struct sock *listener, struct request_sock *request)
{
	if (listener->sk_protocol == IPPROTO_TCP_NUMBER)
		send_mini_socket(&request->__req_common, listener, TCP_LISTEN, TCP_NEW_SYN_RECV);
}

static __always_inline void on_request_end(struct sock *listener, struct request_sock *request)
{
	if (listener->sk_protocol == IPPROTO_TCP_NUMBER)
		send_mini_socket(&request->__req_common, listener, TCP_NEW_SYN_RECV, TCP_CLOSE);
}

#endif /* TCPLEDGER_REFINED_BPF_H */
