//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// A family is a kind of address, and the loopback address of that kind.
type family struct {
	name   string
	domain int
	addr   netip.Addr
}

var families = []family{
	{"v4", unix.AF_INET, netip.MustParseAddr("127.0.0.1")},
	{"v6", unix.AF_INET6, netip.MustParseAddr("::1")},
	{"v4-mapped", unix.AF_INET6, netip.MustParseAddr("::ffff:127.0.0.1")},
}

func (f family) port(port int) unix.Sockaddr {
	if f.domain == unix.AF_INET {
		return &unix.SockaddrInet4{Port: port, Addr: f.addr.As4()}
	}
	return &unix.SockaddrInet6{Port: port, Addr: f.addr.As16()}
}

func portOf(fd int) int {
	name, err := unix.Getsockname(fd)
	must("get a socket's port", err)
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return a.Port
	case *unix.SockaddrInet6:
		return a.Port
	}
	panic(fmt.Errorf("a socket has the address %v", name))
}

func socket(domain, kind, protocol int) int {
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
	must("open a socket", err)
	patience := unix.NsecToTimeval(int64(10 * time.Second)) // rather than wait for ever
	must("set a timeout", unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience))
	return fd
}

// hangUp closes sockets, all the first one's and then the next one's.
func hangUp(fds ...int) {
	for _, fd := range fds {
		must("close", unix.Close(fd))
	}
}

func set(fd, level, option, value int) {
	must("set a socket's option", unix.SetsockoptInt(fd, level, option, value))
}

// abort closes a socket so that the peer gets a reset.
func abort(fd int) {
	must("set linger", unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
	hangUp(fd)
}

// deaf lets a socket drop all that arrives, as if the network had lost it.
func deaf(fd int) {
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	must("attach a filter", unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop}))
}

func hearing(fd int) { set(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) }

func halfClose(fd int) { must("shut down", unix.Shutdown(fd, unix.SHUT_WR)) }

func write(fd int) {
	_, err := unix.Write(fd, []byte("x"))
	must("write", err)
}

// read reads what write wrote.
func read(fd int) {
	n, err := unix.Read(fd, make([]byte, 8))
	must("read", err)
	if n != 1 {
		panic(fmt.Errorf("read %d bytes, want 1", n))
	}
}

// readEnd waits for the end of what the peer writes.
func readEnd(fd int) {
	n, err := unix.Read(fd, make([]byte, 8))
	must("read", err)
	if n != 0 {
		panic(fmt.Errorf("read %d bytes, want the end", n))
	}
}

// await waits until each socket shows one of the events, 20 s at most in all. It does not sleep, see alone.
func await(events int16, fds ...int) {
	end := time.Now().Add(20 * time.Second)
	for _, fd := range fds {
		p := []unix.PollFd{{Fd: int32(fd), Events: events}}
		for p[0].Revents&events == 0 {
			if time.Now().After(end) {
				panic(fmt.Errorf("after 20 s a socket shows %#x, want %#x", p[0].Revents, events))
			}
			if _, err := unix.Poll(p, 0); err != nil && err != unix.EINTR {
				must("poll", err)
			}
		}
	}
}

// A place is where the peers of one case meet.
type place struct {
	family
	listener, at int
	protocol     int
}

// meet listens where all of a case's connections may wait to be accepted.
func meet(f family, protocol int) place {
	p := place{family: f, listener: socket(f.domain, unix.SOCK_STREAM, protocol), protocol: protocol}
	must("bind", unix.Bind(p.listener, f.port(0)))
	must("listen", unix.Listen(p.listener, 1000))
	p.at = portOf(p.listener)
	return p
}

// dial connects and waits until it is connected. It does not sleep, see alone.
func (p place) dial() int {
	fd := p.begin()
	await(unix.POLLOUT, fd)
	failed, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	must("ask how connecting ended", err)
	if failed != 0 {
		must("connect", unix.Errno(failed))
	}
	must("make a socket block", unix.SetNonblock(fd, false))
	return fd
}

// begin connects, but waits for nothing.
func (p place) begin() int {
	fd := socket(p.domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, p.protocol)
	if err := unix.Connect(fd, p.port(p.at)); err != unix.EINPROGRESS {
		panic(fmt.Errorf("connect without waiting: %w", err))
	}
	return fd
}

func (p place) accept() int {
	await(unix.POLLIN, p.listener)
	fd, _, err := unix.Accept4(p.listener, unix.SOCK_CLOEXEC)
	must("accept", err)
	return fd
}

// pair returns both ends of a connection.
func (p place) pair() (client, server int) {
	client = p.dial()
	return client, p.accept()
}

func (p place) pairs(n int) (clients, servers []int) {
	for range n {
		client, server := p.pair()
		clients, servers = append(clients, client), append(servers, server)
	}
	return clients, servers
}
