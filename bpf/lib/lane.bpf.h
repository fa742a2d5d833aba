/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lanes, for the one program on inet_sock_set_state that runs at each event. The kernel does not
 * enter it twice on one CPU, so there is one writer and nothing to lock; a ring's lock and its
 * atomic hand-over wait for all earlier stores, which miss the cache. Where a plain store does not
 * hand over what was stored before it (not x86), and for CPUs without one, there are the rings.
 */
#ifndef TCPLEDGER_LANE_BPF_H
#define TCPLEDGER_LANE_BPF_H

#include "compat.bpf.h"
#include "ring.bpf.h"

#include "../shared/lane.h"

/*
 * key: CPU, below lane_count. value: the positions of its lane. Written by on_set_state() and
 * the reader, each its own part; never deleted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tl_lane);
} lanes SEC(".maps");

/*
 * key: CPU * lane_slots + number of the record modulo lane_slots. value: room for one record.
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

/*
 * Set between open and load. lane_count: CPUs with a lane, from 0 on. lane_slots: of one lane, a
 * power of two.
 */
const volatile __u32 lane_count = 0;
const volatile __u32 lane_slots = 0;

/* Room for one record: in a lane, or in a ring. */
struct room {
	void *record;		      /* NULL: full, and counted */
	volatile struct tl_lane *lane; /* NULL: in a ring */
	__u64 turn;		      /* in a lane: the number of the record and 1 */
};

static __always_inline bool has_lane(void)
{
	return bpf_get_smp_processor_id() < lane_count;
}

static __always_inline bool is_full(volatile struct tl_lane *lane, __u64 number)
{
	if (number - lane->consumed_seen < lane_slots)
		return false;
	lane->consumed_seen = lane->consumed;
	return number - lane->consumed_seen >= lane_slots;
}

static __always_inline struct room reserve_slot(void)
{
	struct room room = {};
	__u32 cpu = bpf_get_smp_processor_id();

	room.lane = bpf_map_lookup_elem(&lanes, &cpu);
	if (!room.lane)
		return room; /* cannot be: see has_lane() */
	__u64 number = room.lane->produced;

	if (is_full(room.lane, number)) {
		count_lost_record();
		return room;
	}
	room.turn = number + 1;
	room.lane->produced = room.turn;
	__u32 index = cpu * lane_slots + (number & (lane_slots - 1));

	room.record = bpf_map_lookup_elem(&slots, &index);
	return room;
}

/* `by_lane` is a constant wherever this is inlined: it must be what has_lane() says. */
static __always_inline struct room reserve_room(bool by_lane, __u64 size_bytes)
{
	if (by_lane)
		return reserve_slot();
	struct room room = {};

	room.record = reserve_record(size_bytes);
	return room;
}

/* On x86 stores are seen in their order; the compiler keeps it by `volatile` and the barrier. */
static __always_inline void hand_over_slot(const struct room *room)
{
	volatile struct tl_record_header *header = room->record;

	barrier();
	header->turn = (__u32)room->turn;
	if ((room->turn & 0x3f) == 0 && room->turn - room->lane->consumed >= lane_slots / 4)
		wake_reader();
}

static __always_inline void submit_room(bool by_lane, const struct room *room, __u64 time_ns)
{
	if (by_lane)
		hand_over_slot(room);
	else
		submit_record(room->record, time_ns);
}

#endif /* TCPLEDGER_LANE_BPF_H */
