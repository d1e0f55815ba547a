//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelConnectionsActive leaves connections open, before and after the
// sensor looks for those that there are, and compares with the kernel's tables.
func TestKernelConnectionsActive(t *testing.T) {
	l := newLab(t)
	l.do(t, "hold tcp", "20")
	l.do(t, "hold udp", "20")
	l.open(t)

	var known Counts
	known.ConnectActive[event.Out][event.TCP] = 60
	known.ConnectActive[event.In][event.TCP] = 60
	known.ConnectActive[event.Out][event.UDP] = 60
	t.Run("those that are older than the sensor", func(t *testing.T) {
		same(t, l.start, known)
		l.sameAsTables(t)
	})
	t.Run("older ones, talking", func(t *testing.T) {
		l.expect(t, Counts{}, "talk")
	})
	t.Run("older ones, closed", func(t *testing.T) {
		l.expect(t, Counts{}.minus(known), "release")
		l.sameAsTables(t)
	})

	t.Run("TCP", func(t *testing.T) {
		l.expect(t, held(event.TCP, 150, 150), "hold tcp", "50")
		l.sameAsTables(t)
	})
	t.Run("TCP, not accepted yet", func(t *testing.T) {
		l.expect(t, held(event.TCP, 30, 30), "hold pending", "10")
		l.sameAsTables(t)
	})
	t.Run("UDP", func(t *testing.T) {
		want := held(event.UDP, 150, 3) // sockets are active, peers are counted
		want.Connect[event.In][event.UDP] = 150
		l.expect(t, want, "hold udp", "50")
	})
	t.Run("closed", func(t *testing.T) {
		l.do(t, "release")
		var none Counts
		none.ConnectActive = l.now(t).ConnectActive
		none.Missed = l.skippedSoFar()
		same(t, none, Counts{})
		l.sameAsTables(t)
	})
}

// held is what n connections count as while they are open.
func held(p event.Protocol, out, in uint64) Counts {
	var c Counts
	c.Connect[event.Out][p], c.Connect[event.In][p] = out, in
	c.ConnectActive[event.Out][p], c.ConnectActive[event.In][p] = int64(out), int64(in)
	return c
}

// sameAsTables compares with what the kernel itself says of TCP.
func (l *lab) sameAsTables(t *testing.T) {
	t.Helper()
	active := l.now(t).ConnectActive
	got := active[event.Out][event.TCP] + active[event.In][event.TCP]
	for _, table := range []string{"proc", "ss"} {
		said := l.do(t, "count "+table)
		if said == "" {
			continue
		}
		want, err := strconv.ParseInt(said, 10, 64)
		fatal(t, err)
		if uint64(max(got, want)-min(got, want)) > l.skippedSoFar() {
			t.Errorf("%d TCP connections are active, %s shows %d", got, table, want)
		}
	}
}

var _ = can("count proc", func([]string) (string, error) {
	n := 0
	for _, table := range []string{"tcp", "tcp6"} {
		raw, err := os.ReadFile("/proc/thread-self/net/" + table)
		if err != nil {
			return "", err
		}
		for _, line := range strings.Split(string(raw), "\n") {
			f := strings.Fields(line) // the state is the fourth, see proc_net_tcp.rst
			if len(f) > 3 && strings.Contains("01 04 05 08 09 0B", f[3]) {
				n++
			}
		}
	}
	return strconv.Itoa(n), nil
})

// "" where there is no ss.
var _ = can("count ss", func([]string) (string, error) {
	ss, err := exec.LookPath("ss")
	if err != nil {
		return "", nil
	}
	states := "established state fin-wait-1 state fin-wait-2 state close-wait state last-ack state closing"
	out, err := exec.Command(ss, strings.Fields("-Htn state "+states)...).Output()
	return strconv.Itoa(strings.Count(string(out), "\n")), err
})

// kept are the sockets that a helper holds, and how they talk.
var kept struct {
	fds  []int
	talk []func()
}

// Of every five pairs one is closed by half on each side.
var _ = can("hold tcp", hold(func(f family, n int) {
	p := meet(f, 0)
	kept.fds = append(kept.fds, p.listener)
	clients, servers := p.pairs(n)
	for i := range n {
		switch i % 5 {
		case 0:
			halfClose(clients[i])
		case 1:
			halfClose(servers[i])
		default:
			kept.talk = append(kept.talk, func() { write(clients[i]); read(servers[i]) })
		}
	}
	kept.fds = append(append(kept.fds, clients...), servers...)
}))

var _ = can("hold pending", hold(func(f family, n int) {
	p := meet(f, 0)
	for range n {
		kept.fds = append(kept.fds, p.dial())
	}
	kept.fds = append(kept.fds, p.listener)
}))

var _ = can("hold udp", hold(func(f family, n int) {
	p := listenUDP(f)
	kept.fds = append(kept.fds, p.listener)
	for range n {
		fd := p.join()
		write(fd)
		p.receive()
		kept.fds = append(kept.fds, fd)
		kept.talk = append(kept.talk, func() { write(fd) })
	}
}))

func hold(do func(f family, n int)) deed {
	return func(args []string) (string, error) {
		for _, f := range families {
			if err := inFamily(f.name, args[0], do); err != nil {
				return "", fmt.Errorf("%s: %w", f.name, err)
			}
		}
		return "", nil
	}
}

var _ = can("talk", func([]string) (string, error) {
	return "", caught(func() {
		for _, talk := range kept.talk {
			talk()
		}
	})
})

var _ = can("release", func([]string) (string, error) {
	return "", caught(func() {
		hangUp(kept.fds...)
		kept.fds, kept.talk = nil, nil
	})
})
