/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What names a socket, full or mini: its cookie, namespace, ports and addresses. */
#ifndef TCPLEDGER_SOCKET_BPF_H
#define TCPLEDGER_SOCKET_BPF_H

#include "compat.bpf.h"

#include "../shared/events.h"

static __always_inline void fill_addresses(union tl_addresses *out,
					   const struct sock_common *common)
{
	if (common->skc_family == AF_INET6) {
		__builtin_memcpy(out->ipv6.local, &common->skc_v6_rcv_saddr, TL_ADDRESS_BYTES);
		__builtin_memcpy(out->ipv6.remote, &common->skc_v6_daddr, TL_ADDRESS_BYTES);
		return;
	}
	out->ipv4.local = common->skc_rcv_saddr;
	out->ipv4.remote = common->skc_daddr;
}

static __always_inline __u32 inum_of_netns(const struct sock_common *common)
{
	return common->skc_net.net->ns.inum;
}

/* Family, ports and addresses: with the namespace what full and mini-sockets have in common. */
static __always_inline void fill_tuple(struct tl_transition *out, const struct sock_common *common)
{
	out->family = common->skc_family;
	out->local_port = common->skc_num;
	out->remote_port = bpf_ntohs(common->skc_dport);
	fill_addresses(&out->addresses, common);
}

/* The socket's identity for the whole of its life; settled now if nobody asked before. */
static __always_inline __u64 lasting_cookie(struct sock *sk)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;

	return cookie ? cookie : bpf_get_socket_cookie(sk);
}

/* The port of a socket that has already put its port back (→ CLOSE); host order. */
static __always_inline __u16 remembered_port(const struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);

	return tcp ? bpf_ntohs(tcp->inet_conn.icsk_inet.inet_sport) : 0;
}

#endif /* TCPLEDGER_SOCKET_BPF_H */
