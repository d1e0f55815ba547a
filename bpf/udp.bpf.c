/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The ways into udp.h: sends, receives and ends of sockets, by trampolines or by cgroup hooks, and
 * errors. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "sock.h"
#include "task.h"
#include "udp.h"

/* fexit: what the stack refused to send was not sent. */
SEC("fexit/udp_sendmsg")
int BPF_PROG(udp_out4_fexit, struct sock *sk, struct msghdr *msg, unsigned long len, int ret)
{
	struct sockaddr_in *to = msg->msg_name, addr = {};
	struct peer peer;

	if (ret < 0 || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	if (to) {
		bpf_probe_read_kernel(&addr, sizeof(addr), to);
		peer_v4(&peer, addr.sin_addr, addr.sin_port);
	} else {
		peer_v4(&peer, sk->__sk_common.skc_daddr, sk->__sk_common.skc_dport);
	}
	return sent_udp(sk, &peer);
}

SEC("fexit/udpv6_sendmsg")
int BPF_PROG(udp_out6_fexit, struct sock *sk, struct msghdr *msg, unsigned long len, int ret)
{
	struct sockaddr_in6 *to = msg->msg_name;
	struct peer peer = {};

	if (ret < 0 || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	if (to) {
		/*
		 * What went by IPv4 udp_out4_fexit has counted. Then msg_name is
		 * shorter and may point to what was on the stack of udpv6_sendmsg.
		 */
		if (msg->msg_namelen < SIN6_LEN_MIN || BPF_PROBE_READ(to, sin6_family) == AF_INET)
			return 0;
		BPF_PROBE_READ_INTO(&peer.addr, to, sin6_addr);
		peer.port = BPF_PROBE_READ(to, sin6_port);
	} else {
		peer_of(&peer, sk);
	}
	return sent_udp(sk, &peer);
}

#define IPV4_LEN_MIN 20 /* of a header without options, RFC 791 */

/* struct ipv4_udp is where these headers meet: the sender's address to its port. */
struct ipv4_udp {
	__be32 from, to;
	__be16 port;
	__be16 to_port;
};

/* The end of a receive, of both families: len is negative if the datagram was only peeked at. */
SEC("fentry/skb_consume_udp")
int BPF_PROG(udp_in_fentry, struct sock *sk, struct sk_buff *skb, int len)
{
	unsigned char *net = skb->head + skb->network_header;
	struct ipv4_udp in = {};
	struct peer peer = {};
	__u16 port = 0;

	if (len < 0 || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	if (skb->protocol != bpf_htons(ETH_P_IP)) {
		bpf_probe_read_kernel(&peer.addr, sizeof(peer.addr), net + 8);
	} else if (skb->transport_header == skb->network_header + IPV4_LEN_MIN) {
		bpf_probe_read_kernel(&in, sizeof(in), net + 12);
		peer_v4(&peer, in.from, in.port);
	} else {
		bpf_probe_read_kernel(&in.from, sizeof(in.from), net + 12);
		peer_v4(&peer, in.from, 0);
	}
	if (!peer.port) {
		bpf_probe_read_kernel(&port, sizeof(port), skb->head + skb->transport_header);
		peer.port = port;
	}
	see_udp((__u64)sk, &peer, DIRECTION_IN);
	return 0;
}

SEC("fentry/udp_destroy_sock")
int BPF_PROG(udp_end4_fentry, struct sock *sk)
{
	forget_udp((__u64)sk);
	return 0;
}

SEC("fentry/udpv6_destroy_sock")
int BPF_PROG(udp_end6_fentry, struct sock *sk)
{
	forget_udp((__u64)sk);
	return 0;
}

/* As report_udp; a socket that only connects has no address or port yet. */
static __noinline int report_udp_cgroup(struct bpf_sock_addr *ctx, const struct peer *peer)
{
	struct counts *c = my_counts();
	bool high = now_suspicious();
	__u32 weight = want_udp(c, peer->addr, high);
	struct bpf_sock *sk = ctx->sk;
	struct socket_record r;
	__u32 *local = (__u32 *)r.local;

	if (!c || !weight || !sk)
		return 0;
	begin(&r.head, CLASS_UDP_SEND, weight, 0);
	who_probed(&r.head.who);
	r.family = sk->family;
	r.local_port = sk->src_port;
	if (sk->family == AF_INET6) {
		local[0] = sk->src_ip6[0];
		local[1] = sk->src_ip6[1];
		local[2] = sk->src_ip6[2];
		local[3] = sk->src_ip6[3];
	} else if (sk->src_ip4) {
		map_v4(r.local, sk->src_ip4);
	} else {
		no_address(r.local);
	}
	udp_ends(&r, peer->addr, peer->port);
	send(c, &r.head, sizeof(r), CLASS_UDP_SEND, high);
	return 0;
}

/* Where there are no trampolines: the cgroup hooks, at the root of the hierarchy. 1 means go on. */
static __always_inline int udp_cgroup(struct bpf_sock_addr *ctx, bool v6, enum direction direction)
{
	struct peer peer = {};

	if (ctx->protocol != IPPROTO_UDP)
		return 1;
	if (v6) {
		peer.addr[0] = ctx->user_ip6[0];
		peer.addr[1] = ctx->user_ip6[1];
		peer.addr[2] = ctx->user_ip6[2];
		peer.addr[3] = ctx->user_ip6[3];
		peer.port = ctx->user_port;
	} else {
		peer_v4(&peer, ctx->user_ip4, ctx->user_port);
	}
	if (see_udp(bpf_get_socket_cookie(ctx), &peer, direction) && direction == DIRECTION_OUT)
		report_udp_cgroup(ctx, &peer);
	return 1;
}

SEC("cgroup/connect4")
int udp_conn4(struct bpf_sock_addr *ctx)
{
	return udp_cgroup(ctx, false, DIRECTION_OUT);
}

SEC("cgroup/connect6")
int udp_conn6(struct bpf_sock_addr *ctx)
{
	return udp_cgroup(ctx, true, DIRECTION_OUT);
}

SEC("cgroup/sendmsg4")
int udp_send4(struct bpf_sock_addr *ctx)
{
	return udp_cgroup(ctx, false, DIRECTION_OUT);
}

SEC("cgroup/sendmsg6")
int udp_send6(struct bpf_sock_addr *ctx)
{
	return udp_cgroup(ctx, true, DIRECTION_OUT);
}

SEC("cgroup/recvmsg4")
int udp_recv4(struct bpf_sock_addr *ctx)
{
	return udp_cgroup(ctx, false, DIRECTION_IN);
}

SEC("cgroup/recvmsg6")
int udp_recv6(struct bpf_sock_addr *ctx)
{
	return udp_cgroup(ctx, true, DIRECTION_IN);
}

SEC("cgroup/sock_release")
int udp_end(struct bpf_sock *ctx)
{
	forget_udp(bpf_get_socket_cookie(ctx));
	return 1;
}

/* An ICMP error reached a connected UDP socket; counted once for each socket. */
static __always_inline int udp_error(const struct sock *sk)
{
	struct counts *c = my_counts();
	__u64 sock = udp_id(sk);
	struct peer nobody = {};
	struct udp_sock *s;

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_UDP || is_other_net(sk))
		return 0;
	s = bpf_map_lookup_elem(&udp_socks, &sock);
	if (!s && sock) {
		/* On loopback the error is faster than the return of the send. */
		add_udp(c, sock, &nobody, DIRECTION_OUT);
		s = bpf_map_lookup_elem(&udp_socks, &sock);
	}
	if (s && s->failed)
		return 0;
	if (s)
		s->failed = 1;
	count_error(c, BPF_CORE_READ(sk, sk_err));
	return 0;
}

SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(udp_error_tp, const struct sock *sk)
{
	return udp_error(sk);
}

SEC("fentry/sock_def_error_report")
int BPF_PROG(udp_error_fent, struct sock *sk)
{
	return udp_error(sk);
}
