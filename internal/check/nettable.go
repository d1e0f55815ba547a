package check

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxListeners is how many sockets of a protocol are looked at.
const maxListeners = 16384

var errListeners = errors.New("too many listening sockets to look at all")

// A listener is a socket that takes what comes from anywhere.
type listener struct {
	protocol string // tcp, tcp6, udp, udp6
	local    netip.AddrPort
	state    string
	inode    uint64
}

// listeners are those of the network namespace that the host's first process
// is in. Those of containers with a network of their own are not the host's.
func (h *Host) listeners() ([]listener, error) {
	var all []listener
	var errs []error
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6"} {
		name := "proc/1/net/" + protocol
		n := len(all)
		err := h.scan(name, func(line []byte) {
			if l, ok := parseListener(protocol, string(line)); ok && len(all)-n <= maxListeners {
				all = append(all, l)
			}
		})
		if len(all)-n > maxListeners {
			all = all[:n+maxListeners]
			err = &fs.PathError{Op: "read", Path: name, Err: errListeners}
		}
		if strings.HasSuffix(protocol, "6") {
			err = ignoreAbsent(err) // a kernel without IPv6
		}
		errs = append(errs, err)
	}
	slices.SortStableFunc(all, func(a, b listener) int {
		return cmp.Or(strings.Compare(a.protocol, b.protocol), a.local.Compare(b.local))
	})
	return all, errors.Join(errs...)
}

// parseListener reads a line of /proc/net: a number, the local and the other
// address, the state, five more columns, and the inode.
func parseListener(protocol, line string) (listener, bool) {
	l := listener{protocol: protocol}
	fields := strings.Fields(line)
	if len(fields) < 10 {
		return l, false
	}
	var ok bool
	if l.state, ok = listening(protocol, fields[3]); !ok {
		return l, false
	}
	var err error
	if l.local, ok = parseKernelAddr(fields[1]); !ok {
		return l, false
	}
	l.inode, err = strconv.ParseUint(fields[9], 10, 64)
	return l, err == nil
}

// listening gives the states in which a socket waits for anybody their names
// of ss(8).
func listening(protocol, state string) (string, bool) {
	const closed, listens = "07", "0A"
	isUDP := strings.HasPrefix(protocol, "udp")
	switch {
	case isUDP && state == closed:
		return "UNCONN", true
	case !isUDP && state == listens:
		return "LISTEN", true
	}
	return "", false
}

// parseKernelAddr reads an address as /proc/net has it: words of four bytes as
// numbers of this machine, and the port.
func parseKernelAddr(s string) (netip.AddrPort, bool) {
	ip, port, _ := strings.Cut(s, ":")
	b, err1 := hex.DecodeString(ip)
	p, err2 := strconv.ParseUint(port, 16, 16)
	if err1 != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(b, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr, uint16(p)), ok
}
