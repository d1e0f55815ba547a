/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* TCP connections by the states of their sockets; UDP by the first datagram between two. */
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

/* tell_connected: who connected is of no use any more if it is not told of the end. */
static __always_inline void tell_connected(struct counts *c, const struct sock *sk)
{
	__u64 sock = (__u64)sk;

	tell_owned(c, sk, CLASS_CONNECT, 0, DIRECTION_OUT);
	if ((report_classes & OWNER_CLASSES) == 1 << CLASS_CONNECT)
		bpf_map_delete_elem(&socket_owners, &sock);
}

/* connected: what may be known by that address is of a socket whose end was missed. */
static __always_inline void connected(struct counts *c, const struct sock *sk)
{
	__u64 sock = (__u64)sk;
	struct tcp_conn missed;

	if (add_connection(c, sock, DIRECTION_OUT) == -EEXIST && drop_connection(c, sock, &missed))
		add_connection(c, sock, DIRECTION_OUT);
	tell_connected(c, sk);
}

/* received is called when a socket leaves SYN_RECV, in which begin_socket or crossed saw it. */
static __always_inline void received(struct counts *c, const struct sock *sk)
{
	__u64 sock = (__u64)sk;
	struct tcp_conn *self;

	if (add_connection(c, sock, DIRECTION_IN) != -EEXIST) {
		ADD(c, connect[DIRECTION_IN][PROTOCOL_TCP], 1);
		return;
	}
	self = bpf_map_lookup_elem(&connections, &sock);
	if (self) { /* both ends called connect */
		self->active = 1;
		ADD(c, connect_active[DIRECTION_OUT][PROTOCOL_TCP], 1);
		tell_connected(c, sk);
	}
}

/* failed reports a connect that came to nothing. Without an error its owner gave up,
 * or there was no port to connect from. */
static __always_inline void failed(struct counts *c, const struct sock *sk, int err)
{
	if (!err)
		err = BPF_CORE_READ((const struct inet_sock *)sk, inet_sport) ? ECANCELED
									      : EADDRNOTAVAIL;
	tell_owned(c, sk, CLASS_CONNECT, err, DIRECTION_OUT);
}

static __always_inline void closed(struct counts *c, const struct sock *sk, int old)
{
	struct tcp_conn conn = {.direction = DIRECTION_OUT};
	__u64 sock = (__u64)sk;
	bool known = drop_connection(c, sock, &conn);
	int err = sk->sk_err;

	if (old == TCP_SYN_SENT) /* then that was of another, whose end was missed */
		failed(c, sk, err);
	else if (conn.active)
		tell_owned(c, sk, CLASS_CLOSE, err, conn.direction);
	else if (known)
		failed(c, sk, err);
	if (known || old != TCP_SYN_RECV)
		count_error(c, err);
	if ((report_classes & 1 << CLASS_CLOSE) ||
	    ((report_classes & OWNER_CLASSES) && (old == TCP_SYN_SENT || old == TCP_SYN_RECV)))
		bpf_map_delete_elem(&socket_owners, &sock);
}

/*
 * begin_socket is called when a socket is born. What is known by its address is
 * then of one whose end was missed, and not this one's past.
 */
static __always_inline void begin_socket(struct counts *c, __u64 sock)
{
	struct tcp_conn missed;

	drop_connection(c, sock, &missed);
	disown(sock);
}

/* crossed: it connects, and its peer connects to it. */
static __always_inline void crossed(struct counts *c, __u64 sock)
{
	struct tcp_conn connecting = {.direction = DIRECTION_OUT}, missed;

	drop_connection(c, sock, &missed);
	bpf_map_update_elem(&connections, &sock, &connecting, BPF_NOEXIST);
}

#define STATE(name) (1 << TCP_##name)

/* is_of_interest: most changes are on the way to the end. */
static __always_inline bool is_of_interest(int old, int new)
{
	return (STATE(SYN_SENT) | STATE(SYN_RECV) | STATE(ESTABLISHED) | STATE(CLOSE)) >> new & 1 ||
	       old == TCP_SYN_RECV;
}

static __always_inline int tcp_changed(const struct sock *sk, int old, int new)
{
	__u64 sock = (__u64)sk;

	if (sk->sk_protocol != IPPROTO_TCP || is_other_net(sk))
		return 0;
	if (old == TCP_LISTEN) {
		if (new == TCP_SYN_RECV)
			begin_socket(my_counts(), sock);
	} else if (new == TCP_SYN_SENT) {
		struct counts *c = my_counts();

		ADD(c, connect[DIRECTION_OUT][PROTOCOL_TCP], 1);
		if (report_classes & OWNER_CLASSES)
			own_socket(sock); /* connect(2) and its like run here */
	} else if (new == TCP_CLOSE) {
		closed(my_counts(), sk, old);
	} else if (new == TCP_SYN_RECV) {
		if (old == TCP_SYN_SENT)
			crossed(my_counts(), sock);
	} else if (old == TCP_SYN_SENT) {
		connected(my_counts(), sk);
	} else { /* With fast open an accepted socket may close its half before it is established.
		  */
		received(my_counts(), sk);
	}
	return 0;
}

/*
 * tcp_counting is 1 while tcp_state runs. What then interrupts or preempts it on
 * the same CPU the kernel would not let run it too (since Linux 6.2).
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tcp_counting SEC(".maps");

/*
 * The one place through which every TCP socket passes when it connects, is
 * accepted and ends. Mostly runs in softirq: the current task means nothing.
 * A failed connect has its reason in sk_err when the socket reaches CLOSE.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, const struct sock *sk, int old, int new)
{
	__u32 zero = 0;
	volatile __u32 *counting;

	if (!is_of_interest(old, new))
		return 0;
	counting = bpf_map_lookup_elem(&tcp_counting, &zero);
	if (!counting)
		return 0; /* cannot be */
	*counting = 1;
	tcp_changed(sk, old, new);
	*counting = 0;
	return 0;
}

/* Counts what the kernel skipped tcp_state for, because that was running. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state_else, const struct sock *sk, int old, int new)
{
	__u32 zero = 0;
	volatile __u32 *counting;
	struct counts *c;

	if (!is_of_interest(old, new))
		return 0;
	counting = bpf_map_lookup_elem(&tcp_counting, &zero);
	if (!counting || !*counting)
		return 0;
	c = my_counts();
	ADD(c, caught, 1);
	return tcp_changed(sk, old, new);
}

/* accepted: the current task has taken a connection. */
static __always_inline int accepted(const struct sock *sk)
{
	struct socket_record r;

	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || is_other_net(sk))
		return 0;
	TCP_ENDS(&r, sk, BPF_CORE_READ);
	return report_accept((__u64)sk, BPF_CORE_READ(sk, __sk_common.skc_state), &r);
}

/* accepted_here is accepted where the verifier knows the socket as one. */
static __always_inline int accepted_here(const struct sock *sk)
{
	struct socket_record r;

	if (!sk || sk->sk_protocol != IPPROTO_TCP || is_other_net(sk))
		return 0;
	TCP_ENDS(&r, sk, GET_DIRECT);
	return report_accept((__u64)sk, sk->__sk_common.skc_state, &r);
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(accept_fexit4, struct sock *sk, int flags, int *err, bool kern, struct sock *ret)
{
	return accepted_here(ret);
}

/* Since Linux 6.10 (92ef0fd55ac8). */
SEC("fexit/inet_csk_accept")
int BPF_PROG(accept_fexit, struct sock *sk, struct proto_accept_arg *arg, struct sock *ret)
{
	return accepted_here(ret);
}

SEC("kretprobe")
int BPF_KRETPROBE(accept_kret, struct sock *ret)
{
	return accepted(ret);
}

/* At the exit of accept(2): where another thread has already closed the descriptor, it is missed.
 */
SEC("tracepoint")
int accept_tp(struct sys_exit *ctx)
{
	struct sock *sk;

	if (ctx->ret < 0)
		return 0;
	sk = socket_in(opened((void *)bpf_get_current_task(), ctx->ret));
	if (sk && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_MPTCP &&
	    bpf_core_type_exists(struct mptcp_sock))
		sk = BPF_CORE_READ((struct mptcp_sock *)sk, first);
	return accepted(sk);
}

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
