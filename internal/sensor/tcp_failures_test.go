//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// The reset counts at the end that gets it; the end that sends it knows what it does.
var reset = tcp{out: 1, in: 1, reset: 1}

// failureCases are connections that break, or never come about.
var failureCases = []tcpCase{
	{name: "reset by the client", each: reset, do: onePair(func(client, server int) { abort(client); broken(server) })},
	{name: "reset by the server", each: reset, do: onePair(func(client, server int) { abort(server); broken(client) })},
	{name: "reset by a client that has not read all", each: reset, do: onePair(func(client, server int) {
		write(server)
		await(unix.POLLIN, client)
		hangUp(client)
		broken(server)
	})},
	{name: "reset by a server that has not read all", each: reset, do: onePair(func(client, server int) {
		write(client)
		await(unix.POLLIN, server)
		hangUp(server)
		broken(client)
	})},
	{name: "reset after the half that was reset had been closed", each: reset, do: onePair(func(client, server int) {
		halfClose(client)
		readEnd(server)
		abort(client)
		broken(server)
	})},
	{name: "reset before it is accepted", each: reset, do: func(p place, n int) {
		for range n {
			client := p.dial()
			await(unix.POLLIN, p.listener) // the last packet of the handshake may come later
			abort(client)
			broken(p.accept())
		}
	}},
	{name: "reset because the listener closed before it accepted", each: reset, do: func(p place, n int) {
		for range n {
			short := meet(p.family, 0)
			client := short.dial()
			await(unix.POLLIN, short.listener)
			hangUp(short.listener)
			broken(client)
		}
	}},
	{name: "refused", each: tcp{out: 1, refused: 1}, do: func(p place, n int) {
		gone := meet(p.family, 0)
		hangUp(gone.listener)
		for range n {
			fd := socket(p.domain, unix.SOCK_STREAM, 0)
			refuse(unix.Connect(fd, p.port(gone.at)), unix.ECONNREFUSED)
			hangUp(fd)
		}
	}},
	{name: "refused without waiting", each: tcp{out: 1, refused: 1}, do: func(p place, n int) {
		gone := meet(p.family, 0)
		hangUp(gone.listener)
		for range n {
			fd := gone.begin()
			await(unix.POLLERR, fd)
			hangUp(fd)
		}
	}},
	{name: "given up before an answer", each: tcp{out: 1}, do: func(p place, n int) {
		deaf(p.listener)
		for range n {
			hangUp(p.begin())
		}
	}},
	{name: "timed out before an answer", each: tcp{out: 1, timeout: 1}, do: func(p place, n int) {
		deaf(p.listener)
		var fds []int
		for range n {
			fd := p.begin()
			impatient(fd)
			fds = append(fds, fd)
		}
		rest()
		await(unix.POLLERR, fds...)
		hangUp(fds...)
	}},
	{name: "timed out because the backlog is full", each: tcp{out: 2, in: 1, timeout: 1}, do: fullBacklog},
	{name: "timed out after it was established", each: tcp{out: 1, in: 1, timeout: 1}, do: func(p place, n int) {
		clients, servers := p.pairs(n)
		for i, client := range clients {
			deaf(servers[i])
			set(client, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 300)
			write(client)
		}
		await(unix.POLLERR, clients...)
		hangUp(clients...)
		for _, server := range servers {
			abort(server)
		}
	}},
	{name: "unreachable, says a router", each: tcp{out: 1, unreachable: 1}, do: unreachable},
	{name: "without a route, so that nothing is sent", each: tcp{}, do: func(p place, n int) {
		for range n {
			fd := socket(p.domain, unix.SOCK_STREAM, 0)
			refuse(unix.Connect(fd, p.far().port(80)), unix.ENETUNREACH)
			hangUp(fd)
		}
	}},
}

// refuse is for calls that must fail.
func refuse(err error, want unix.Errno) {
	if !errors.Is(err, want) {
		panic(fmt.Errorf("a call that must end with %w ended with: %w", want, err))
	}
}

// broken closes a socket when the peer's reset has arrived.
func broken(fd int) {
	await(unix.POLLERR, fd)
	hangUp(fd)
}

// impatient gives a connect up that has no answer after a second.
func impatient(fd int) { set(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1) }

// fullBacklog makes n listeners of which the backlog is full and connects to them in vain.
func fullBacklog(p place, n int) {
	var vain, first []int
	for range n {
		full := meet(p.family, 0)
		must("shorten the backlog", unix.Listen(full.listener, 0))
		first = append(first, full.dial())
		fd := full.begin()
		impatient(fd)
		vain = append(vain, fd)
		defer func() { hangUp(full.accept(), full.listener) }()
	}
	rest()
	await(unix.POLLERR, vain...)
	hangUp(vain...)
	hangUp(first...)
}
