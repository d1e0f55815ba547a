//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelTCP does everything that can happen to a connection, over every kind of address. What is
// counted must be reported, too.
func TestKernelTCP(t *testing.T) {
	l := newLab(t)
	r := l.report(t)
	l.begin(t, r.Sensor)
	for _, c := range slices.Concat(orderlyCases, failureCases) {
		for _, f := range families {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				if c.lack != nil && c.lack() != "" {
					t.Skip("not on this kernel: network.tcp: " + c.lack())
				}
				got := r.sockets(t, func() { l.expect(t, c.each.times(many), "tcp", c.name, f.name, fmt.Sprint(many)) })
				c.sameRecords(t, many, l.skipped, got[event.Connect], got[event.Accept], got[event.Close])
			})
		}
	}
	l.balance(t)
}

var _ = can("tcp", func(args []string) (string, error) {
	return "", inFamily(args[1], args[2], func(f family, n int) {
		for _, c := range slices.Concat(orderlyCases, failureCases) {
			if c.name == args[0] {
				p := meet(f, 0)
				alone(func() { c.do(p, n) })
				hangUp(p.listener)
			}
		}
	})
})

// TestKernelUDP counts sockets and their peers.
func TestKernelUDP(t *testing.T) {
	l := newLab(t)
	l.open(t)
	for _, c := range udpCases {
		want := c.each
		if c.cgroup != nil && programOf(l.Hooks(), "network.udp") == bpfProgUdpSend4 {
			want = *c.cgroup
		}
		for _, f := range families {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				l.expect(t, want.times(many), "udp", c.name, f.name, fmt.Sprint(many))
			})
		}
	}
	l.balance(t)
}

var _ = can("udp", func(args []string) (string, error) {
	return "", inFamily(args[1], args[2], func(f family, n int) {
		for _, c := range udpCases {
			if c.name == args[0] {
				p := listenUDP(f)
				c.do(p, n)
				hangUp(p.listener)
			}
		}
	})
})

func inFamily(name, times string, do func(f family, n int)) error {
	n, err := strconv.Atoi(times)
	for _, f := range families {
		if f.name == name && err == nil {
			err = caught(func() { do(f, n) })
		}
	}
	return err
}

func (c tcp) times(n uint64) Counts {
	var out Counts
	out.Connect[event.Out][event.TCP] = n * c.out
	out.Connect[event.In][event.TCP] = n * c.in
	out.ConnectError = [event.ConnectErrors]uint64{
		event.Timeout: n * c.timeout, event.Refused: n * c.refused,
		event.Reset: n * c.reset, event.Unreachable: n * c.unreachable,
	}
	return out
}

func (c udp) times(n uint64) Counts {
	var out Counts
	out.Connect[event.Out][event.UDP] = n * c.out
	out.Connect[event.In][event.UDP] = n * c.in
	out.ConnectError[event.Refused] = n * c.refused
	return out
}
