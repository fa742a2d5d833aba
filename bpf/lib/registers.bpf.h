/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A thread's user registers, by their DWARF numbers: the one file that knows the architecture. */
#ifndef TCPLEDGER_REGISTERS_BPF_H
#define TCPLEDGER_REGISTERS_BPF_H

#include "compat.bpf.h"

#include "../shared/stack.h"

#if defined(__TARGET_ARCH_x86)

static __always_inline __u64 stack_pointer(const struct pt_regs *regs)
{
	return regs->sp;
}

static __always_inline void fill_registers(__u64 *out, const struct pt_regs *regs)
{
	out[0] = regs->ax;
	out[1] = regs->dx;
	out[2] = regs->cx;
	out[3] = regs->bx;
	out[4] = regs->si;
	out[5] = regs->di;
	out[6] = regs->bp;
	out[7] = regs->sp;
	out[8] = regs->r8;
	out[9] = regs->r9;
	out[10] = regs->r10;
	out[11] = regs->r11;
	out[12] = regs->r12;
	out[13] = regs->r13;
	out[14] = regs->r14;
	out[15] = regs->r15;
	out[16] = regs->ip;
}

/* accept() and accept4() of 64-bit programs. */
static __always_inline bool is_accept(const struct pt_regs *regs)
{
	return regs->orig_ax == 43 || regs->orig_ax == 288;
}

#elif defined(__TARGET_ARCH_arm64)

static __always_inline __u64 stack_pointer(const struct pt_regs *regs)
{
	return regs->sp;
}

static __always_inline void fill_registers(__u64 *out, const struct pt_regs *regs)
{
#pragma clang loop unroll(full)
	for (int number = 0; number < 31; ++number)
		out[number] = regs->regs[number];
	out[31] = regs->sp;
	out[32] = regs->pc;
}

static __always_inline bool is_accept(const struct pt_regs *regs)
{
	return regs->syscallno == 202 || regs->syscallno == 242;
}

#else
#error "no user registers for this architecture"
#endif

#endif /* TCPLEDGER_REGISTERS_BPF_H */
