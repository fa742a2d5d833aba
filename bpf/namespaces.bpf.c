/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of the network namespaces that the tracer has met have ended. */
#include "lib/compat.bpf.h"
#include "lib/namespaces.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Called for each entry of `namespaces`, and once more at the end. Runs inside read(2). Since 5.9.
 */
SEC("iter/bpf_map_elem")
int iter__bpf_map_elem(struct bpf_iter__bpf_map_elem *ctx)
{
	on_namespace(ctx);
	return 0;
}
