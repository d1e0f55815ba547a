//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelTCP does everything that can happen to a connection, over every kind of address.
func TestKernelTCP(t *testing.T) {
	l := newLab(t)
	l.open(t)
	for _, c := range slices.Concat(orderlyCases, failureCases) {
		for _, f := range families {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				if c.lack != nil && c.lack() != "" {
					t.Skip("not on this kernel: network.tcp: " + c.lack())
				}
				l.expect(t, c.each.times(200), "tcp", c.name, f.name, "200")
			})
		}
	}
	l.balance(t)
}

var _ = can("tcp", func(args []string) (string, error) {
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return "", err
	}
	f, err := familyOf(args[1])
	if err != nil {
		return "", err
	}
	for _, c := range slices.Concat(orderlyCases, failureCases) {
		if c.name == args[0] {
			return "", caught(func() {
				p := meet(f, 0)
				c.do(p, n)
				hangUp(p.listener)
			})
		}
	}
	return "", errors.New("no such case")
})

func familyOf(name string) (family, error) {
	for _, f := range families {
		if f.name == name {
			return f, nil
		}
	}
	return family{}, errors.New("no such family")
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
