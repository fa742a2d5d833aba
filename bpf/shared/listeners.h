/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What iter/tcp and user space tell each other of a namespace's listeners. */
#ifndef TCPLEDGER_LISTENERS_H
#define TCPLEDGER_LISTENERS_H

#include "events.h"

struct tl_listeners {
	tl_u64 requests; /* half-open, of those seen */
	tl_u32 expected; /* the walk ends after so many listeners, at the latest */
	tl_u32 seen;
};

TL_STATIC_ASSERT(sizeof(struct tl_listeners) == 16, "shared layout");

#endif /* TCPLEDGER_LISTENERS_H */
