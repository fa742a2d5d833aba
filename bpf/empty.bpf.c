/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The yardstick: what a program that does nothing costs on the same tracepoint. */
#include "lib/compat.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* For `doctor` and the benchmark only; never attached while tracing. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__empty, struct sock *sk, int old_state, int new_state)
{
	return 0;
}
