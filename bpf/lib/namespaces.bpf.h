/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which network namespaces have ended. The kernel drops their mini-sockets without a word, and who
 * looks for a namespace from outside does not see one that only a hidden process, a thread, a
 * descriptor or a socket keeps. So the tracer notes where in memory each one is that it meets, and
 * an iterator looks there. The two are objects of their own and share the map.
 */
#ifndef TCPLEDGER_NAMESPACES_BPF_H
#define TCPLEDGER_NAMESPACES_BPF_H

#include "compat.bpf.h"

#include "../shared/namespaces.h"

/*
 * key: a namespace's inode number. value: the last one of that number that a record was of.
 * Written by the programs of the tracer, read by iter/bpf_map_elem. When full, those go that were
 * met longest ago.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct tl_namespace);
} namespaces SEC(".maps");

/* The reference count, a refcount_t, under either of its names. */
struct tl_refcount {
	int refs;
};

struct ns_common___before_6_18 {
	struct tl_refcount count;
} __attribute__((preserve_access_index));

struct ns_common___since_6_18 {
	struct tl_refcount __ns_ref;
} __attribute__((preserve_access_index));

/* True: another one, which has ended, had this number before. */
static __always_inline bool note_namespace(const struct net *net, __u32 inum)
{
	struct tl_namespace *known = bpf_map_lookup_elem(&namespaces, &inum);
	struct tl_namespace now = {.net = (__u64)net, .cookie = net->net_cookie};

	if (known && known->net == now.net && known->cookie == now.cookie)
		return false;
	bpf_map_update_elem(&namespaces, &inum, &now, BPF_ANY);
	return known;
}

/* The users of a namespace that may have been freed; negative where nothing can be said. */
static __always_inline int users_of(const struct ns_common *ns)
{
	const struct ns_common___before_6_18 *before = (const void *)ns;
	const struct ns_common___since_6_18 *since = (const void *)ns;
	int users = -1;

	if (bpf_core_field_exists(since->__ns_ref))
		bpf_core_read(&users, sizeof(users), &since->__ns_ref);
	else if (bpf_core_field_exists(before->count))
		bpf_core_read(&users, sizeof(users), &before->count);
	return users;
}

/* Its memory may be another namespace's by now, or of something else. */
static __always_inline void on_namespace(struct bpf_iter__bpf_map_elem *ctx)
{
	const __u32 *inum = ctx->key;
	const struct tl_namespace *known = ctx->value;

	if (!inum || !known) /* the end of the walk */
		return;
	const struct net *net = (const void *)known->net;
	int users = users_of(&net->ns);
	__u32 inum_there = 0;
	__u64 cookie_there = 0;

	if (users < 0 || bpf_core_read(&inum_there, sizeof(inum_there), &net->ns.inum) ||
	    bpf_core_read(&cookie_there, sizeof(cookie_there), &net->net_cookie))
		return;
	struct tl_namespace_life life = {
		.inum = *inum,
		.has_ended = users == 0 || inum_there != *inum || cookie_there != known->cookie,
	};

	bpf_seq_write(ctx->meta->seq, &life, sizeof(life));
}

#endif /* TCPLEDGER_NAMESPACES_BPF_H */
