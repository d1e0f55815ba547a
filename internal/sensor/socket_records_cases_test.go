//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A diary is what a helper knows to have happened, a line for each record there must be.
type diary []string

// entry is a line of a diary. Nobody has the pid 0.
func entry(class event.Class, pid int, s event.SocketEvent, errno unix.Errno) string {
	return fmt.Sprintf("%s by %d: %s %s %s - %s, %s", class, pid, s.Protocol, s.Direction, s.Local, s.Peer, errno)
}

func (d *diary) connected(pid, fd int) {
	*d = append(*d, entry(event.Connect, pid, ends(fd, event.Out), 0))
}

func (d *diary) accepted(pid, fd int) {
	*d = append(*d, entry(event.Accept, pid, ends(fd, event.In), 0))
}

func (d *diary) closed(pid int, s event.SocketEvent, errno unix.Errno) {
	*d = append(*d, entry(event.Close, pid, s, errno))
}

func (d *diary) failed(from, to netip.AddrPort, errno unix.Errno) {
	*d = append(*d, entry(event.Connect, os.Getpid(), event.SocketEvent{Local: from, Peer: to, Direction: event.Out}, errno))
}

func (d *diary) sent(from, to netip.AddrPort) {
	*d = append(*d, entry(event.UDPSend, os.Getpid(),
		event.SocketEvent{Local: from, Peer: to, Protocol: event.UDP, Direction: event.Out}, 0))
}

// ends are what the kernel says of a connected socket.
func ends(fd int, d event.Direction) event.SocketEvent {
	peer, err := unix.Getpeername(fd)
	must("get a socket's peer", err)
	return event.SocketEvent{Local: name(fd), Peer: addrPort(peer), Direction: d}
}

func name(fd int) netip.AddrPort {
	local, err := unix.Getsockname(fd)
	must("get a socket's name", err)
	return addrPort(local)
}

// addrPort gives an address as events do, of which the unspecified one is always that of IPv6.
func addrPort(a unix.Sockaddr) netip.AddrPort {
	var addr netip.Addr
	var port int
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		addr, port = netip.AddrFrom4(a.Addr), a.Port
	case *unix.SockaddrInet6:
		addr, port = netip.AddrFrom16(a.Addr).Unmap(), a.Port
	}
	if addr.IsUnspecified() {
		addr = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

func (p place) addrPort() netip.AddrPort { return addrPort(p.port(p.at)) }

// A recordCase does something on sockets and tells what.
type recordCase struct {
	name string
	do   func(p place, d *diary)
}

// both keeps a diary of a connection between two processes, its client's first, that ends as told.
func (d *diary) both(client, server int, clientPID, serverPID int, end func(), clientErr, serverErr unix.Errno) {
	d.connected(clientPID, client)
	d.accepted(serverPID, server)
	d.end(ends(client, event.Out), ends(server, event.In), clientPID, serverPID, clientErr, serverErr)
	end()
}

func (d *diary) end(client, server event.SocketEvent, clientPID, serverPID int, clientErr, serverErr unix.Errno) {
	d.closed(clientPID, client, clientErr)
	d.closed(serverPID, server, serverErr)
}

var me = os.Getpid()

var tcpRecords = []recordCase{
	{"closed by the client first", func(p place, d *diary) {
		client, server := p.pair()
		d.both(client, server, me, me, func() { hangUp(client, server) }, 0, 0)
	}},
	{"accept without flags", func(p place, d *diary) {
		client := p.dial()
		server, _, err := unix.Accept(p.listener)
		must("accept", err)
		d.both(client, server, me, me, func() { hangUp(client, server) }, 0, 0)
	}},
	{"bound before it connects", func(p place, d *diary) {
		client := socket(p.domain, unix.SOCK_STREAM, 0)
		must("bind", unix.Bind(client, p.port(0)))
		must("connect", unix.Connect(client, p.port(p.at)))
		server := p.accept()
		d.both(client, server, me, me, func() { hangUp(client, server) }, 0, 0)
	}},
	{"reset by the server", func(p place, d *diary) {
		client, server := p.pair()
		d.both(client, server, me, me, func() { abort(server); hangUp(client) }, unix.ECONNRESET, 0)
	}},
	{"connected without waiting", func(p place, d *diary) {
		client := p.begin()
		server := p.accept()
		await(unix.POLLOUT, client)
		d.both(client, server, me, me, func() { hangUp(client, server) }, 0, 0)
	}},
	{"connected to itself", func(p place, d *diary) {
		fd := socket(p.domain, unix.SOCK_STREAM, 0)
		must("bind", unix.Bind(fd, p.port(0)))
		must("connect", unix.Connect(fd, p.port(portOf(fd))))
		d.connected(me, fd)
		d.closed(me, ends(fd, event.Out), 0)
		hangUp(fd)
	}},
	{"fast open", func(p place, d *diary) {
		fastOpen(p)
		client := p.send()
		server := p.accept()
		read(server)
		d.both(client, server, me, me, func() { hangUp(client, server) }, 0, 0)
	}},
	{"by io_uring", func(p place, d *diary) {
		r := newRing()
		defer hangUp(r.fd)
		client := socket(p.domain, unix.SOCK_STREAM, 0)
		r.connect(client, p.raw())
		server := r.accept(p.listener)
		d.both(client, server, me, me, func() { hangUp(client, server) }, 0, 0)
	}},
	{"accepted by another thread", func(p place, d *diary) {
		client := p.dial()
		got := make(chan int)
		go func() { runtime.LockOSThread(); got <- p.accept() }()
		server := <-got
		d.both(client, server, me, me, func() { hangUp(client, server) }, 0, 0)
	}},
	{"accepted by a child that inherited the listener", func(p place, d *diary) {
		c := startChild(p.listener)
		client := p.dial()
		local := c.do("accept first")
		d.connected(me, client)
		server := event.SocketEvent{Local: p.addrPort(), Peer: name(client), Direction: event.In}
		if local != server.Local.String() {
			panic(fmt.Errorf("the child's socket is %s", local))
		}
		*d = append(*d, entry(event.Accept, c.pid, server, 0))
		d.end(ends(client, event.Out), server, me, c.pid, 0, 0)
		hangUp(client)
		c.end()
	}},
	{"connected by a child that ended before it closed", func(p place, d *diary) {
		c := startChild()
		at, err := netip.ParseAddrPort(c.do("dial", p.name, strconv.Itoa(p.at)))
		must("read an address", err)
		server := p.accept()
		client := event.SocketEvent{Local: at, Peer: p.addrPort(), Direction: event.Out}
		*d = append(*d, entry(event.Connect, c.pid, client, 0))
		d.accepted(me, server)
		d.end(client, ends(server, event.In), c.pid, me, 0, 0)
		c.end()
		readEnd(server)
		hangUp(server)
	}},
	{"reset before it is accepted", func(p place, d *diary) {
		client := p.dial()
		d.connected(me, client)
		s := event.SocketEvent{Local: p.addrPort(), Peer: name(client), Direction: event.In}
		d.end(ends(client, event.Out), s, me, 0, 0, unix.ECONNRESET)
		abort(client)
		hangUp(p.accept())
		*d = append(*d, entry(event.Accept, me, s, 0))
	}},
	{"refused", func(p place, d *diary) {
		gone := meet(p.family, 0)
		hangUp(gone.listener)
		fd := socket(p.domain, unix.SOCK_STREAM, 0)
		must("bind", unix.Bind(fd, p.port(0)))
		d.failed(name(fd), gone.addrPort(), unix.ECONNREFUSED)
		refuse(unix.Connect(fd, p.port(gone.at)), unix.ECONNREFUSED)
		hangUp(fd)
	}},
	{"refused without waiting", func(p place, d *diary) {
		gone := meet(p.family, 0)
		hangUp(gone.listener)
		fd := gone.begin()
		await(unix.POLLERR, fd)
		d.failed(name(fd), gone.addrPort(), unix.ECONNREFUSED)
		hangUp(fd)
	}},
	{"given up", func(p place, d *diary) {
		deaf(p.listener)
		fd := p.begin()
		d.failed(name(fd), p.addrPort(), unix.ECANCELED)
		hangUp(fd)
	}},
	{"timed out", func(p place, d *diary) {
		alone(func() {
			deaf(p.listener)
			fd := p.begin()
			impatient(fd)
			d.failed(name(fd), p.addrPort(), unix.ETIMEDOUT)
			rest()
			await(unix.POLLERR, fd)
			hangUp(fd)
		})
	}},
	{"no port is left", func(p place, d *diary) {
		const ports = "/proc/sys/net/ipv4/ip_local_port_range"
		was, err := os.ReadFile(ports)
		must("read the range of ports", err)
		must("leave one port", os.WriteFile(ports, []byte("20001 20001"), 0))
		defer func() { must("give the ports back", os.WriteFile(ports, was, 0)) }()
		client := p.dial()
		server := p.accept()
		d.both(client, server, me, me, func() {
			fd := socket(p.domain, unix.SOCK_STREAM, 0)
			refuse(unix.Connect(fd, p.port(p.at)), unix.EADDRNOTAVAIL)
			d.failed(netip.AddrPortFrom(p.addr.Unmap(), 0), p.addrPort(), unix.EADDRNOTAVAIL)
			abort(client) // or the port is busy for a minute
			hangUp(fd, server)
		}, 0, unix.ECONNRESET)
	}},
}

// raw is where the place is, as system calls read it.
func (p place) raw() []byte {
	port := binary.BigEndian.AppendUint16(nil, uint16(p.at))
	domain := binary.NativeEndian.AppendUint16(nil, uint16(p.domain))
	if p.domain == unix.AF_INET {
		return append(append(append(domain, port...), p.addr.AsSlice()...), make([]byte, 8)...)
	}
	addr := p.addr.As16()
	return append(append(append(append(domain, port...), 0, 0, 0, 0), addr[:]...), 0, 0, 0, 0)
}

// A child is a helper of a helper.
type child struct {
	pid int
	in  *gob.Encoder
	out *gob.Decoder
	end func()
}

// startChild starts a child that has inherited descriptors, the first as 3.
func startChild(fds ...int) *child {
	cmd := exec.Command("/proc/self/exe")
	cmd.Stderr = os.Stderr
	for _, fd := range fds {
		fd, err := unix.Dup(fd)
		must("duplicate a descriptor", err)
		f := os.NewFile(uintptr(fd), "inherited")
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	must("start a child", errors.Join(inErr, outErr, cmd.Start()))
	c := &child{pid: cmd.Process.Pid, in: gob.NewEncoder(in), out: gob.NewDecoder(out)}
	c.end = func() { _ = in.Close(); _ = cmd.Wait() }
	c.answer()
	return c
}

func (c *child) do(order ...string) string {
	must("order", c.in.Encode(order))
	return c.answer()
}

func (c *child) answer() string {
	var a answer
	must("hear from a child", c.out.Decode(&a))
	if a.Err != "" {
		panic(errors.New(a.Err))
	}
	return a.Out
}

var _ = can("accept first", func([]string) (out string, err error) {
	err = caught(func() { out = name(place{listener: 3}.accept()).String() })
	return out, err
})

var _ = can("dial", func(args []string) (out string, err error) {
	err = inFamily(args[0], args[1], func(f family, port int) { out = name(place{family: f, at: port}.dial()).String() })
	return out, err
})

var _ = can("tcp records", func(args []string) (string, error) {
	return keep(tcpRecords, args, func(f family) place { return meet(f, 0) })
})

// keep does a case in a family and returns what the diary says.
func keep(cases []recordCase, args []string, at func(family) place) (string, error) {
	var d diary
	err := inFamily(args[1], "1", func(f family, _ int) {
		for _, c := range cases {
			if c.name == args[0] {
				p := at(f)
				c.do(p, &d)
				hangUp(p.listener)
			}
		}
	})
	var l lack
	if errors.As(err, &l) {
		return "lack " + l.Error(), nil
	}
	return strings.Join(d, "\n"), err
}
