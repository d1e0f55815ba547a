//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"slices"
	"strconv"
	"strings"
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

// sameRecords compares records with what n connections of a case count as. What the
// kernel skipped no program can report, see same.
func (c tcpCase) sameRecords(t *testing.T, n, skipped uint64, connects, accepts, closes []event.Event) {
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
		if max(x.got, x.want)-min(x.got, x.want) > skipped {
			t.Errorf("%d records of %s instead of %d", x.got, x.what, x.want)
		}
	}
}

// TestKernelRecordsOfSockets compares every record with what the helper says that it did.
func TestKernelRecordsOfSockets(t *testing.T) {
	l := newLab(t)
	r := l.report(t)
	cgroups := ""
	if programOf(r.Hooks(), "network.udp") == bpfProgUdpSend4 {
		cgroups = "cgroups"
	}
	for deed, cases := range map[string][]recordCase{"tcp records": tcpRecords, "udp records": udpRecords} {
		for _, c := range cases {
			for _, f := range families {
				t.Run(c.name+"/"+f.name, func(t *testing.T) {
					if c.name == "by io_uring" && programOf(r.Hooks(), "network.accept") == bpfProgAcceptTp {
						t.Skip("not on this kernel: network.accept: system calls' exits do not see io_uring")
					}
					r.sameDiary(t, l.helper, func() string { return l.do(t, deed, c.name, f.name, cgroups) })
				})
			}
		}
	}
}

// TestKernelRecordsOfSocketsWithoutEnds reports no ends of connections, as the receiver does by default: then who
// connected is remembered until it connected, and no longer.
func TestKernelRecordsOfSocketsWithoutEnds(t *testing.T) {
	l := newLab(t)
	r := l.report(t, func(o *Options) { o.Report.Classes[event.Close] = false })
	for _, c := range tcpRecords {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "by io_uring" && programOf(r.Hooks(), "network.accept") == bpfProgAcceptTp {
				t.Skip("not on this kernel: network.accept: system calls' exits do not see io_uring")
			}
			before, err := r.Count()
			fatal(t, err)
			r.settle()
			r.take(event.Connect)
			r.take(event.Accept)
			diary := l.do(t, "tcp records", c.name, "v4", "")
			r.settle()
			var got, want []string
			for _, class := range []event.Class{event.Connect, event.Accept} {
				for _, e := range r.take(class) {
					got = append(got, entry(class, int(e.Actor.PID), e.Socket, unix.Errno(e.Errno)))
					sameActor(t, l.helper, e)
				}
			}
			if lack, ok := strings.CutPrefix(diary, "lack "); ok {
				t.Skip("not on this kernel: network.tcp: " + lack)
			}
			for line := range strings.SplitSeq(diary, "\n") {
				if !strings.HasPrefix(line, event.Close.String()+" ") {
					want = append(want, line)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			after, err := r.Count()
			fatal(t, err)
			lacking := slices.DeleteFunc(slices.Clone(want), func(line string) bool { return slices.Contains(got, line) })
			surplus := slices.DeleteFunc(slices.Clone(got), func(line string) bool { return slices.Contains(want, line) })
			if uint64(len(lacking)+len(surplus)) > after.Missed-before.Missed || len(got) > len(want) {
				t.Errorf("reported:\n%s\nhappened:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
	owned := 0
	owners := r.maps.Maps[bpfMapSocketOwners].Iterate()
	for sock, who := uint64(0), make([]byte, r.maps.Maps[bpfMapSocketOwners].ValueSize()); owners.Next(&sock, &who); {
		owned++
	}
	fatal(t, owners.Err())
	after, err := r.Count()
	fatal(t, err)
	if owned > int(after.Missed) {
		t.Errorf("%d sockets still have an owner", owned)
	}
}

// sockets is during for all classes of sockets at once.
func (r *reporting) sockets(t *testing.T, do func()) map[event.Class][]event.Event {
	t.Helper()
	classes := []event.Class{event.Connect, event.Accept, event.Close, event.UDPSend}
	r.settle()
	for _, class := range classes {
		r.take(class)
	}
	before, err := r.Ledger()
	fatal(t, err)
	do()
	r.settle()
	after, err := r.Ledger()
	fatal(t, err)
	got := map[event.Class][]event.Event{}
	for _, class := range classes {
		got[class] = r.take(class)
		n := after[class][event.Observed] - before[class][event.Observed]
		if n != uint64(len(got[class])) || after[class][event.Filtered] != before[class][event.Filtered] {
			t.Errorf("%s: observed %d, read %d", class, n, len(got[class]))
		}
	}
	return got
}

// sameDiary fails the test if not exactly what do returns was reported of sockets.
func (r *reporting) sameDiary(t *testing.T, h *helper, do func() string) {
	t.Helper()
	var diary string
	var got []string
	for class, events := range r.sockets(t, func() { diary = do() }) {
		for _, e := range events {
			got = append(got, entry(class, int(e.Actor.PID), e.Socket, unix.Errno(e.Errno)))
			sameActor(t, h, e)
		}
	}
	if lack, ok := strings.CutPrefix(diary, "lack "); ok {
		t.Skip("not on this kernel: network.tcp: " + lack)
	}
	want := strings.Split(diary, "\n")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("reported:\n%s\nhappened:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// sameActor compares with what is known of a helper.
func sameActor(t *testing.T, h *helper, e event.Event) {
	t.Helper()
	a := e.Actor
	if a.PID == 0 {
		if a.UID+1 != 0 || a.EUID+1 != 0 || a.Comm != [16]byte{} || a.Start != 0 {
			t.Errorf("nobody is %+v", a)
		}
		return
	}
	parent := uint32(os.Getpid())
	if a.PID != uint32(h.cmd.Process.Pid) { // a helper's helper
		parent = uint32(h.cmd.Process.Pid)
	}
	if a.ParentPID != parent || a.UID != 0 || a.Start == 0 || a.TID == 0 || len(text(a.Comm[:])) == 0 || (a.Hierarchy == 0 && a.Cgroup != testCgroupID()) {
		t.Errorf("%+v is not the child of %d", a, parent)
	}
}
