/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* TCP connections, by the states of their sockets. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cast.h"
#include "event.h"
#include "maps.h"
#include "sock.h"
#include "task.h"
#include "tcp.h"

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

/* accepted_here: the current task has taken a connection. The verifier knows the socket as one. */
static __always_inline int accepted_here(const struct sock *sk)
{
	struct socket_record r;

	if (!sk || sk->sk_protocol != IPPROTO_TCP || is_other_net(sk))
		return 0;
	TCP_ENDS(&r, sk, GET_DIRECT);
	return report_accept((__u64)sk, sk->__sk_common.skc_state, &r);
}

/* accepted is accepted_here where the socket is only an address. */
static __always_inline int accepted(const struct sock *sk)
{
	struct socket_record r;

	if (CAN_CAST)
		return accepted_here(CAST(struct sock, sk));
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || is_other_net(sk))
		return 0;
	TCP_ENDS(&r, sk, BPF_CORE_READ);
	return report_accept((__u64)sk, BPF_CORE_READ(sk, __sk_common.skc_state), &r);
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
