/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turns one call of inet_sock_set_state into a ring record. */
#ifndef TCPLEDGER_TRANSITION_BPF_H
#define TCPLEDGER_TRANSITION_BPF_H

#include "binding.bpf.h"
#include "compat.bpf.h"
#include "farewell.bpf.h"
#include "lane.bpf.h"
#include "moment.bpf.h"
#include "namespaces.bpf.h"
#include "passing.bpf.h"
#include "process.bpf.h"
#include "ring.bpf.h"
#include "socket.bpf.h"
#include "stacks.bpf.h"

#include "../shared/events.h"

/*
 * The listener that a just cloned socket came from. inet_csk_clone_lock() sets
 * SYN_RECV before tcp_create_openreq_child() gives the clone list heads of its
 * own, so an empty list still points at the original's head. Only an address:
 * compared with that of a known listener, never read through.
 */
static __always_inline __u64 original_of_clone(const struct sock *clone)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)clone);

	if (!tcp)
		return 0;
	return (__u64)tcp->tsorted_sent_queue.next -
	       bpf_core_field_offset(struct tcp_sock, tsorted_sent_queue);
}

/* The TL_FLAG_* bits of a socket, but for those that tell of the current task. */
static __always_inline __u8 socket_flags(const struct sock_common *common)
{
	__u8 flags = 0;

	if (common->skc_flags & (1UL << SOCK_DONE))
		flags |= TL_FLAG_FIN_RECEIVED;
	if (common->skc_flags & (1UL << SOCK_DEAD))
		flags |= TL_FLAG_ORPHANED;
	return flags;
}

static __always_inline void send_netns_begin(__u32 inum, __u64 time_ns)
{
	struct tl_netns_begin *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	fill_header(&out->header, time_ns, TL_RECORD_NETNS_BEGIN, sizeof(*out));
	out->netns_inum = inum;
	out->padding = 0;
	submit_record(out, time_ns);
}

static __noinline __u32 noted_inum_of_netns(const struct net *netns, __u64 time_ns)
{
	__u32 inum = netns->ns.inum;

	if (note_namespace(netns, inum))
		send_netns_begin(inum, time_ns);
	return inum;
}

/*
 * The kernel counts a namespace's users beside its number, so that each socket that is made or
 * ends anywhere takes that cache line away: the lane remembers the number.
 */
static __always_inline __u32 known_inum_of_netns(volatile struct tl_lane *lane,
						 const struct net *netns, __u64 time_ns)
{
	if (lane->netns != (__u64)netns) {
		lane->netns = (__u64)netns;
		lane->netns_inum = noted_inum_of_netns(netns, time_ns);
	}
	return lane->netns_inum;
}

static __always_inline bool is_clone(int old_state, int new_state)
{
	return old_state == TCP_LISTEN && new_state == TCP_SYN_RECV;
}

/* 0 while the kernel has not settled it: then it is still the listener's. */
static __always_inline __u64 cookie_of(struct sock *sk, int old_state, int new_state)
{
	return is_clone(old_state, new_state) ? 0 : lasting_cookie(sk);
}

/* `lane`: taken by the caller, or NULL. */
static __always_inline void fill_transition(struct tl_transition *out, struct sock *sk,
					    const struct net *netns, int old_state, int new_state,
					    __u64 time_ns, __u64 cookie,
					    volatile struct tl_lane *lane)
{
	const struct sock_common *common = &sk->__sk_common;

	out->cookie = cookie;
	out->sock = (__u64)sk;
	fill_binding(out, sk, is_plain(lane));
	if (is_clone(old_state, new_state)) {
		out->listener_sock = original_of_clone(sk);
		out->port_origin = TL_PORT_NOT_TOLD;
	}
	out->old_state = old_state;
	out->new_state = new_state;
	out->error = sk->sk_err;
	out->shutdown = sk->sk_shutdown;
	out->flags = socket_flags(common);
	out->netns_inum = lane ? known_inum_of_netns(lane, netns, time_ns)
			       : noted_inum_of_netns(netns, time_ns);
	fill_tuple(out, common);
	if (!out->local_port && new_state == TCP_CLOSE)
		out->local_port = remembered_port(sk);
}

/* What the caller's own context adds. */
static __always_inline void flag_caller(struct tl_transition *out, struct task_struct *current,
					bool plain)
{
	if (current->flags & PF_KTHREAD_FLAG)
		out->flags |= TL_FLAG_KERNEL_THREAD;
	if (!plain && tell_farewells)
		out->flags |= ending_flags(current);
}

/* Each slot has room for either kind, so both share the code: there is less of it to fetch. */
static __always_inline void send_by_lane(struct sock *sk, const struct net *netns, int old_state,
					 int new_state, __u64 time_ns, __u64 cookie,
					 volatile struct tl_lane *lane, __u32 *index)
{
	struct tl_owned_transition *out = reserve_slot(lane, index);
	struct tl_record_header *header = (void *)out;

	if (!out)
		return;
	forget_what_is_old(lane, time_ns);
	fill_transition(&out->transition, sk, netns, old_state, new_state, time_ns, cookie, lane);
	if (runs_in_caller(old_state, new_state)) {
		struct task_struct *current = bpf_get_current_task_btf();

		fill_header(header, time_ns, TL_RECORD_OWNED_TRANSITION, sizeof(*out));
		flag_caller(&out->transition, current, is_plain(lane));
		describe_known_process(&out->process, current, &lane->known);
	} else {
		fill_header(header, time_ns, TL_RECORD_TRANSITION, sizeof(out->transition));
	}
	submit_slot(lane, header, index);
}

static __always_inline void send_transition(struct sock *sk, const struct net *netns, int old_state,
					    int new_state, __u64 time_ns)
{
	struct tl_transition *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	fill_header(&out->header, time_ns, TL_RECORD_TRANSITION, sizeof(*out));
	fill_transition(out, sk, netns, old_state, new_state, time_ns,
			cookie_of(sk, old_state, new_state), NULL);
	submit_record(out, time_ns);
}

static __always_inline void send_owned_transition(struct sock *sk, const struct net *netns,
						  int old_state, int new_state, __u64 time_ns)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct tl_owned_transition *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	fill_header(&out->transition.header, time_ns, TL_RECORD_OWNED_TRANSITION, sizeof(*out));
	fill_transition(&out->transition, sk, netns, old_state, new_state, time_ns,
			cookie_of(sk, old_state, new_state), NULL);
	flag_caller(&out->transition, current, false);
	describe_process(&out->process, current);
	submit_record(out, time_ns);
}

static __noinline void send_farewell(struct sock *sk, const struct net *netns, int old_state,
				     __u64 time_ns)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct tl_farewell *out = reserve_record(sizeof(*out));

	if (!out)
		return;
	fill_header(&out->transition.header, time_ns, TL_RECORD_FAREWELL, sizeof(*out));
	fill_transition(&out->transition, sk, netns, old_state, TCP_CLOSE, time_ns,
			lasting_cookie(sk), NULL);
	out->transition.flags |= farewell_flags(sk);
	fill_caller(out, sk, old_state, current);
	fill_figures(out, sk);
	submit_record(out, time_ns);
}

/* Out of line, and so out of the way of what runs at each event. */
static __noinline void send_by_ring(struct sock *sk, const struct net *netns, int old_state,
				    int new_state, __u64 time_ns)
{
	if (runs_in_caller(old_state, new_state))
		send_owned_transition(sk, netns, old_state, new_state, time_ns);
	else
		send_transition(sk, netns, old_state, new_state, time_ns);
}

static __noinline void take_connect_stack(struct sock *sk)
{
	take_stack(sk, TL_OPENED_BY_CONNECT);
}

/* `lane`: of the present CPU, or NULL. `index`: see lane_of(). */
static __always_inline void send_set_state(struct sock *sk, int old_state, int new_state,
					   __u64 time_ns, __u64 cookie,
					   volatile struct tl_lane *lane, __u32 *index)
{
	if (sk->sk_protocol != IPPROTO_TCP_NUMBER)
		return;
	/* SOCK_DESTROY of a listener stores CLOSE twice, in the destroyer's context. */
	if (old_state == new_state)
		return;
	/* Here, before the ways part: on each the verifier would follow it anew (README.md). */
	const struct net *netns = sk->__sk_common.skc_net.net;

	if (!is_plain(lane)) {
		if (!passes_transition(sk, old_state, new_state))
			return;
		if (tell_farewells && new_state == TCP_CLOSE && old_state != TCP_LISTEN) {
			send_farewell(sk, netns, old_state, time_ns);
			return;
		}
	}
	if (lane && take_lane(lane)) {
		send_by_lane(sk, netns, old_state, new_state, time_ns, cookie, lane, index);
		release_lane(lane);
	} else {
		send_by_ring(sk, netns, old_state, new_state, time_ns);
	}
	if (old_state == TCP_CLOSE && new_state == TCP_SYN_SENT)
		take_connect_stack(sk);
}

/* A mark that the second program has not taken by then, busy itself, says nothing any more. */
#define SEEN_LASTS_NS 1000000

/* What the socket of a transition is known by between the two programs. */
static __always_inline __u64 key_of(struct sock *sk, __u64 cookie)
{
	return cookie ? cookie : (__u64)sk;
}

static __always_inline void mark_seen(volatile struct tl_lane *lane, __u64 key, int old_state,
				      int new_state, __u64 now_ns)
{
	__u64 stamp = now_ns << 16 | old_state << 8 | new_state;
	bool is_free = !lane->seen[0].key || stamp - lane->seen[0].stamp > (__u64)SEEN_LASTS_NS
										   << 16;
	volatile struct tl_seen *mark = is_free ? &lane->seen[0] : &lane->seen[1];

	mark->key = 0; /* a softirq may look while it is written */
	mark->stamp = stamp;
	mark->key = key;
}

/* True: the first program has seen it. The mark is taken. */
static __always_inline bool take_mark(volatile struct tl_seen *mark, __u64 key, int old_state,
				      int new_state)
{
	if (mark->key != key || (__u16)mark->stamp != (old_state << 8 | new_state))
		return false;
	mark->key = 0;
	return true;
}

/* The clock first: the loads after it, which miss the cache, are done at a time. */
static __always_inline void on_set_state(struct sock *sk, int old_state, int new_state)
{
	__u64 now_ns = moment_of(sk, old_state, new_state);
	__u32 index;
	volatile struct tl_lane *lane = lane_of(bpf_get_smp_processor_id(), &index);

	if (!lane)
		return; /* cannot be */
	__u64 cookie = cookie_of(sk, old_state, new_state);

	send_set_state(sk, old_state, new_state, now_ns, cookie, lane, &index);
	mark_seen(lane, key_of(sk, cookie), old_state, new_state, now_ns);
}

/* Rare, and so out of the way of what runs at each event. */
static __noinline int catch_transition(struct sock *sk, int old_state, int new_state)
{
	count_caught_nested();
	send_set_state(sk, old_state, new_state, moment_of(sk, old_state, new_state), 0, NULL,
		       NULL);
	return 0;
}

/*
 * The kernel does not enter a program that runs on the same CPU already: a transition in a
 * softirq that interrupted on_set_state() is skipped. This is for a second program, called
 * next in line, which that softirq finds idle: it takes what the first has not seen.
 */
static __always_inline void on_nested_set_state(struct sock *sk, int old_state, int new_state)
{
	__u32 index;
	volatile struct tl_lane *lane = lane_of(bpf_get_smp_processor_id(), &index);
	__u64 key = key_of(sk, cookie_of(sk, old_state, new_state));

	if (!lane)
		return;
	if (!take_mark(&lane->seen[0], key, old_state, new_state) &&
	    !take_mark(&lane->seen[1], key, old_state, new_state))
		catch_transition(sk, old_state, new_state);
}

#endif /* TCPLEDGER_TRANSITION_BPF_H */
