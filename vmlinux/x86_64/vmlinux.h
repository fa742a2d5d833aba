/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types as the BPF sources use them, cut down to the fields in use. Written by
 *     scripts/gen-vmlinux --arch x86_64
 * from Linux 6.18.44; do not edit.
 * Offsets here mean nothing: libbpf relocates every access.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_iter__bpf_map_elem;
struct bpf_iter__task;
struct bpf_iter__task_file;
struct bpf_iter__tcp;
struct bpf_iter_meta;
struct cgroup;
struct cred;
struct css_set;
struct fdtable;
struct file;
struct files_struct;
struct in6_addr;
struct inet_connection_sock;
struct inet_sock;
struct inet_timewait_death_row;
struct inet_timewait_sock;
struct inode;
struct kernfs_node;
struct list_head;
struct minmax;
struct minmax_sample;
struct net;
struct ns_common;
struct nsproxy;
struct proto_accept_arg;
struct request_sock;
struct request_sock_queue;
struct seq_file;
struct signal_struct;
struct sock;
struct sock_common;
struct socket;
struct task_struct;

typedef short unsigned int __u16;
typedef __u16 __be16;
typedef unsigned int __u32;
typedef __u32 __be32;
typedef int __s32;
typedef long long int __s64;
typedef long long unsigned int __u64;
typedef unsigned char __u8;
typedef __u32 __wsum;
typedef __s64 s64;

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	int counter;
} atomic_t;

typedef _Bool bool;
typedef unsigned int __kernel_uid32_t;
typedef __kernel_uid32_t uid_t;

typedef struct {
	uid_t val;
} kuid_t;

typedef int __kernel_pid_t;
typedef __kernel_pid_t pid_t;

typedef struct {
	struct net *net;
} possible_net_t;

typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __u8 u8;
typedef short unsigned int umode_t;

enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT1 = 4,
	TCP_FIN_WAIT2 = 5,
	TCP_TIME_WAIT = 6,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LAST_ACK = 9,
	TCP_LISTEN = 10,
	TCP_CLOSING = 11,
	TCP_NEW_SYN_RECV = 12,
	TCP_BOUND_INACTIVE = 13,
	TCP_MAX_STATES = 14,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
	BPF_F_LOCK = 4,
};

enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_F_CLONE = 512,
	BPF_F_MMAPABLE = 1024,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

enum {
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_RING_SIZE = 1,
	BPF_RB_CONS_POS = 2,
	BPF_RB_PROD_POS = 3,
};

enum {
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
	BPF_SK_STORAGE_GET_F_CREATE = 1,
};

enum bpf_func_id {
	BPF_FUNC_task_pt_regs = 175,
};

enum bpf_map_type {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum sk_rst_reason {
	SK_RST_REASON_NOT_SPECIFIED = 0,
};

enum sock_flags {
	SOCK_DEAD = 0,
	SOCK_DONE = 1,
	SOCK_LINGER = 4,
};

struct bpf_iter__bpf_map_elem {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		void *key;
	};
	union {
		void *value;
	};
};

struct bpf_iter__task {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
};

struct bpf_iter__task_file {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
	u32 fd;
	union {
		struct file *file;
	};
};

struct bpf_iter__tcp {
	union {
		struct sock_common *sk_common;
	};
};

struct bpf_iter_meta {
	union {
		struct seq_file *seq;
	};
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cred {
	kuid_t uid;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct fdtable {
	struct file **fd;
};

struct file {
	void *private_data;
	struct inode *f_inode;
};

struct files_struct {
	struct fdtable *fdt;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be16 u6_addr16[8];
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	union {
		struct {
			__be32 skc_daddr;
			__be32 skc_rcv_saddr;
		};
	};
	union {
		struct {
			__be16 skc_dport;
			__u16 skc_num;
		};
	};
	short unsigned int skc_family;
	volatile unsigned char skc_state;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	union {
		long unsigned int skc_flags;
	};
};

struct sock {
	struct sock_common __sk_common;
	u8 sk_userlocks;
	int sk_err;
	struct socket *sk_socket;
	u32 sk_mark;
	kuid_t sk_uid;
	u16 sk_protocol;
	u8 sk_shutdown;
	long unsigned int sk_lingertime;
};

struct inet_sock {
	struct sock sk;
	__be16 inet_sport;
};

struct request_sock_queue {
	atomic_t qlen;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
	unsigned char tw_substate;
};

struct inode {
	umode_t i_mode;
	long unsigned int i_ino;
};

struct kernfs_node {
	u64 id;
};

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

struct minmax_sample {
	u32 t;
	u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
	u64 net_cookie;
};

struct nsproxy {
	struct net *net_ns;
};

struct proto_accept_arg {
	bool kern;
};

struct pt_regs {
	long unsigned int r15;
	long unsigned int r14;
	long unsigned int r13;
	long unsigned int r12;
	long unsigned int bp;
	long unsigned int bx;
	long unsigned int r11;
	long unsigned int r10;
	long unsigned int r9;
	long unsigned int r8;
	long unsigned int ax;
	long unsigned int cx;
	long unsigned int dx;
	long unsigned int si;
	long unsigned int di;
	long unsigned int orig_ax;
	long unsigned int ip;
	long unsigned int sp;
};

struct request_sock {
	struct sock_common __req_common;
};

struct signal_struct {
	atomic_t live;
};

struct socket {
	struct sock *sk;
};

struct task_struct {
	unsigned int flags;
	int exit_code;
	pid_t pid;
	pid_t tgid;
	struct task_struct *group_leader;
	u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	struct minmax rtt_min;
	u64 bytes_sent;
	struct list_head tsorted_sent_queue;
	u64 tcp_clock_cache;
	u32 srtt_us;
	u64 bytes_received;
	u64 bytes_retrans;
	u32 total_retrans;
	bool is_mptcp;
};

#pragma clang attribute pop

#endif /* __VMLINUX_H__ */
