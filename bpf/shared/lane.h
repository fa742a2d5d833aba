/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A lane: how the records of the busiest program reach the reader without a lock, an atomic or
 * a call. One program on one CPU writes it, one thread reads it. Its slots are one after the
 * other in a second map; record number n is in slot n modulo their number, and is there once
 * its header's turn is n + 1.
 */
#ifndef TCPLEDGER_LANE_H
#define TCPLEDGER_LANE_H

#include "events.h"

#define TL_SLOT_BYTES 128

struct tl_slot {
	tl_u8 record[TL_SLOT_BYTES];
};

/*
 * What the first program on the tracepoint leaves for the second. A socket makes each transition
 * once, so the key and the states are those of no other one, however quickly addresses are used
 * again.
 */
struct tl_seen {
	tl_u64 key;   /* cookie, or the address of a clone, which has none yet; 0: none */
	tl_u64 stamp; /* when, in ns << 16 | old state << 8 | new state */
};

/* The process that the lane last told of, by what the kernel reaches it through. */
struct tl_known_process {
	tl_u64 leader;	/* addresses of its thread group leader, or 0, */
	tl_u64 cred;	/* of the credentials */
	tl_u64 cgroups; /* and the css_set of the task that ran */
	tl_u64 start_ns;
	tl_u64 cgroup_id;
	tl_u32 tgid;
	tl_u32 uid;
	tl_u8 padding[16];
};

/* In cache lines by who writes. */
struct tl_lane {
	/* Counted in slots since the start. */
	tl_u64 produced; /* written by the program alone, before it fills the slot */
	tl_u64 full_at;	 /* what `produced` may not pass, by the `consumed` that it last read */
	tl_u64 known_since_ns; /* what the lane knows was read after this; CLOCK_MONOTONIC */
	tl_u64 netns;	       /* address of the last record's network namespace, or 0 */
	tl_u32 netns_inum;
	/* Settings, by user space before it attaches the programs. */
	tl_u32 first_slot;
	tl_u32 slot_count; /* a power of two; 0: the CPU has no lane */
	tl_u32 look_mask;  /* a record whose turn has none of these bits looks at the filling */
	tl_u8 is_plain; /* nothing is filtered, and records tell nothing that must be asked for */
	tl_u8 in_use;	/* the program is writing a record */
	tl_u8 padding[14];
	/* The second is for a softirq between the two programs. */
	struct tl_seen seen[2];
	tl_u8 padding_2[32];
	struct tl_known_process known;

	tl_u64 consumed; /* written by the reader alone */
	tl_u8 padding_3[56];
};

TL_STATIC_ASSERT(sizeof(struct tl_transition) <= TL_SLOT_BYTES, "fits a slot");
TL_STATIC_ASSERT(sizeof(struct tl_owned_transition) <= TL_SLOT_BYTES, "fits a slot");
TL_STATIC_ASSERT(sizeof(struct tl_lane) == 256, "shared layout");
TL_STATIC_ASSERT(__builtin_offsetof(struct tl_lane, consumed) == 192, "shared layout");

#endif /* TCPLEDGER_LANE_H */
