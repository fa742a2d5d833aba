/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lanes, for the one program on inet_sock_set_state that runs at each event. A lane has one writer,
 * so there is nothing to lock; a ring's lock and its atomic hand-over wait for all earlier stores,
 * which miss the cache. From 6.1 on the kernel does not enter the program twice on one CPU; before,
 * an inner run finds the lane in use and takes the ring. Rings are also for CPUs without a lane,
 * and for all where a plain store does not hand over what was stored before it (not x86).
 */
#ifndef TCPLEDGER_LANE_BPF_H
#define TCPLEDGER_LANE_BPF_H

#include "compat.bpf.h"
#include "ring.bpf.h"

#include "../shared/lane.h"

/*
 * key: any possible CPU. value: the positions of its lane, if it has one, and what the two
 * programs on inet_sock_set_state tell each other. Written by these and by the reader, each its
 * own part; never deleted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tl_lane);
} lanes SEC(".maps");

/*
 * key: the lane's first_slot + number of the record modulo its slots. value: room for one record.
 * Written by on_set_state(), read in place by the reader. When a lane is full, a record is not
 * written and lost_ring_full counts it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tl_slot);
} slots SEC(".maps");

/* `index` is a word of the caller's, which all look-ups share: the program has few on its stack. */
static __always_inline volatile struct tl_lane *lane_of(__u32 cpu, __u32 *index)
{
	*index = cpu;
	return bpf_map_lookup_elem(&lanes, index);
}

/* `lane` may be NULL. */
static __always_inline bool is_plain(volatile struct tl_lane *lane)
{
	return lane && lane->is_plain;
}

/* True: the caller has it until release_lane(). */
static __always_inline bool take_lane(volatile struct tl_lane *lane)
{
	if (!lane->slot_count || lane->in_use)
		return false;
	lane->in_use = 1;
	return true;
}

static __always_inline void release_lane(volatile struct tl_lane *lane)
{
	lane->in_use = 0;
}

#define KNOWN_LASTS_NS 1000000

/*
 * Tasks, credentials, css_sets and namespaces are freed after a grace period of RCU, which takes
 * some ticks: within a millisecond an address is still of what it was of.
 */
static __always_inline void forget_what_is_old(volatile struct tl_lane *lane, __u64 now_ns)
{
	if (now_ns - lane->known_since_ns < KNOWN_LASTS_NS)
		return;
	lane->known_since_ns = now_ns;
	lane->netns = 0;
	lane->known.leader = 0;
}

/* What the reader has given back is only looked at when the room that was known is used up. */
static __always_inline bool is_full(volatile struct tl_lane *lane, __u64 produced)
{
	if (produced != lane->full_at)
		return false;
	lane->full_at = lane->consumed + lane->slot_count;
	return produced == lane->full_at;
}

static __always_inline void *slot_of(volatile struct tl_lane *lane, __u64 number, __u32 *index)
{
	*index = lane->first_slot + ((__u32)number & (lane->slot_count - 1));
	return bpf_map_lookup_elem(&slots, index);
}

/* Room for one record; NULL, and it is counted, if the lane is full. Only by who has taken it. */
static __always_inline void *reserve_slot(volatile struct tl_lane *lane, __u32 *index)
{
	__u64 number = lane->produced;
	void *slot;

	if (is_full(lane, number)) {
		count_lost_record();
		return NULL;
	}
	slot = slot_of(lane, number, index);
	if (slot)
		lane->produced = number + 1;
	return slot;
}

/*
 * A slot was last in the cache of the reader's CPU, and to fetch it is what a record costs most.
 * Nobody waits for a store: so one into each cache line of the next slot, if that is free, has
 * them here when their turn comes.
 */
static __always_inline void fetch_slot(volatile struct tl_lane *lane, __u64 number, __u32 *index)
{
	if (number == lane->full_at)
		return;
	volatile struct tl_slot *next = slot_of(lane, number, index);

	if (!next)
		return;
	next->record[TL_SLOT_BYTES - 1] = 0;
	next->record[0] = 0;
}

/* If a quarter is full. By an empty record in the ring, which the reader passes over. */
static __noinline void wake_reader(volatile struct tl_lane *lane, __u32 turn)
{
	if (turn - (__u32)lane->consumed < lane->slot_count / 4)
		return;
	void *ring = current_ring();
	void *nothing = ring ? bpf_ringbuf_reserve(ring, sizeof(__u64), 0) : NULL;

	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

/*
 * On x86 stores are seen in their order, and the barrier keeps the compiler to it. So whoever sees
 * what this event led to, on whatever CPU, sees its record too: the merge's rule (fill_header()).
 */
static __always_inline void submit_slot(volatile struct tl_lane *lane,
					volatile struct tl_record_header *header, __u32 *index)
{
	__u64 produced = lane->produced;
	__u32 turn = produced; /* the number of the record and 1 */

	barrier();
	header->turn = turn;
	fetch_slot(lane, produced, index);
	if (!(turn & lane->look_mask))
		wake_reader(lane, turn);
}

#endif /* TCPLEDGER_LANE_BPF_H */
