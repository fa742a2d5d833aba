/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything that differs between kernels, and the few constants that BTF does
 * not carry. Differences are asked of BTF (bpf_core_*_exists), never of a
 * version number.
 */
#ifndef TCPLEDGER_COMPAT_BPF_H
#define TCPLEDGER_COMPAT_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define true 1
#define false 0
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP_NUMBER 6
#define IPPROTO_MPTCP_NUMBER 262
#define IPPROTO_UDP_NUMBER 17
#define PF_EXITING_FLAG 0x00000004
#define PF_KTHREAD_FLAG 0x00200000
#define SHUTDOWN_BOTH 3 /* RCV_SHUTDOWN | SEND_SHUTDOWN */
#define SIGNAL_OF_EXIT_CODE 0x7f
#define SOCK_BINDPORT_LOCK 8 /* of sk_userlocks */

#endif /* TCPLEDGER_COMPAT_BPF_H */
