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

/* Counted in slots since the start. In cache lines by who writes. */
struct tl_lane {
	tl_u64 produced;      /* written by the program alone, before it fills the slot */
	tl_u64 consumed_seen; /* its copy of `consumed`, so that it rarely fetches that line */
	tl_u8 padding[112];
	tl_u64 consumed; /* written by the reader alone */
	tl_u8 padding_2[120];
};

TL_STATIC_ASSERT(sizeof(struct tl_transition) <= TL_SLOT_BYTES, "fits a slot");
TL_STATIC_ASSERT(sizeof(struct tl_owned_transition) <= TL_SLOT_BYTES, "fits a slot");
TL_STATIC_ASSERT(sizeof(struct tl_lane) == 256, "shared layout");
TL_STATIC_ASSERT(__builtin_offsetof(struct tl_lane, consumed) == 128, "shared layout");

#endif /* TCPLEDGER_LANE_H */
