//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelRecordBytes reads what the kernel writes byte by byte, and keeps one
// record of each class in the directory that SENSOR_RECORD names: from there
// come testdata/records, with which decoding is tested and fuzzed.
func TestKernelRecordBytes(t *testing.T) {
	needRoot(t)
	needShadow(t)
	o := everything()
	o.Cgroup, o.Report = testCgroupID(), allRecords()
	s := Open(o)
	t.Cleanup(func() { fatal(t, s.Close()) })
	fatal(t, s.Reports())
	doAll(t)
	var k taker
	d := &decoder{}
	seen := make(map[string]int)
	for {
		ring, raw := s.rings.oldest(d.clock.set())
		if ring == nil {
			break
		}
		k.event = nil
		if err := d.give(raw, &k); err != nil {
			t.Errorf("%x: %v", raw, err)
		}
		name := "cgroup"
		if k.event != nil {
			name = k.event.Class.String()
		}
		if seen[name]++; seen[name] == 1 {
			save(t, name, raw)
		}
		ring.next(len(raw))
	}
	t.Log(seen)
	for _, c := range []event.Class{event.Exec, event.Exit, event.FileOpen} {
		if seen[c.String()] == 0 {
			t.Errorf("no record of %s", c)
		}
	}
}

// doAll does something of every class that needs nothing special.
func doAll(t *testing.T) {
	h := startHelper(t)
	h.do("exec", "1", systemProgram(t))
	h.do("open files", "openat", "", "1")
}

func save(t *testing.T, name string, raw []byte) {
	t.Helper()
	if dir := os.Getenv("SENSOR_RECORD"); dir != "" {
		fatal(t, os.WriteFile(filepath.Join(dir, name), raw, 0o600))
	}
}
