//go:build linux && (amd64 || arm64)

package sensor

import (
	"testing"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelConnectionsOfMissedEnd leaves connections in the table that are no more, as if the kernel had not run
// the program when they ended, and opens others where they were.
func TestKernelConnectionsOfMissedEnd(t *testing.T) {
	l := newLab(t)
	l.open(t)
	table := l.maps.Maps[bpfMapConnections]
	l.do(t, "hold tcp", "60")
	stale := map[uint64]tcpConn{}
	entries := table.Iterate()
	for sock, conn := uint64(0), (tcpConn{}); entries.Next(&sock, &conn); {
		stale[sock] = conn
	}
	fatal(t, entries.Err())
	if len(stale) != 2*3*60 {
		t.Fatalf("%d connections are known, want those of 60 pairs of 3 families", len(stale))
	}
	missed := l.missed
	l.do(t, "release")
	known := func() (n int) {
		for sock := range stale {
			if table.Lookup(sock, &tcpConn{}) == nil {
				n++
			}
		}
		return n
	}
	for end := time.Now().Add(20 * time.Second); known() > 0; time.Sleep(10 * time.Millisecond) {
		if !time.Now().After(end) {
			continue
		}
		l.now(t)
		if n := known(); uint64(n) > l.missed-missed {
			t.Fatalf("%d of them have not ended, the kernel skipped %d runs of programs", n, l.missed-missed)
		}
		break
	}
	for sock, conn := range stale {
		fatal(t, table.Put(sock, conn))
	}

	before := l.now(t)
	missed = l.missed
	l.do(t, "hold tcp", "60")
	l.do(t, "release")
	want, gone := orderly.times(3*60), 0
	for sock, conn := range stale {
		if table.Lookup(sock, &tcpConn{}) != nil {
			want.ConnectActive[conn.Direction][event.TCP]--
			gone++
		}
	}
	got := l.now(t).minus(before)
	got.Missed = l.missed - missed
	same(t, got, want)
	if t.Logf("%d sockets were where others had been", gone); gone == 0 {
		t.Error("which proves nothing")
	}
}

// tcpConn is struct tcp_conn.
type tcpConn struct{ Direction, Active uint32 }
