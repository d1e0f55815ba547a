/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Records of connections and first datagrams, and whose a connection is. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"
#include "report.h"
#include "who.h"

/* The classes whose events are seen while any task runs. */
#define OWNER_CLASSES (1 << CLASS_CONNECT | 1 << CLASS_CLOSE)

/*
 * socket_owners holds who connected or accepted a TCP socket, by the address of
 * its struct sock. User space makes it larger if it is needed. Of an evicted
 * socket the owner is not told.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct who);
} socket_owners SEC(".maps");

/* own_socket gives a socket to the current task. */
static __noinline int own_socket(__u64 sock)
{
	struct who w;

	who_now(&w);
	bpf_map_update_elem(&socket_owners, &sock, &w, BPF_ANY);
	return 0;
}

/* disown is called when a socket's address may become another's, and when it has. */
static __always_inline void disown(__u64 sock)
{
	if ((report_classes & 1 << CLASS_CLOSE) && bpf_map_lookup_elem(&socket_owners, &sock))
		bpf_map_delete_elem(&socket_owners, &sock);
}

/* count_error: sk_err is positive. */
static __always_inline void count_error(struct counts *c, int err)
{
	switch (err) {
	case 0: /* closed or given up by its owner */
		return;
	case ETIMEDOUT:
		ADD(c, connect_error[CONNECT_TIMEOUT], 1);
		return;
	case ECONNREFUSED:
		ADD(c, connect_error[CONNECT_REFUSED], 1);
		return;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case ENOPROTOOPT:
		ADD(c, connect_error[CONNECT_UNREACHABLE], 1);
		return;
	default: /* ECONNRESET, or EPIPE if the peer had closed its half before */
		ADD(c, connect_error[CONNECT_RESET], 1);
	}
}

static __always_inline void map_v4(__u8 *to, __be32 addr)
{
	__u32 *words = (__u32 *)to;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = addr;
}

static __always_inline void no_address(__u8 *to)
{
	__builtin_memset(to, 0, 16);
}

/* local_end: the port is not skc_num, which a socket that closes has no longer. */
static __always_inline void local_end(struct socket_record *r, const struct sock *sk)
{
	__be32 addr;

	r->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	r->local_port = bpf_ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
	if (r->family != AF_INET) {
		BPF_CORE_READ_INTO(&r->local, sk, __sk_common.skc_v6_rcv_saddr);
		return;
	}
	addr = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	if (addr)
		map_v4(r->local, addr);
	else
		no_address(r->local);
}

/* tcp_ends: there may be no local address, of a connect that failed. */
static __always_inline void tcp_ends(struct socket_record *r, const struct sock *sk, __u16 family,
				     __be32 local, __be32 peer, __be16 peer_port)
{
	r->family = family;
	r->local_port = bpf_ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
	r->peer_port = bpf_ntohs(peer_port);
	r->protocol = PROTOCOL_TCP;
	if (family == AF_INET) {
		if (local)
			map_v4(r->local, local);
		else
			no_address(r->local);
		map_v4(r->peer, peer);
		return;
	}
	BPF_CORE_READ_INTO(&r->local, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&r->peer, sk, __sk_common.skc_v6_daddr);
}

/* TCP_ENDS fills in a connection, but for its direction, with GET as in FILL_WHO. */
#define TCP_ENDS(r, sk, GET)                                                                       \
	tcp_ends(r, sk, GET(sk, __sk_common.skc_family), GET(sk, __sk_common.skc_rcv_saddr),       \
		 GET(sk, __sk_common.skc_daddr), GET(sk, __sk_common.skc_dport))

/* nobody: not even root. */
static __always_inline void nobody(struct who *w)
{
	__builtin_memset(w, 0, sizeof(*w));
	w->type = PROCESS_USER;
	w->uid = -1;
	w->euid = -1;
	w->gid = -1;
	w->egid = -1;
}

/* report_owned reports what happened to a connection, whatever task runs now. */
static __noinline int report_owned(const struct sock *sk, enum class class, int error,
				   enum direction direction)
{
	__u64 sock = (__u64)sk;
	struct who *owner = bpf_map_lookup_elem(&socket_owners, &sock);
	bool high = owner && owner->type == PROCESS_SUSPICIOUS, excluded;
	struct counts *c = my_counts();
	struct socket_record r;
	__u32 weight;

	if (!c)
		return 0; /* cannot be */
	if (owner)
		r.head.who = *owner;
	else
		nobody(&r.head.who);
	TCP_ENDS(&r, sk, GET_DIRECT);
	r.direction = direction;
	excluded = peer_excluded(r.peer) || actor_excluded(r.head.who.tgid, r.head.who.euid);
	weight = wanted(c, class, excluded, high);
	if (!weight)
		return 0;
	begin(&r.head, class, weight, -error);
	send(c, &r.head, sizeof(r), class, high);
	return 0;
}

/* tell_owned: an event of a class that is not reported is only observed. */
static __always_inline void tell_owned(struct counts *c, const struct sock *sk, enum class class,
				       int error, enum direction direction)
{
	if (report_classes >> class & 1)
		report_owned(sk, class, error, direction);
	else
		wanted(c, class, false, false);
}

/* report_accept: the current task takes a connection, whose ends are in r, and so is its owner. */
static __noinline int report_accept(__u64 sock, __u32 state, struct socket_record *r)
{
	struct counts *c = my_counts();
	bool high, excluded;
	__u32 weight;

	if (!c)
		return 0; /* cannot be */
	r->direction = DIRECTION_IN;
	who_now(&r->head.who);
	if ((report_classes & 1 << CLASS_CLOSE) && state != TCP_CLOSE)
		bpf_map_update_elem(&socket_owners, &sock, &r->head.who, BPF_ANY);
	high = r->head.who.type == PROCESS_SUSPICIOUS;
	excluded = peer_excluded(r->peer) || actor_excluded(r->head.who.tgid, r->head.who.euid);
	weight = wanted(c, CLASS_ACCEPT, excluded, high);
	if (!weight)
		return 0;
	begin(&r->head, CLASS_ACCEPT, weight, 0);
	send(c, &r->head, sizeof(*r), CLASS_ACCEPT, high);
	return 0;
}

/*
 * want_udp counts a datagram to a new peer and tells how many the record of it
 * is to stand for.
 */
static __always_inline __u32 want_udp(struct counts *c, const void *peer, bool high)
{
	return wanted(c, CLASS_UDP_SEND, peer_excluded(peer) || current_excluded(), high);
}

static __always_inline void udp_ends(struct socket_record *r, const void *addr, __be16 port)
{
	__builtin_memcpy(r->peer, addr, sizeof(r->peer));
	r->peer_port = bpf_ntohs(port);
	r->protocol = PROTOCOL_UDP;
	r->direction = DIRECTION_OUT;
}
