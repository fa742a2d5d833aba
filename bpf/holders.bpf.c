/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who holds which TCP socket: one pass over the descriptors of every process; and in which network
 * namespaces there are tasks at all: one pass over these.
 */
#include "lib/compat.bpf.h"
#include "lib/holders.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Called for each open file of each thread group (threads that share their
 * leader's table are skipped by the kernel), all network namespaces alike.
 * Runs in the reader's context, inside read(2) of the iterator. Since 5.8;
 * bpf_sock_from_file() since 5.11.
 */
SEC("iter/task_file")
int iter__task_file(struct bpf_iter__task_file *ctx)
{
	on_task_file(ctx);
	return 0;
}

/* Called for each thread of each process that the reader's pid namespace has. Since 5.8. */
SEC("iter/task")
int iter__task(struct bpf_iter__task *ctx)
{
	on_task(ctx);
	return 0;
}
