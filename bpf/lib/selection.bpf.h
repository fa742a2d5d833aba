/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Leaves out events that no line can come of. Only what is certain: a socket of which something
 * is not known yet passes, and so does whatever tells the owner of one that may be shown.
 */
#ifndef TCPLEDGER_SELECTION_BPF_H
#define TCPLEDGER_SELECTION_BPF_H

#include "compat.bpf.h"
#include "socket.bpf.h"

#include "../shared/selection.h"

/*
 * Set between open and load. case_count: how many of `cases` there are; 0: everything passes, and
 * none of this is in the program.
 */
const volatile __u32 case_count = 0;
const volatile struct tl_case cases[TL_MAX_CASES];

/* A socket as far as the cases ask; 0: not known yet. */
struct socket_facts {
	__u64 cookie;
	__u32 netns_inum;
	__u16 local_port;
	__u16 remote_port;
	__u8 family;
	__u8 address_family;
	bool listens;	/* everything in its queue is on its owner's books */
	bool is_theirs; /* it may be of a process that a case names */
};

static __always_inline bool is_mapped(const struct in6_addr *address)
{
	return !address->in6_u.u6_addr32[0] && !address->in6_u.u6_addr32[1] &&
	       address->in6_u.u6_addr32[2] == bpf_htonl(0xffff);
}

/* A mini-socket's cookie is not its connection's on every kernel: left at 0, which passes. */
static __always_inline void learn_tuple(struct socket_facts *facts,
					const struct sock_common *common)
{
	facts->cookie = 0;
	facts->netns_inum = inum_of_netns(common);
	facts->local_port = common->skc_num;
	facts->remote_port = bpf_ntohs(common->skc_dport);
	facts->family = common->skc_family;
	facts->address_family = common->skc_family;
	if (common->skc_family == AF_INET6) {
		if (!common->skc_dport)
			facts->address_family = 0; /* a dual-stack listener serves both */
		else if (is_mapped(&common->skc_v6_daddr))
			facts->address_family = AF_INET;
	}
	facts->listens = false;
	facts->is_theirs = true;
}

static __always_inline bool names_process(const volatile struct tl_case *one)
{
	return one->pid || one->cgroup_id || one->has_uid;
}

static __always_inline bool is_case(const volatile struct tl_case *one,
				    const struct socket_facts *facts)
{
	if (one->netns_inum && one->netns_inum != facts->netns_inum)
		return false;
	if (facts->listens)
		return true;
	if (one->cookie && facts->cookie && one->cookie != facts->cookie)
		return false;
	if (names_process(one) && !facts->is_theirs)
		return false;
	if (one->family && one->family != facts->family)
		return false;
	if (one->address_family && facts->address_family &&
	    one->address_family != facts->address_family)
		return false;
	if (facts->local_port &&
	    (facts->local_port < one->local_port_min || facts->local_port > one->local_port_max))
		return false;
	return !facts->remote_port || (facts->remote_port >= one->remote_port_min &&
				       facts->remote_port <= one->remote_port_max);
}

static __always_inline bool is_any_case(const struct socket_facts *facts)
{
#pragma clang loop unroll(full)
	for (__u32 number = 0; number < TL_MAX_CASES; ++number) {
		if (number < case_count && is_case(&cases[number], facts))
			return true;
	}
	return false;
}

/* Whether a mini-socket, or a socket outside of a transition, may be shown. */
static __always_inline bool passes(const struct sock_common *common)
{
	struct socket_facts facts;

	if (!case_count)
		return true;
	learn_tuple(&facts, common);
	return is_any_case(&facts);
}

#endif /* TCPLEDGER_SELECTION_BPF_H */
