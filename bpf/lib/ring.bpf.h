/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ring buffer, its counters and the rule when the reader is woken. */
#ifndef TCPLEDGER_RING_BPF_H
#define TCPLEDGER_RING_BPF_H

#include "compat.bpf.h"

#include "../shared/events.h"

/* The shape of each ring; the loader sets the size (--ring-size). */
struct record_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
};

/*
 * Records for user space. key: CPU & ring_mask. value: the ring of that CPU, so that
 * CPUs neither share a lock nor pass its cache lines around. The rings are made and put
 * here by the loader, written by every tp_btf program, consumed by the one reader thread,
 * which merges them by time. When a ring is full, a record is not written and
 * lost_ring_full counts it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct record_ring);
} records SEC(".maps");

/*
 * key: 0. value: what this CPU produced and lost. Written here, read by user
 * space at each tick, never deleted; one element, so it cannot be full.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tl_counters);
} counters SEC(".maps");

/*
 * Set between open and load. wakeup_bytes: the fill of a ring at which the reader is woken
 * before its timer. ring_mask: the number of rings, a power of two, less one.
 */
const volatile __u64 wakeup_bytes = 256 * 1024;
const volatile __u32 ring_mask = 0;

/* The ring of the present CPU. */
static __always_inline void *current_ring(void)
{
	__u32 index = bpf_get_smp_processor_id() & ring_mask;

	return bpf_map_lookup_elem(&records, &index);
}

static __noinline void count_lost_record(void)
{
	__u32 zero = 0;
	struct tl_counters *counts = bpf_map_lookup_elem(&counters, &zero);

	/* Atomic: a softirq may run between load and store of a plain add. */
	if (counts)
		__sync_fetch_and_add(&counts->lost_ring_full, 1);
}

static __always_inline void count_caught_nested(void)
{
	__u32 zero = 0;
	struct tl_counters *counts = bpf_map_lookup_elem(&counters, &zero);

	if (counts)
		__sync_fetch_and_add(&counts->caught_nested, 1);
}

/* Room for one record, or NULL, and counted, when the ring is full. */
static __always_inline void *reserve_record(__u64 size_bytes)
{
	void *ring = current_ring();
	void *record = ring ? bpf_ringbuf_reserve(ring, size_bytes, 0) : NULL;

	if (!record)
		count_lost_record();
	return record;
}

static __always_inline bool is_past_the_mark(void)
{
	void *ring = current_ring();

	return ring && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= wakeup_bytes;
}

/*
 * Hands a record over without waking anybody, unless the ring has filled past
 * the mark; one record in 64, by the low bits of its clock, looks. A wake-up per
 * record is what makes other tracers slow.
 */
static __always_inline void submit_record(void *record, __u64 time_ns)
{
	bool wake = (time_ns & 0x3f) == 0 && is_past_the_mark();

	bpf_ringbuf_submit(record, wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/*
 * `time_ns` must have been read before the record was reserved. Then of two events of which
 * one is over before the other begins (with its packet, moment.bpf.h), on whatever CPUs, the
 * first has the smaller time, and what is missing in a ring is younger than what the reader has
 * seen: its merge rests on it.
 */
static __always_inline void fill_header(struct tl_record_header *header, __u64 time_ns, __u16 kind,
					__u16 size_bytes)
{
	header->time_ns = time_ns;
	header->kind = kind;
	header->size_bytes = size_bytes;
}

#endif /* TCPLEDGER_RING_BPF_H */
