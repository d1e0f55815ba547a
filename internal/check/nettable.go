package check

import (
	"bytes"
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

// maxListeners is how many sockets of a protocol are looked at that listen.
const maxListeners = 16384

var errListeners = errors.New("too many listening sockets to look at all")

// A listener is a socket that takes what comes from anywhere.
type listener struct {
	protocol string // tcp, tcp6, udp, udp6
	local    netip.AddrPort
	state    string
	uid      uint32
	inode    uint64
}

// maxConnections is how many others may come one after another. The kernel lists
// the sockets that listen before all others, and a busy server has a million.
const maxConnections = 4096

// listeners are those of the network namespace that the host's first process
// is in. Those of containers with a network of their own are not the host's.
// They are sorted by user first: users cannot push out what is root's.
func (h *Host) listeners() ([]listener, error) {
	var all []listener
	var errs []error
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6"} {
		found, err := h.listenersOf(protocol)
		if strings.HasSuffix(protocol, "6") {
			err = ignoreAbsent(err) // a kernel without IPv6
		}
		all, errs = append(all, found...), append(errs, err)
	}
	slices.SortStableFunc(all, func(a, b listener) int {
		return cmp.Or(cmp.Compare(a.uid, b.uid), strings.Compare(a.protocol, b.protocol), a.local.Compare(b.local), cmp.Compare(a.inode, b.inode))
	})
	return slices.Compact(all), errors.Join(errs...) // a table that changes while it is read may tell of one twice
}

func (h *Host) listenersOf(protocol string) ([]listener, error) {
	var all []listener
	name, others := "proc/1/net/"+protocol, 0
	err := h.scanWhile(name, func(line []byte) bool {
		others++
		if mayListen(protocol, line) {
			if l, ok := parseListener(protocol, string(line)); ok {
				all, others = append(all, l), 0
			}
		}
		return len(all) <= maxListeners && (isUDP(protocol) || others <= maxConnections)
	})
	if len(all) > maxListeners {
		return all[:maxListeners], &fs.PathError{Op: "read", Path: name, Err: errListeners}
	}
	return all, err
}

// mayListen costs no memory for a line of a connection.
func mayListen(protocol string, line []byte) bool {
	state := stateListen
	if isUDP(protocol) {
		state = stateClosed
	}
	return bytes.Contains(line, []byte(" "+state+" "))
}

// The states of the kernel's tables in which a socket waits for anybody: those
// of TCP, and of UDP.
const (
	stateListen = "0A"
	stateClosed = "07"
)

func isUDP(protocol string) bool { return strings.HasPrefix(protocol, "udp") }

// parseListener reads a line of /proc/net: a number, the local and the other
// address, the state, three more columns, the user, one more, and the inode.
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
	if l.local, ok = parseKernelAddr(fields[1]); !ok {
		return l, false
	}
	uid, err := strconv.ParseUint(fields[7], 10, 32)
	if err != nil {
		return l, false
	}
	l.uid = uint32(uid)
	l.inode, err = strconv.ParseUint(fields[9], 10, 64)
	return l, err == nil
}

// listening gives the states in which a socket waits for anybody their names
// of ss(8).
func listening(protocol, state string) (string, bool) {
	switch {
	case isUDP(protocol) && state == stateClosed:
		return "UNCONN", true
	case !isUDP(protocol) && state == stateListen:
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
