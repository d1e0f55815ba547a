//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A lab is a helper in a network namespace of its own and a sensor that counts
// only what happens there.
type lab struct {
	*Sensor
	helper *helper
	start  Counts
	want   Counts // all that is expected since start
	missed uint64
	before uint64 // of missed, when counting began
	told   uint64 // of missed
	// skipped is how many runs of programs the kernel skipped in the last deed.
	skipped uint64
}

// newLab starts the helper; nothing is counted before open.
func newLab(t *testing.T) *lab {
	t.Helper()
	needRoot(t)
	l := &lab{helper: startHelper(t)}
	l.do(t, "own network")
	return l
}

// open begins to count. What the helper did before is older than the sensor.
func (l *lab) open(t *testing.T, change ...func(*ebpf.CollectionSpec)) {
	t.Helper()
	netns, err := strconv.ParseUint(l.do(t, "network"), 10, 32)
	fatal(t, err)
	o := Options{Network: true, NetNS: uint32(netns), Cgroup: testCgroupID()}
	l.Sensor = open(o, hooksFor(o), change...)
	t.Cleanup(func() { fatal(t, l.Close()) })
	for _, h := range l.Hooks() {
		t.Logf("%s by %s, not by %v", h.Name, h.Program, h.Err)
	}
	l.begin(t, l.Sensor)
}

// begin lets s count from now on.
func (l *lab) begin(t *testing.T, s *Sensor) {
	t.Helper()
	mustServe(t, s.Hooks())
	l.Sensor = s
	l.start, l.want = l.now(t), Counts{}
	l.before = l.missed
}

// skippedSoFar is how many runs of programs the kernel skipped since counting began: gauges are off by as much for good.
func (l *lab) skippedSoFar() uint64 { return l.missed - l.before }

func (l *lab) do(t *testing.T, deed string, args ...string) string {
	t.Helper()
	l.helper.t = t
	return l.helper.do(deed, args...)
}

// expect lets the helper do something that must count as want, and as nothing else.
func (l *lab) expect(t *testing.T, want Counts, deed string, args ...string) {
	t.Helper()
	before := l.now(t)
	l.do(t, deed, args...)
	l.settle(t, before, want)
}

// settle waits until what was counted since before is what is wanted: some
// sockets end only when the network has nothing more to say to them.
func (l *lab) settle(t *testing.T, before, want Counts) {
	t.Helper()
	got := l.now(t).minus(before)
	for end := time.Now().Add(10 * time.Second); got != want && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		got = l.now(t).minus(before)
	}
	l.want = l.want.plus(got) // one failure is not to be told twice
	got.Missed, l.told = l.missed-l.told, l.missed
	l.skipped = got.Missed
	if got.Missed != 0 {
		t.Logf("the kernel skipped %d runs of programs", got.Missed)
	}
	same(t, got, want)
}

// balance proves that nothing came late: all that was counted is all that was expected.
func (l *lab) balance(t *testing.T) {
	t.Helper()
	same(t, l.now(t).minus(l.start), l.want)
}

func (l *lab) now(t *testing.T) Counts {
	t.Helper()
	c, err := l.Count()
	fatal(t, err)
	l.missed, c.Missed = c.Missed, 0 // of the whole host
	c.Ledger = event.Ledger{}        // is compared with records, where there are any
	return c
}

func (c Counts) plus(b Counts) Counts {
	all := b.all()
	c.each(func(_ string, i int, n *uint64) { *n += all[i] })
	return c
}

var _ = can("network", func([]string) (string, error) {
	var st unix.Stat_t
	err := caught(func() { must("look at the namespace", unix.Stat("/proc/thread-self/ns/net", &st)) })
	return strconv.FormatUint(st.Ino, 10), err
})

var _ = can("own network", func([]string) (string, error) {
	return "", caught(func() {
		must("make a network namespace", unix.Unshare(unix.CLONE_NEWNET))
		setLink("lo", true)
	})
})

// setLink sets a link of the thread's network namespace up or down.
func setLink(name string, up bool) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must("open a socket", err)
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	must("name a link", err)
	if up {
		req.SetUint16(unix.IFF_UP)
	}
	must("set a link", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req))
}

// must ends what caught called, if there is an error.
func must(doing string, err error) {
	if err != nil {
		panic(fmt.Errorf("%s: %w", doing, err))
	}
}

func caught(do func()) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case error:
			err = e
		default:
			panic(e)
		}
	}()
	do()
	return nil
}
