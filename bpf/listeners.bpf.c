/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How many half-open requests wait at the listeners of one network namespace. */
#include "lib/compat.bpf.h"
#include "lib/listeners.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Called for each TCP socket of the namespace in which the iterator was made, listeners first.
 * Runs in the reader's context, inside read(2). Since 5.9; 1 makes the read give up (EAGAIN), so
 * that the connections, which may be very many, are not walked.
 */
SEC("iter/tcp")
int iter__tcp(struct bpf_iter__tcp *ctx)
{
	return on_tcp_socket(ctx->sk_common);
}
