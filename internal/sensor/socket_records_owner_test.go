//go:build linux && (amd64 || arm64)

package sensor

import (
	"net/netip"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelRecordsOfOlderConnections: who holds a connection that is older than the sensor is its owner.
func TestKernelRecordsOfOlderConnections(t *testing.T) {
	l := newLab(t)
	l.do(t, "hold tcp", "5")
	r := l.report(t)
	got := r.sockets(t, func() { l.do(t, "release") })
	if n := len(got[event.Close]); n != 30 {
		t.Errorf("%d connections were closed instead of 30", n)
	}
	for _, e := range got[event.Close] {
		sameActor(t, l.helper, e)
		if int(e.Actor.PID) != l.helper.cmd.Process.Pid {
			t.Errorf("owned by %d", e.Actor.PID)
		}
	}
	if n := len(got[event.Connect]) + len(got[event.Accept]) + len(got[event.UDPSend]); n != 0 {
		t.Errorf("%d records of what did not happen", n)
	}
}

// TestKernelRecordsOfUnacceptedConnections: nobody owns what nobody has accepted.
func TestKernelRecordsOfUnacceptedConnections(t *testing.T) {
	l := newLab(t)
	r := l.report(t)
	got := r.sockets(t, func() { l.do(t, "hold pending", "2"); l.do(t, "release") })
	owned := map[event.Direction]int{}
	for _, e := range got[event.Close] {
		sameActor(t, l.helper, e)
		if e.Actor.PID != 0 {
			owned[e.Socket.Direction]++
		}
	}
	if len(got[event.Close]) != 12 || owned[event.Out] != 6 || owned[event.In] != 0 {
		t.Errorf("of %d closed connections the owners are known of %v", len(got[event.Close]), owned)
	}
}

// TestKernelRecordsOfPeers: a filter of peers keeps records out, and the ledger says how many.
func TestKernelRecordsOfPeers(t *testing.T) {
	l := newLab(t)
	r := l.report(t, func(o *Options) { o.Report.Exclude.Peers = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	r.settle()
	r.events = nil
	before, err := r.Ledger()
	fatal(t, err)
	for _, f := range families {
		l.do(t, "tcp records", "closed by the client first", f.name)
		l.do(t, "udp records", "not connected", f.name, "")
	}
	r.settle()
	after, err := r.Ledger()
	fatal(t, err)
	for class, each := range map[event.Class]uint64{event.Connect: 1, event.Accept: 1, event.Close: 2, event.UDPSend: 1} {
		observed := after[class][event.Observed] - before[class][event.Observed]
		filtered := after[class][event.Filtered] - before[class][event.Filtered]
		got := r.take(class)
		if observed != 3*each || filtered != 2*each || uint64(len(got)) != each {
			t.Errorf("%s: observed %d, filtered %d, reported %d", class, observed, filtered, len(got))
		}
		for _, e := range got {
			if e.Socket.Peer.Addr() != netip.IPv6Loopback() {
				t.Errorf("%s to %s", class, e.Socket.Peer)
			}
		}
	}
}

// TestKernelRecordsOfSuspiciousConnections: they are of high priority, whenever they are reported, so never sampled.
func TestKernelRecordsOfSuspiciousConnections(t *testing.T) {
	l := newLab(t)
	r := l.report(t, func(o *Options) { o.WorldWritableDirs = append(o.WorldWritableDirs, "/proc", "/") })
	for _, class := range []event.Class{event.Connect, event.Accept, event.Close, event.UDPSend} {
		fatal(t, r.SetSampleRate(class, 1000))
	}
	h := startHelper(t) // its executable lies in a world-writable directory
	got := r.sockets(t, func() {
		h.do("own network")
		h.do("udp records", "not connected", "v4", "")
	})
	if n := len(got[event.UDPSend]); n != 1 || got[event.UDPSend][0].Actor.Type != event.Suspicious {
		t.Errorf("%d records: %+v", n, got[event.UDPSend])
	}
}
