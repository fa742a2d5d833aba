/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a socket is bound to and marked with. Only for those whose filter asks. */
#ifndef TCPLEDGER_BINDING_BPF_H
#define TCPLEDGER_BINDING_BPF_H

#include "compat.bpf.h"

#include "../shared/events.h"

/*
 * Set between open and load: records tell the mark, the interface and where the local port
 * came from. Without it none of this is in the program.
 */
const volatile bool tell_bindings = 0;

static __always_inline __u8 port_origin_of(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & SOCK_BINDPORT_LOCK ? TL_PORT_GIVEN
									     : TL_PORT_CHOSEN;
}

/*
 * Not of a clone, which has its listener's yet, and whose record names the listener instead.
 * `plain`: the caller knows that nobody has asked.
 */
static __always_inline void fill_binding(struct tl_transition *out, const struct sock *sk,
					 bool plain)
{
	out->listener_sock = 0;
	out->port_origin = TL_PORT_NOT_TOLD;
	if (plain || !tell_bindings)
		return;
	out->binding.mark = sk->sk_mark;
	out->binding.interface_index = sk->__sk_common.skc_bound_dev_if;
	out->port_origin = port_origin_of(sk);
}

#endif /* TCPLEDGER_BINDING_BPF_H */
