/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire between the BPF programs and user space: every record that crosses
 * the ring buffer or an iterator's file, and every counter both sides read.
 * Plain C types only, natural alignment, padding spelled out. It knows neither
 * kernel types nor C++; it must not include anything but the fixed-width types.
 *
 * Units and byte order are in the names.
 */
#ifndef TCPLEDGER_EVENTS_H
#define TCPLEDGER_EVENTS_H

#ifdef __bpf__
typedef __u8 tl_u8;
typedef __u16 tl_u16;
typedef __u32 tl_u32;
typedef __u64 tl_u64;
#else
#include <linux/types.h>
typedef __u8 tl_u8;
typedef __u16 tl_u16;
typedef __u32 tl_u32;
typedef __u64 tl_u64;
#endif

#ifdef __cplusplus
#define TL_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define TL_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#define TL_COMM_BYTES 16
#define TL_ADDRESS_BYTES 16

/* What a record is; 0 is never sent, so a zeroed record is recognisably wrong. */
enum tl_record_kind {
	TL_RECORD_TRANSITION = 1,	/* struct tl_transition */
	TL_RECORD_OWNED_TRANSITION = 2, /* struct tl_owned_transition */
	TL_RECORD_PROCESS_EXEC = 3,	/* struct tl_process_event */
	TL_RECORD_PROCESS_EXIT = 4,	/* struct tl_process_event */

	/* Of the refinements, where they load (bpf/refined.bpf.c): */

	/* struct tl_owned_transition: the process took the socket out of an accept queue.
	 * Both states are the present one; TL_FLAG_KERNEL_THREAD: for the kernel itself. */
	TL_RECORD_ACCEPTED = 5,
	/* struct tl_transition: the full socket, in old_state, leaves a mini-socket in
	 * new_state (FIN_WAIT2 or TIME_WAIT) behind. Its own → CLOSE follows. */
	TL_RECORD_LEFT_BEHIND = 6,
	/* struct tl_transition of a mini-socket, cookie 0, sock its address:
	 * LISTEN → NEW_SYN_RECV (listener_sock is set), NEW_SYN_RECV → CLOSE,
	 * FIN_WAIT2 → TIME_WAIT, FIN_WAIT2 → CLOSE, TIME_WAIT → CLOSE. */
	TL_RECORD_MINI_SOCKET = 7,

	/* Where whole lives are asked for (tell_farewells, bpf/resets.bpf.c): */

	/* struct tl_farewell: a connection's → CLOSE and its last figures; in place of
	 * TL_RECORD_TRANSITION. */
	TL_RECORD_FAREWELL = 8,
	TL_RECORD_RESET = 9, /* struct tl_reset */

	TL_RECORD_NETNS_BEGIN = 10, /* struct tl_netns_begin */
};

/* Bits of tl_transition.flags. */
enum tl_transition_flag {
	/* SOCK_DONE: the peer's FIN has been received (tcp_fin). At FIN_WAIT2 → CLOSE it
	 * tells a mini-socket in TIME_WAIT from one in substate FIN_WAIT2. */
	TL_FLAG_FIN_RECEIVED = 1 << 0,
	/* SOCK_DEAD: no process holds the socket any more (sock_orphan). */
	TL_FLAG_ORPHANED = 1 << 1,
	/* The transition ran in a kernel thread: the socket is the kernel's own, or
	 * the kernel closes on behalf of somebody (delayed fput). */
	TL_FLAG_KERNEL_THREAD = 1 << 2,

	/* Where whole lives are asked for: */

	/* The caller ends: its descriptors are closed by its exit. */
	TL_FLAG_EXITING = 1 << 3,
	/* By a signal. */
	TL_FLAG_KILLED = 1 << 4,
	/* No struct socket and no close(): the connection was not accepted. */
	TL_FLAG_NOT_ACCEPTED = 1 << 5,
	/* SO_LINGER with 0 seconds is set. */
	TL_FLAG_LINGERS_NOT = 1 << 6,
	/* tl_farewell.process is the caller, who closes the socket. */
	TL_FLAG_CALLER = 1 << 7,
};

/* First in every ring record. */
struct tl_record_header {
	tl_u64 time_ns;	   /* CLOCK_MONOTONIC */
	tl_u16 kind;	   /* enum tl_record_kind */
	tl_u16 size_bytes; /* of the whole record, this header included */
	tl_u32 turn;	   /* in a lane, see lane.h; in a ring it means nothing */
};

/* Whether bind() was asked for the local port. */
enum tl_port_origin {
	TL_PORT_NOT_TOLD = 0,
	TL_PORT_CHOSEN = 1, /* by the kernel */
	TL_PORT_GIVEN = 2,  /* SOCK_BINDPORT_LOCK: by the program */
};

/* What a socket was bound to and marked with; zeros unless asked for (tell_bindings). */
struct tl_binding {
	tl_u32 mark;		/* SO_MARK */
	tl_u32 interface_index; /* SO_BINDTODEVICE; 0: none */
};

/* Both ends of a connection in network order, as its socket's family tells. The short form
 * leaves the second cache line of most records alone. */
union tl_addresses {
	struct {
		tl_u32 local;
		tl_u32 remote;
	} ipv4;
	struct {
		tl_u8 local[TL_ADDRESS_BYTES];
		tl_u8 remote[TL_ADDRESS_BYTES];
	} ipv6;
};

/* One call of inet_sock_set_state on a TCP socket. */
struct tl_transition {
	struct tl_record_header header;
	tl_u64 cookie; /* 0 while the kernel has not settled it: LISTEN → SYN_RECV */
	tl_u64 sock;   /* address of the struct sock; an identity only while it lives */
	union {
		/* LISTEN → SYN_RECV, LISTEN → NEW_SYN_RECV: whose it is or was cloned from, or 0 */
		tl_u64 listener_sock;
		struct tl_binding binding; /* with a port_origin: of a full socket */
	};
	tl_u32 netns_inum;
	tl_u8 family;	   /* AF_INET or AF_INET6, of the socket */
	tl_u8 port_origin; /* enum tl_port_origin */
	tl_u8 old_state;
	tl_u8 new_state;
	tl_u16 local_port;  /* host order */
	tl_u16 remote_port; /* host order */
	tl_u16 error;	    /* sk_err: 0 or a positive errno */
	tl_u8 shutdown;	    /* sk_shutdown: 1 = RCV_SHUTDOWN, 2 = SEND_SHUTDOWN */
	tl_u8 flags;	    /* enum tl_transition_flag */
	union tl_addresses addresses;
};

/* A process as the kernel knows it at one moment. */
struct tl_process {
	tl_u64 start_ns;  /* CLOCK_BOOTTIME of the thread group leader's start */
	tl_u64 cgroup_id; /* of the default hierarchy */
	tl_u32 tgid;
	tl_u32 uid;
	char comm[TL_COMM_BYTES]; /* of the thread group leader; any bytes, NUL padded */
};

/* A transition in the context of the process that caused it. */
struct tl_owned_transition {
	struct tl_transition transition;
	struct tl_process process;
};

/* The → CLOSE of a connection, with what its tcp_sock says at that moment. */
struct tl_farewell {
	struct tl_transition transition;
	struct tl_process process; /* zeros without TL_FLAG_CALLER */
	tl_u64 bytes_sent;	   /* payload, each time that it was sent */
	tl_u64 bytes_retransmitted;
	tl_u64 bytes_received; /* payload, and 1 for the peer's FIN */
	tl_u32 srtt_us;	       /* 0: never measured */
	tl_u32 min_rtt_us;     /* ~0: never measured */
	tl_u32 retransmits;    /* segments */
	tl_u32 padding;
};

/* The first record of a network namespace whose number another one had, which has ended. Its time
 * is that of the transition. */
struct tl_netns_begin {
	struct tl_record_header header;
	tl_u32 netns_inum;
	tl_u32 padding;
};

/* tl_reset.reason where the tracepoint tells none. */
#define TL_NO_REASON 0xffffffffU

/* A reset was sent on behalf of a full socket, or received by it. */
struct tl_reset {
	struct tl_record_header header;
	tl_u64 cookie;
	tl_u32 reason; /* the kernel's enum sk_rst_reason, or TL_NO_REASON */
	tl_u8 sent;    /* 1: sent, 0: received */
	tl_u8 padding[3];
};

/* A process took on a new program, or its last thread ended. */
struct tl_process_event {
	struct tl_record_header header;
	struct tl_process process;
};

/*
 * One descriptor of a TCP socket, from iter/task_file; not a ring record. The sockets of an MPTCP
 * connection have no descriptor of their own, but its inode number: then cookie, sock and state
 * are those of the connection, and is_mptcp is 1.
 */
struct tl_holder {
	tl_u64 cookie;
	tl_u64 sock; /* address of the struct sock, see tl_transition.sock */
	tl_u32 netns_inum;
	tl_u32 fd;
	tl_u8 state; /* sk_state */
	tl_u8 is_mptcp;
	tl_u8 port_origin; /* enum tl_port_origin */
	tl_u8 padding;
	tl_u32 sock_uid;
	tl_u64 inode; /* in sockfs */
	struct tl_process process;
};

/* Per CPU: what did not reach the ring, by reason. */
struct tl_counters {
	tl_u64 lost_ring_full;
	tl_u64 caught_nested; /* transitions that the second program took, the first being busy */
};

TL_STATIC_ASSERT(sizeof(struct tl_record_header) == 16, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_transition) == 88, "wire layout");
TL_STATIC_ASSERT(__builtin_offsetof(struct tl_transition, addresses) == 56, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_process) == 40, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_owned_transition) == 128, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_farewell) == 168, "wire layout");
TL_STATIC_ASSERT(__builtin_offsetof(struct tl_farewell, bytes_sent) == 128, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_reset) == 32, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_netns_begin) == 24, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_process_event) == 56, "wire layout");
TL_STATIC_ASSERT(sizeof(struct tl_holder) == 80, "wire layout");

#endif /* TCPLEDGER_EVENTS_H */
