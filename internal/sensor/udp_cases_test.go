//go:build linux && (amd64 || arm64)

package sensor

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// udp is what one connection of a case counts as.
type udp struct{ out, in, refused uint64 }

// A udpCase makes n connections, all of which are nobody when it ends.
type udpCase struct {
	name string
	each udp
	do   func(p place, n int)
	// cgroup is what the hooks of cgroups make of it, where they cannot know better:
	// they see a connect, whether a datagram follows or not; a receive only if it
	// asks for the sender; and a send before it is routed.
	cgroup *udp
}

const discard = 9 // a port that no socket gets unless it asks for it

var talk = udp{out: 1, in: 1}

var udpCases = []udpCase{
	{name: "three datagrams from a connected socket", each: talk, do: func(p place, n int) {
		for range n {
			fd := p.join()
			defer hangUp(fd) // not yet, or its port could be that of another peer
			for range 3 {
				write(fd)
				p.receive()
			}
		}
	}},
	{name: "three datagrams from a socket that is not connected", each: talk, do: func(p place, n int) {
		for range n {
			fd := p.speaker()
			defer hangUp(fd)
			for range 3 {
				sendTo(fd, p)
				p.receive()
			}
		}
	}},
	{name: "one socket to five peers, each twice", each: udp{out: 5, in: 5}, do: func(p place, n int) {
		var peers []place
		for range 5 {
			peers = append(peers, listenUDP(p.family))
		}
		for range n {
			fd := p.speaker()
			defer hangUp(fd)
			for i := range 10 {
				sendTo(fd, peers[i%5])
				peers[i%5].receive()
			}
		}
		for _, peer := range peers {
			hangUp(peer.listener)
		}
	}},
	{name: "connected to one peer, then to another, then to the first", each: udp{out: 2, in: 2}, do: func(p place, n int) {
		other := listenUDP(p.family)
		for range n {
			fd := p.speaker()
			for _, peer := range []place{p, other, p} {
				must("connect", unix.Connect(fd, peer.port(peer.at)))
				write(fd)
				peer.receive()
			}
			defer hangUp(fd)
		}
		hangUp(other.listener)
	}},
	{name: "replies", each: talk, do: func(p place, n int) {
		for range n {
			fd := p.speaker()
			sendTo(fd, p)
			must("reply", unix.Sendto(p.listener, []byte("x"), 0, p.receive()))
			_, _, err := unix.Recvfrom(fd, make([]byte, 8), 0)
			must("receive a reply", err)
			defer hangUp(fd)
		}
	}},
	{name: "replies between connected sockets", each: talk, cgroup: &udp{out: 2}, do: func(p place, n int) {
		for range n {
			a, b := listenUDP(p.family), listenUDP(p.family)
			must("connect", unix.Connect(a.listener, p.port(b.at)))
			must("connect", unix.Connect(b.listener, p.port(a.at)))
			write(a.listener)
			read(b.listener)
			write(b.listener)
			read(a.listener)
			hangUp(a.listener, b.listener)
		}
	}},
	{name: "received without asking who sent it", each: talk, cgroup: &udp{out: 1}, do: func(p place, n int) {
		for range n {
			fd := p.join()
			write(fd)
			read(p.listener)
			defer hangUp(fd)
		}
	}},
	{name: "looked at before it is received", each: talk, do: func(p place, n int) {
		for range n {
			fd := p.join()
			write(fd)
			_, _, err := unix.Recvfrom(p.listener, make([]byte, 8), unix.MSG_PEEK)
			must("peek", err)
			p.receive()
			defer hangUp(fd)
		}
	}},
	{name: "two sockets, one after the other, from the same port", each: udp{out: 2, in: 1}, do: func(p place, n int) {
		for range n {
			server := listenUDP(p.family)
			first := server.join()
			port := portOf(first)
			write(first)
			server.receive()
			hangUp(first)
			second := socket(p.domain, unix.SOCK_DGRAM, 0)
			must("bind", unix.Bind(second, p.port(port)))
			sendTo(second, server)
			server.receive()
			hangUp(second, server.listener)
		}
	}},
	{name: "to itself", each: udp{out: 1}, do: func(p place, n int) {
		for range n {
			self := listenUDP(p.family)
			must("connect", unix.Connect(self.listener, p.port(self.at)))
			write(self.listener)
			read(self.listener)
			hangUp(self.listener)
		}
	}},
	{name: "connected without a datagram", each: udp{}, cgroup: &udp{out: 1}, do: func(p place, n int) {
		for range n {
			hangUp(p.join())
		}
	}},
	{name: "neither connected nor used", each: udp{}, do: func(p place, n int) {
		for range n {
			hangUp(p.speaker(), listenUDP(p.family).listener)
		}
	}},
	{name: "refused, three times on a socket", each: udp{out: 1, refused: 1}, do: func(p place, n int) {
		nobody := place{family: p.family, at: discard}
		for range n {
			fd := nobody.join()
			for range 3 {
				write(fd)
				await(unix.POLLERR, fd)
				_, err := unix.Read(fd, make([]byte, 8))
				refuse(err, unix.ECONNREFUSED)
			}
			hangUp(fd)
		}
	}},
	{name: "sent to nobody, which only a connected socket is told", each: udp{out: 1}, do: func(p place, n int) {
		nobody := place{family: p.family, at: discard}
		for range n {
			fd := p.speaker()
			sendTo(fd, nobody)
			sendTo(fd, nobody)
			hangUp(fd)
		}
	}},
	{name: "without a route", each: udp{}, cgroup: &udp{out: 1}, do: func(p place, n int) {
		for range n {
			fd := p.speaker()
			refuse(unix.Sendto(fd, []byte("x"), 0, p.far().port(53)), unix.ENETUNREACH)
			hangUp(fd)
		}
	}},
}

// far is an address of the same kind that no route leads to.
func (f family) far() family {
	f.addr = netip.MustParseAddr("2001:db8::1")
	if f.name != "v6" {
		f.addr = netip.MustParseAddr("192.0.2.1")
	}
	return f
}

// listenUDP binds a socket for what others send.
func listenUDP(f family) place {
	p := place{family: f, listener: socket(f.domain, unix.SOCK_DGRAM, 0)}
	must("bind", unix.Bind(p.listener, f.port(0)))
	p.at = portOf(p.listener)
	return p
}

// speaker is a socket that is not connected.
func (p place) speaker() int { return socket(p.domain, unix.SOCK_DGRAM, 0) }

// join is a socket that is connected.
func (p place) join() int {
	fd := p.speaker()
	must("connect", unix.Connect(fd, p.port(p.at)))
	return fd
}

func sendTo(fd int, p place) {
	must("send", unix.Sendto(fd, []byte("x"), 0, p.port(p.at)))
}

// receive asks who sent it.
func (p place) receive() unix.Sockaddr {
	_, from, err := unix.Recvfrom(p.listener, make([]byte, 8), 0)
	must("receive", err)
	return from
}
