//go:build linux && (amd64 || arm64)

package sensor

import (
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// report opens a sensor that reports what happens in the lab.
func (l *lab) report(t *testing.T, change ...func(*Options)) *reporting {
	t.Helper()
	netns, err := strconv.ParseUint(l.do(t, "network"), 10, 32)
	fatal(t, err)
	o := Options{
		Process: true, Network: true, SyscallTracepoints: true,
		WorldWritableDirs: []string{"/tmp"},
		NetNS:             uint32(netns), Cgroup: testCgroupID(), Report: allRecords(),
	}
	for _, do := range change {
		do(&o)
	}
	r := &reporting{Open(o), &recorder{}}
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Read(r.recorder) }()
	t.Cleanup(func() { r.Stop(); <-done; fatal(t, r.Close()) })
	for _, h := range r.Hooks() {
		t.Logf("%s by %s, not by %v", h.Name, h.Program, h.Err)
	}
	mustServe(t, r.Hooks())
	fatal(t, r.Reports())
	return r
}

// TestKernelRecordsOfTCP has as many records as are counted, whatever becomes of a connection.
func TestKernelRecordsOfTCP(t *testing.T) {
	l := newLab(t)
	r := l.report(t)
	l.Sensor = r.Sensor
	for _, c := range slices.Concat(orderlyCases, failureCases) {
		for _, f := range families {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				if c.lack != nil && c.lack() != "" {
					t.Skip("not on this kernel: network.tcp: " + c.lack())
				}
				var connects, accepts, closes []event.Event
				connects = r.during(t, event.Connect, func() {
					accepts = r.during(t, event.Accept, func() {
						closes = r.during(t, event.Close, func() {
							l.expect(t, c.each.times(5), "tcp", c.name, f.name, "5")
						})
					})
				})
				c.sameRecords(t, 5, connects, accepts, closes)
			})
		}
	}
}

// sameRecords compares records with what n connections of a case count as.
func (c tcpCase) sameRecords(t *testing.T, n uint64, connects, accepts, closes []event.Event) {
	t.Helper()
	all := slices.Concat(connects, closes)
	errnos := func(which ...uint32) (n uint64) {
		for _, e := range all {
			if slices.Contains(which, e.Errno) {
				n++
			}
		}
		return n
	}
	made := uint64(0)
	for _, e := range connects {
		if e.Errno == 0 {
			made++
		}
	}
	taken := c.each.in
	if c.name == "reset because the listener closed before it accepted" {
		taken = 0
	}
	for _, x := range []struct {
		what      string
		got, want uint64
	}{
		{"connect", uint64(len(connects)), n * c.each.out},
		{"accept", uint64(len(accepts)), n * taken},
		{"close", uint64(len(closes)), n*c.each.in + made},
		{"timed out", errnos(uint32(unix.ETIMEDOUT)), n * c.each.timeout},
		{"refused", errnos(uint32(unix.ECONNREFUSED)), n * c.each.refused},
		{"reset", errnos(uint32(unix.ECONNRESET), uint32(unix.EPIPE)), n * c.each.reset},
		{"unreachable", errnos(uint32(unix.EHOSTUNREACH)), n * c.each.unreachable},
	} {
		if x.got != x.want {
			t.Errorf("%d records of %s instead of %d", x.got, x.what, x.want)
		}
	}
}
