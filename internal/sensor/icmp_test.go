//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// unreachable answers each attempt to connect as a router does that does not
// know the host.
func unreachable(p place, n int) {
	deaf(p.listener)
	domain, icmp := unix.AF_INET6, unix.IPPROTO_ICMPV6
	if p.addr.Unmap().Is4() {
		domain, icmp = unix.AF_INET, unix.IPPROTO_ICMP
	}
	wire, router := socket(domain, unix.SOCK_RAW, unix.IPPROTO_TCP), socket(domain, unix.SOCK_RAW, icmp)
	to := family{domain: domain, addr: p.addr.Unmap()}.port(0)
	for range n {
		fd := p.begin()
		syn := sent(wire, domain, portOf(fd))
		must("send ICMP", unix.Sendto(router, hostUnreachable(p.addr, syn), 0, to))
		await(unix.POLLERR, fd)
		hangUp(fd)
	}
	hangUp(wire, router)
}

// sent returns the packet that came from a port, without its IPv6 header.
func sent(wire, domain, port int) []byte {
	for {
		packet := make([]byte, 2048)
		n, err := unix.Read(wire, packet)
		must("read a packet", err)
		packet = packet[:n]
		tcp := packet
		if domain == unix.AF_INET {
			tcp = packet[packet[0]&15*4:]
		}
		if int(binary.BigEndian.Uint16(tcp)) == port {
			return packet
		}
	}
}

// hostUnreachable is the ICMP message about a packet to addr. For IPv6 the kernel
// adds the checksum.
func hostUnreachable(addr netip.Addr, packet []byte) []byte {
	if addr.Unmap().Is4() {
		m := append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, packet...)
		binary.BigEndian.PutUint16(m[2:], checksum(m))
		return m
	}
	m := append([]byte{1, 3, 0, 0, 0, 0, 0, 0}, 0x60, 0, 0, 0, byte(len(packet)>>8), byte(len(packet)), unix.IPPROTO_TCP, 64)
	m = append(append(m, addr.AsSlice()...), addr.AsSlice()...)
	return append(m, packet...)
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
