/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turns one open file into a tl_holder, if it is a TCP socket (or UDP, where wanted), and one task
 * into its network namespace.
 */
#ifndef TCPLEDGER_HOLDERS_BPF_H
#define TCPLEDGER_HOLDERS_BPF_H

#include "binding.bpf.h"
#include "compat.bpf.h"
#include "marks.bpf.h"
#include "process.bpf.h"
#include "socket.bpf.h"

#include "../shared/events.h"

/* Set before loading. want_udp: UDP sockets too. mark_theirs: mark those of named processes. */
const volatile bool want_udp = 0;
const volatile bool mark_theirs = 0;

/* The socket behind a file, if it is of a wanted protocol, or NULL. */
static __always_inline struct sock *wanted_sock_of(struct file *file)
{
	struct socket *socket = bpf_sock_from_file(file);

	if (!socket)
		return NULL;
	struct sock *sk = socket->sk;

	if (!sk ||
	    (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6))
		return NULL;
	if (sk->sk_protocol == IPPROTO_UDP_NUMBER)
		return want_udp ? sk : NULL;
	if (sk->sk_protocol == IPPROTO_MPTCP_NUMBER)
		return sk;
	return sk->sk_protocol == IPPROTO_TCP_NUMBER ? sk : NULL;
}

static __always_inline void on_task_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file)
		return;
	struct sock *sk = wanted_sock_of(file);

	if (!sk)
		return;
	struct tl_holder holder = {
		.cookie = bpf_get_socket_cookie(sk),
		.sock = (__u64)sk,
		.netns_inum = inum_of_netns(&sk->__sk_common),
		.fd = ctx->fd,
		.state = sk->__sk_common.skc_state,
		.is_mptcp = sk->sk_protocol == IPPROTO_MPTCP_NUMBER,
		.port_origin = port_origin_of(sk),
		.sock_uid = sk->sk_uid.val,
		.inode = file->f_inode->i_ino,
	};
	if (mark_theirs && is_any_process(task))
		mark(sk);
	describe_process(&holder.process, task);
	bpf_seq_write(ctx->meta->seq, &holder, sizeof(holder));
}

/* Of the task before, which mostly has the same; for one reader at a time. */
__u32 last_netns_inum;

static __always_inline void on_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task || !task->nsproxy) /* without: it is at its end */
		return;
	__u32 inum = task->nsproxy->net_ns->ns.inum;

	if (inum == last_netns_inum)
		return;
	last_netns_inum = inum;
	bpf_seq_write(ctx->meta->seq, &inum, sizeof(inum));
}

#endif /* TCPLEDGER_HOLDERS_BPF_H */
