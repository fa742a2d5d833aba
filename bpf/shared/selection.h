/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space asks the programs to leave out: the cases of which an event must fit one.
 * Set before loading, as constants, so that the verifier removes what is not asked.
 */
#ifndef TCPLEDGER_SELECTION_H
#define TCPLEDGER_SELECTION_H

#include "events.h"

#define TL_MAX_CASES 16

/* All of these at once. Ports are in host order, bounds included. */
struct tl_case {
	tl_u64 cookie;	   /* 0: any */
	tl_u64 cgroup_id;  /* of the process; 0: any */
	tl_u32 netns_inum; /* 0: any */
	tl_u32 pid;	   /* 0: any */
	tl_u32 uid;	   /* of the process, with has_uid */
	tl_u16 local_port_min;
	tl_u16 local_port_max;
	tl_u16 remote_port_min;
	tl_u16 remote_port_max;
	tl_u8 has_uid;
	tl_u8 family;	      /* of the socket, AF_INET or AF_INET6; 0: any */
	tl_u8 address_family; /* of the addresses, IPv4-mapped being AF_INET; 0: any */
	tl_u8 padding;
};

TL_STATIC_ASSERT(sizeof(struct tl_case) == 40, "shared layout");

#endif /* TCPLEDGER_SELECTION_H */
