/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turns one call of inet_sock_set_state into a ring record. */
#ifndef TCPLEDGER_TRANSITION_BPF_H
#define TCPLEDGER_TRANSITION_BPF_H

#include "binding.bpf.h"
#include "compat.bpf.h"
#include "farewell.bpf.h"
#include "passing.bpf.h"
#include "process.bpf.h"
#include "ring.bpf.h"
#include "socket.bpf.h"

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

static __always_inline void fill_transition(struct tl_transition *out, struct sock *sk,
					    int old_state, int new_state)
{
	const struct sock_common *common = &sk->__sk_common;
	bool is_clone = old_state == TCP_LISTEN && new_state == TCP_SYN_RECV;

	out->cookie = is_clone ? 0 : lasting_cookie(sk);
	out->sock = (__u64)sk;
	fill_binding(out, sk);
	if (is_clone) {
		out->listener_sock = original_of_clone(sk);
		out->port_origin = TL_PORT_NOT_TOLD;
	}
	out->old_state = old_state;
	out->new_state = new_state;
	out->error = sk->sk_err;
	out->shutdown = sk->sk_shutdown;
	out->flags = socket_flags(common);
	fill_tuple(out, common);
	if (!out->local_port && new_state == TCP_CLOSE)
		out->local_port = remembered_port(sk);
}

static __always_inline __u64 send_transition(struct sock *sk, int old_state, int new_state)
{
	__u64 time_ns = bpf_ktime_get_ns();
	struct tl_transition *out = reserve_record(sizeof(*out));

	if (!out)
		return time_ns;
	fill_header(&out->header, time_ns, TL_RECORD_TRANSITION, sizeof(*out));
	fill_transition(out, sk, old_state, new_state);
	submit_record(out, time_ns);
	return time_ns;
}

static __always_inline __u64 send_owned_transition(struct sock *sk, int old_state, int new_state)
{
	struct task_struct *current = bpf_get_current_task_btf();
	__u64 time_ns = bpf_ktime_get_ns();
	struct tl_owned_transition *out = reserve_record(sizeof(*out));

	if (!out)
		return time_ns;
	fill_header(&out->transition.header, time_ns, TL_RECORD_OWNED_TRANSITION, sizeof(*out));
	fill_transition(&out->transition, sk, old_state, new_state);
	if (current->flags & PF_KTHREAD_FLAG)
		out->transition.flags |= TL_FLAG_KERNEL_THREAD;
	if (tell_farewells)
		out->transition.flags |= ending_flags(current);
	describe_process(&out->process, current);
	submit_record(out, time_ns);
	return time_ns;
}

static __always_inline __u64 send_farewell(struct sock *sk, int old_state)
{
	struct task_struct *current = bpf_get_current_task_btf();
	__u64 time_ns = bpf_ktime_get_ns();
	struct tl_farewell *out = reserve_record(sizeof(*out));

	if (!out)
		return time_ns;
	fill_header(&out->transition.header, time_ns, TL_RECORD_FAREWELL, sizeof(*out));
	fill_transition(&out->transition, sk, old_state, TCP_CLOSE);
	out->transition.flags |= farewell_flags(sk);
	fill_caller(out, sk, old_state, current);
	fill_figures(out, sk);
	submit_record(out, time_ns);
	return time_ns;
}

/* When it was, or 0 where it is left out. */
static __always_inline __u64 send_set_state(struct sock *sk, int old_state, int new_state)
{
	if (sk->sk_protocol != IPPROTO_TCP_NUMBER)
		return 0;
	/* SOCK_DESTROY of a listener stores CLOSE twice, in the destroyer's context. */
	if (old_state == new_state)
		return 0;
	if (!passes_transition(sk, old_state, new_state))
		return 0;
	if (tell_farewells && new_state == TCP_CLOSE && old_state != TCP_LISTEN)
		return send_farewell(sk, old_state);
	if (runs_in_caller(old_state, new_state))
		return send_owned_transition(sk, old_state, new_state);
	return send_transition(sk, old_state, new_state);
}

/* Set by user space before it attaches the second program. */
volatile __u32 catches_nested = 0;

/*
 * What on_set_state() leaves for on_nested_set_state(). A socket makes each transition once,
 * so `key` and `states` are those of no other one, however quickly addresses are used again.
 */
struct seen_transition {
	__u64 key;    /* cookie, or the address of a clone, which has none yet; 0: none */
	__u64 states; /* old << 8 | new */
	__u64 time_ns;
};

/* A mark that the second program has not taken by then, busy itself, says nothing any more. */
#define SEEN_LASTS_NS 1000000

/*
 * key: 0. value: the transitions that on_set_state() has seen on this CPU and
 * on_nested_set_state() not yet: one, and one more where a softirq runs between the two.
 * Written and read by these two alone; one element, so it cannot be full.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seen_transition[2]);
} seen SEC(".maps");

static __always_inline volatile struct seen_transition *seen_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&seen, &zero);
}

static __always_inline __u64 key_of(struct sock *sk, int old_state, int new_state)
{
	bool is_clone = old_state == TCP_LISTEN && new_state == TCP_SYN_RECV;

	return is_clone ? (__u64)sk : lasting_cookie(sk);
}

static __always_inline void mark_seen(struct sock *sk, int old_state, int new_state, __u64 now)
{
	volatile struct seen_transition *both = seen_here();

	if (!both)
		return;
	bool is_free = !both[0].key || now - both[0].time_ns > SEEN_LASTS_NS;
	volatile struct seen_transition *mark = is_free ? &both[0] : &both[1];

	mark->key = 0; /* a softirq may look while it is written */
	mark->states = old_state << 8 | new_state;
	mark->time_ns = now;
	mark->key = key_of(sk, old_state, new_state);
}

static __always_inline void on_set_state(struct sock *sk, int old_state, int new_state)
{
	__u64 sent_ns = send_set_state(sk, old_state, new_state);

	/* The clock is what costs most: read again only for what is left out. */
	if (catches_nested)
		mark_seen(sk, old_state, new_state, sent_ns ? sent_ns : bpf_ktime_get_ns());
}

/*
 * The kernel does not enter a program that runs on the same CPU already: a transition in a
 * softirq that interrupted on_set_state() is skipped. This is for a second program, called
 * next in line, which that softirq finds idle: it takes what the first has not seen.
 */
static __always_inline void on_nested_set_state(struct sock *sk, int old_state, int new_state)
{
	volatile struct seen_transition *both = seen_here();
	__u64 states = old_state << 8 | new_state;
	__u64 key = key_of(sk, old_state, new_state);

	if (!both)
		return;
	if (both[0].key == key && both[0].states == states) {
		both[0].key = 0;
	} else if (both[1].key == key && both[1].states == states) {
		both[1].key = 0;
	} else {
		count_caught_nested();
		send_set_state(sk, old_state, new_state);
	}
}

#endif /* TCPLEDGER_TRANSITION_BPF_H */
