/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The table of TCP connections. */
#pragma once

#include "types.h"
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"

/* struct tcp_conn is what is remembered of a connection until it closes. */
struct tcp_conn {
	enum direction direction;
	__u32 active;
};

/*
 * connections, by the address of their struct sock. Its memory is taken at once,
 * as that of all tables on which counts depend: in a burst the kernel has none
 * to give to an interrupt (-ENOMEM, seen on Linux 6.1).
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct tcp_conn);
} connections SEC(".maps");

/* add_connection returns -EEXIST if there is one of that address. */
static __always_inline int add_connection(struct counts *c, __u64 sock, enum direction direction)
{
	struct tcp_conn conn = {.direction = direction, .active = 1};
	int err = PUT_NEW(&connections, &sock, &conn);

	if (!err)
		ADD(c, connect_active[direction & 1][PROTOCOL_TCP], 1);
	else if (err != -EEXIST)
		ADD(c, untracked, 1);
	return err;
}

/* drop_connection is false if there is none, or no longer. */
static __always_inline bool drop_connection(struct counts *c, __u64 sock, struct tcp_conn *conn)
{
	struct tcp_conn *known = bpf_map_lookup_elem(&connections, &sock);

	if (!known)
		return false;
	*conn = *known;
	if (bpf_map_delete_elem(&connections, &sock))
		return false;
	if (conn->active)
		ADD(c, connect_active[conn->direction & 1][PROTOCOL_TCP], -1);
	return true;
}
