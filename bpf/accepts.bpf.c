/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stacks of accept() where the kernel has no trampolines (bpf/refined.bpf.c has them there).
 * An object of its own: attached only while stacks are wanted, for it costs each system call of
 * the host about one empty program.
 */
#include "lib/compat.bpf.h"
#include "lib/accepts.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * The end of each system call, in its caller's context. io_uring's accept and that of 32-bit
 * programs do not come by here.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(tp_btf__sys_exit, struct pt_regs *regs, long result)
{
	on_syscall_exit(regs, result);
	return 0;
}
