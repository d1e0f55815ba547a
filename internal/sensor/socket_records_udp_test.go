//go:build linux && (amd64 || arm64)

package sensor

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// byCgroups says that the hooks of cgroups serve, which see a connect, not what is sent after it.
var byCgroups bool

func udpRecordCases(cgroups bool) []recordCase {
	byCgroups = cgroups
	return udpRecords
}

var udpRecords = []recordCase{
	{"three datagrams from a connected socket", func(p place, d *diary) {
		fd := p.join()
		if byCgroups {
			d.sent(netip.AddrPortFrom(netip.IPv6Unspecified(), 0), p.addrPort())
		} else {
			d.sent(name(fd), p.addrPort())
		}
		for range 3 {
			write(fd)
			p.receive()
		}
		hangUp(fd)
	}},
	{"connected and bound", func(p place, d *diary) {
		fd := p.speaker()
		must("bind", unix.Bind(fd, p.port(0)))
		must("connect", unix.Connect(fd, p.port(p.at)))
		d.sent(name(fd), p.addrPort())
		write(fd)
		p.receive()
		hangUp(fd)
	}},
	{"not connected", func(p place, d *diary) {
		fd := p.speaker()
		for range 3 {
			sendTo(fd, p)
			p.receive()
		}
		d.sent(name(fd), p.addrPort())
		hangUp(fd)
	}},
	{"not connected, but bound", func(p place, d *diary) {
		fd := p.speaker()
		must("bind", unix.Bind(fd, p.port(0)))
		sendTo(fd, p)
		p.receive()
		d.sent(name(fd), p.addrPort())
		hangUp(fd)
	}},
	{"to several peers, each twice", func(p place, d *diary) {
		fd := p.speaker()
		other := listenUDP(p.family)
		for range 2 {
			for _, to := range []place{p, other} {
				sendTo(fd, to)
				to.receive()
			}
		}
		d.sent(name(fd), p.addrPort())
		d.sent(name(fd), other.addrPort())
		hangUp(fd, other.listener)
	}},
	{"many in one call", func(p place, d *diary) {
		fd := p.speaker()
		other := listenUDP(p.family)
		sendMany(fd, p, other, p)
		d.sent(name(fd), p.addrPort())
		d.sent(name(fd), other.addrPort())
		hangUp(fd, other.listener)
	}},
	{"a reply is the first datagram of its socket to that peer, but for one that came from there", func(p place, d *diary) {
		fd := p.speaker()
		sendTo(fd, p)
		d.sent(name(fd), p.addrPort())
		must("reply", unix.Sendto(p.listener, []byte("x"), 0, p.receive()))
		hangUp(fd)
	}},
}

// mmsg is struct mmsghdr.
type mmsg struct {
	unix.Msghdr
	n uint32
	_ uint32
}

// sendMany sends a datagram to each with one sendmmsg(2).
func sendMany(fd int, to ...place) {
	data := []byte("x")
	vec := unix.Iovec{Base: &data[0], Len: 1}
	var all []mmsg
	for _, p := range to {
		raw := p.raw()
		var m mmsg
		m.Name, m.Namelen = &raw[0], uint32(len(raw))
		m.Iov, m.Iovlen = &vec, 1
		all = append(all, m)
	}
	n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&all[0])), uintptr(len(all)), 0, 0, 0)
	if e != 0 || int(n) != len(to) {
		must("send many", e)
	}
}

var _ = can("udp records", func(args []string) (string, error) {
	return keep(udpRecordCases(args[2] != ""), args, listenUDP)
})
