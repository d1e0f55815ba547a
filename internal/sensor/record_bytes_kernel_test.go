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
	doAll(t, s)
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
	for class, hook := range hookOf {
		if seen[class.String()] == 0 && programOf(s.Hooks(), hook) != "" {
			t.Errorf("no record of %s", class)
		}
	}
}

// hookOf names the hook that each class comes from.
var hookOf = map[event.Class]string{
	event.Exec: "process.exec", event.Exit: "process.exec", event.FileOpen: "file.open",
	event.Connect: "network.tcp", event.Accept: "network.accept", event.Close: "network.tcp", event.UDPSend: "network.udp",
	event.Privilege: "privilege.change", event.Module: "kernel.module", event.BPF: "kernel.bpf",
	event.Ptrace: "process.ptrace", event.Namespace: "process.namespace", event.Mount: "file.mount",
}

// doAll does something of every class that s sees.
func doAll(t *testing.T, s *Sensor) {
	h := startHelper(t)
	h.do("exec", "1", systemProgram(t))
	h.do("open files", "openat", "", "1")
	h.do("own network")
	h.do("tcp", "closed after talk", "v4", "1")
	h.do("udp", udpCases[0].name, "v6", "1")
	h.do("bpfProg", "1", "")
	h.do("trace", startHelper(t).do("stay", "0"))
	h.do("own mounts")
	h.do("mount", "", "nosuid", "none", "tmpfs", t.TempDir())
	if programOf(s.Hooks(), "kernel.module") != "" {
		h.do("deleteModule", "ENOENT", "there_is_none")
	}
	h.do("calls", "setresuid 65534 65534 65534")
}

func save(t *testing.T, name string, raw []byte) {
	t.Helper()
	if dir := os.Getenv("SENSOR_RECORD"); dir != "" {
		fatal(t, os.WriteFile(filepath.Join(dir, name), raw, 0o600))
	}
}
