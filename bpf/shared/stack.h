/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire of opening stacks: the registers and the upper end of the user stack of a thread that
 * is opening a socket, as it stands in its system call. Comes through a ring of its own, so that
 * no stack ever takes a transition's room. Knows neither kernel types nor how a stack is unwound.
 */
#ifndef TCPLEDGER_STACK_H
#define TCPLEDGER_STACK_H

#include "events.h"

/* Room for a stack, from the stack pointer on; whole pages are taken, so at least 12 KiB of it. */
#define TL_STACK_BYTES 16384

/*
 * By their DWARF numbers. x86_64: rax rdx rcx rbx rsi rdi rbp rsp r8 … r15 rip;
 * arm64: x0 … x30 sp pc.
 */
#define TL_STACK_REGISTERS 33
#define TL_STACK_REGISTERS_X86_64 17

enum tl_opening {
	TL_OPENED_BY_CONNECT = 1,
	TL_OPENED_BY_ACCEPT = 2,
};

struct tl_stack {
	tl_u64 time_ns;	 /* CLOCK_MONOTONIC */
	tl_u64 cookie;	 /* of the socket */
	tl_u64 start_ns; /* as in tl_process */
	tl_u32 tgid;
	tl_u32 tid;
	tl_u32 opening;	    /* enum tl_opening */
	tl_u32 stack_bytes; /* of `stack` that were read; fewer where the stack ends */
	tl_u64 registers[TL_STACK_REGISTERS];
	tl_u8 stack[TL_STACK_BYTES];
};

/* Per CPU: the stacks of openings that were not taken, by reason. */
struct tl_stack_counters {
	tl_u64 taken;
	tl_u64 over_budget; /* the process, or that place in it, has had its share of this second */
	tl_u64 lost_ring_full;
};

TL_STATIC_ASSERT(__builtin_offsetof(struct tl_stack, registers) == 40, "wire layout");
TL_STATIC_ASSERT(__builtin_offsetof(struct tl_stack, stack) == 304, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_stack) == 304 + TL_STACK_BYTES, "wire layout");

#endif /* TCPLEDGER_STACK_H */
