/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The sockets that are older than the programs of tcp.bpf.c and udp.bpf.c. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "sock.h"
#include "task.h"
#include "tcp.h"
#include "udp.h"

/* known_pass is 0 while listening ports are collected, then 1. */
__u32 known_pass = 0;

struct listener {
	__u32 net;
	__u32 port;
};

/* listeners tells the connections that were accepted from those that were opened. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct listener);
	__type(value, __u32);
} listeners SEC(".maps");

static __always_inline void tcp_known(struct sock *sk, struct task_struct *task)
{
	struct listener l = {
	    .net = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum),
	    .port = BPF_CORE_READ(sk, __sk_common.skc_num),
	};
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	__u64 sock = (__u64)sk;
	struct tcp_conn conn;
	struct who w;
	__u32 yes = 1;

	if (!known_pass) {
		if (state == TCP_LISTEN)
			bpf_map_update_elem(&listeners, &l, &yes, BPF_ANY);
		return;
	}
	if (state == TCP_LISTEN || state == TCP_CLOSE || state == TCP_SYN_SENT ||
	    state == TCP_SYN_RECV)
		return;
	add_connection(my_counts(), sock,
		       bpf_map_lookup_elem(&listeners, &l) ? DIRECTION_IN : DIRECTION_OUT);
	if ((report_classes & 1 << CLASS_CLOSE) && task) { /* one of those that hold it */
		who_is(&w, task);
		bpf_map_update_elem(&socket_owners, &sock, &w, BPF_NOEXIST);
	}
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE)
		return;
	drop_connection(my_counts(), sock, &conn); /* meanwhile */
	disown(sock);
}

/* give_cookie: a socket has none until someone asks for it. */
static __always_inline void give_cookie(struct file *file)
{
	struct socket *socket;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_sock_from_file))
		return;
	socket = bpf_sock_from_file(file);
	if (socket && socket->sk)
		bpf_get_socket_cookie(socket->sk);
}

static __always_inline void udp_known(struct sock *sk)
{
	struct counts *c = my_counts();
	__u64 sock = udp_id(sk);
	struct peer peer;

	peer_of(&peer, sk);
	if (sock)
		add_udp(c, sock, &peer, DIRECTION_OUT);
	else
		ADD(c, untracked, 1);
}

/* Adds the sockets that are older than the programs above, of every network namespace. */
SEC("iter/task_file")
int sockets_known(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct sock *sk = socket_in(file);
	__u16 family;

	if (!sk || is_other_net(sk))
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
		tcp_known(sk, ctx->task);
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_UDP || !known_pass ||
	    !BPF_CORE_READ(sk, __sk_common.skc_dport))
		return 0;
	if (udp_by_cookie)
		give_cookie(file);
	udp_known(sk);
	return 0;
}
