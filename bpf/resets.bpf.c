/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Resets, for those who ask for whole lives. An object of its own: where it does not load, a
 * reset that was received is still known by the socket's error.
 */
#include "lib/compat.bpf.h"
#include "lib/resets.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * In tcp_v4_send_reset(), tcp_v6_send_reset() and tcp_send_active_reset(). Since 6.10 there is a
 * reason, and with it its enum; before, the third argument is not there to be read.
 */
SEC("tp_btf/tcp_send_reset")
int tp_btf__tcp_send_reset(__u64 *ctx)
{
	__u32 reason = TL_NO_REASON;

	if (bpf_core_enum_value_exists(enum sk_rst_reason, SK_RST_REASON_NOT_SPECIFIED))
		reason = *(volatile __u64 *)&ctx[2];
	on_reset((void *)ctx[0], 1, reason);
	return 0;
}

/*
 * In tcp_reset(), before the → CLOSE that it leads to: for a RST, and for a segment that is
 * answered with one (data after close()). The same since 4.15.
 */
SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset, struct sock *sk)
{
	on_reset(sk, 0, TL_NO_REASON);
	return 0;
}
