/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What iter/bpf_map_elem and user space tell each other of network namespaces. */
#ifndef TCPLEDGER_NAMESPACES_H
#define TCPLEDGER_NAMESPACES_H

#include "events.h"

/* A network namespace that a record was of: both together are never used again. */
struct tl_namespace {
	tl_u64 net;    /* the address of its struct net */
	tl_u64 cookie; /* 0: the kernel has not given it one */
};

/* Whether it is still there. */
struct tl_namespace_life {
	tl_u32 inum;
	tl_u32 has_ended;
};

TL_STATIC_ASSERT(sizeof(struct tl_namespace) == 16, "shared layout");
TL_STATIC_ASSERT(sizeof(struct tl_namespace_life) == 8, "shared layout");

#endif /* TCPLEDGER_NAMESPACES_H */
