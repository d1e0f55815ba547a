/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A UDP "connection" is a socket and a peer: it begins with the first datagram
 * between them, out or in, and is active until the socket is closed.
 */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"
#include "sock.h"

/* struct peer is an address, IPv4 as v4-mapped, and a port, both in network order. */
struct peer {
	__u32 addr[4];
	__u32 port;
};

/* struct udp_sock is a socket that has sent or received. The first peer never changes. */
struct udp_sock {
	__u64 since; /* tells sockets apart that had the same address one after the other */
	struct peer first;
	enum direction direction; /* of the first datagram */
	__u32 failed;
	__u32 pad;
};

struct udp_peer {
	__u64 sock;
	__u64 since;
	struct peer peer;
	__u32 pad;
};

/* udp_socks, by udp_id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, struct udp_sock);
} udp_socks SEC(".maps");

/* udp_peers holds the further peers of sockets with several. An evicted one would count again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct udp_peer);
	__type(value, __u32);
} udp_peers SEC(".maps");

/* Sockets are known by cookie if the cgroup hooks serve, which see no address; else by address. */
__u32 udp_by_cookie = 0;

static __always_inline __u64 udp_id(const struct sock *sk)
{
	if (udp_by_cookie)
		return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	return (__u64)sk;
}

static __always_inline void peer_v4(struct peer *p, __u32 addr, __u16 port)
{
	p->addr[0] = 0;
	p->addr[1] = 0;
	p->addr[2] = bpf_htonl(0xffff);
	p->addr[3] = addr;
	p->port = port;
}

/* peer_of gives the peer that a socket is connected to. */
static __always_inline void peer_of(struct peer *p, const struct sock *sk)
{
	__u16 port = BPF_CORE_READ(sk, __sk_common.skc_dport);

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		peer_v4(p, BPF_CORE_READ(sk, __sk_common.skc_daddr), port);
		return;
	}
	BPF_CORE_READ_INTO(&p->addr, sk, __sk_common.skc_v6_daddr);
	p->port = port;
}

static __always_inline bool same_peer(const struct peer *a, const struct peer *b)
{
	return a->addr[3] == b->addr[3] && a->port == b->port && a->addr[0] == b->addr[0] &&
	       a->addr[1] == b->addr[1] && a->addr[2] == b->addr[2];
}

/* add_udp remembers a socket that has not been seen; 0, or why not as a negative errno. */
static __always_inline int add_udp(struct counts *c, __u64 sock, const struct peer *peer,
				   enum direction direction)
{
	struct udp_sock s = {
	    .since = bpf_ktime_get_ns(),
	    .first = *peer,
	    .direction = direction,
	};
	int err = PUT_NEW(&udp_socks, &sock, &s);

	if (!err)
		ADD(c, connect_active[direction & 1][PROTOCOL_UDP], 1);
	else if (err != -EEXIST)
		ADD(c, untracked, 1);
	return err;
}

/* see_udp counts the peer if it is new to the socket, and tells whether it is. */
static __always_inline bool see_udp(__u64 sock, const struct peer *peer, enum direction direction)
{
	struct udp_sock *s = bpf_map_lookup_elem(&udp_socks, &sock);
	struct udp_peer key = {};
	struct counts *c;
	__u32 yes = 1;

	if ((s && same_peer(&s->first, peer)) || is_other())
		return false;
	c = my_counts();
	if (!s) {
		if (!add_udp(c, sock, peer, direction)) {
			ADD(c, connect[direction & 1][PROTOCOL_UDP], 1);
			return true;
		}
		s = bpf_map_lookup_elem(&udp_socks, &sock); /* another thread was first */
		if (!s || same_peer(&s->first, peer))
			return false;
	}
	key.sock = sock;
	key.since = s->since;
	key.peer = *peer;
	if (bpf_map_update_elem(&udp_peers, &key, &yes, BPF_NOEXIST))
		return false;
	ADD(c, connect[direction & 1][PROTOCOL_UDP], 1);
	return true;
}

/* report_udp reports the current task's first datagram from a socket to a peer. */
static __noinline int report_udp(const struct sock *sk, const struct peer *peer)
{
	struct counts *c = my_counts();
	bool high = now_suspicious();
	__u32 weight = want_udp(c, peer->addr, high);
	struct socket_record r;

	if (!c || !weight)
		return 0;
	begin_now(&r.head, CLASS_UDP_SEND, weight, 0);
	local_end(&r, sk);
	udp_ends(&r, peer->addr, peer->port);
	send(c, &r.head, sizeof(r), CLASS_UDP_SEND, high);
	return 0;
}

/* sent_udp is called for each datagram. */
static __always_inline int sent_udp(const struct sock *sk, const struct peer *peer)
{
	if (see_udp((__u64)sk, peer, DIRECTION_OUT))
		report_udp(sk, peer);
	return 0;
}

static __always_inline void forget_udp(__u64 sock)
{
	struct udp_sock *s = bpf_map_lookup_elem(&udp_socks, &sock);
	struct counts *c = my_counts();
	enum direction direction;

	if (!s)
		return;
	direction = s->direction;
	if (!bpf_map_delete_elem(&udp_socks, &sock))
		ADD(c, connect_active[direction & 1][PROTOCOL_UDP], -1);
}
