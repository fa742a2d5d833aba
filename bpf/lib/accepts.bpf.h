/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The socket that a system call has just accepted, by its new descriptor. */
#ifndef TCPLEDGER_ACCEPTS_BPF_H
#define TCPLEDGER_ACCEPTS_BPF_H

#include "compat.bpf.h"
#include "registers.bpf.h"
#include "stacks.bpf.h"

#define FILE_KIND_MASK 0170000
#define FILE_IS_SOCKET 0140000

/*
 * A table of descriptors can only be walked by probe_read, which lockdown=confidentiality refuses:
 * then this object does not load, and what is accepted has no stack.
 */
static __always_inline struct sock *accepted_sock(const struct task_struct *task, long fd)
{
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file = NULL;

	if (bpf_probe_read_kernel(&file, sizeof(file), &files[fd]) || !file)
		return NULL;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & FILE_KIND_MASK) != FILE_IS_SOCKET)
		return NULL;
	struct socket *socket = BPF_CORE_READ(file, private_data);

	return BPF_CORE_READ(socket, sk);
}

static __always_inline void on_syscall_exit(const struct pt_regs *regs, long result)
{
	if (!is_accept(regs) || result < 0)
		return;
	struct task_struct *task = bpf_get_current_task_btf();
	struct sock *sk = accepted_sock(task, result);

	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP_NUMBER)
		return;
	/* 0: no transition and no dump has asked for it yet, so nobody knows this socket. */
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);

	if (cookie)
		send_stack(cookie, TL_OPENED_BY_ACCEPT, task, regs);
}

#endif /* TCPLEDGER_ACCEPTS_BPF_H */
