//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
)

// memory is what the collector takes, in MB: now, and at most since forgetPeak.
func (r *rig) memory() (now, peak float64) {
	r.Helper()
	status, err := os.ReadFile(r.proc("status"))
	fatal(r, err)
	for line := range strings.Lines(string(status)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %g kB", &kib); n == 1 {
			now = kib * 1024 / 1e6
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %g kB", &kib); n == 1 {
			peak = kib * 1024 / 1e6
		}
	}
	return now, peak
}

// forgetPeak has the kernel begin anew (proc(5), clear_refs).
func (r *rig) forgetPeak() {
	r.Helper()
	fatal(r, os.WriteFile(r.proc("clear_refs"), []byte("5"), 0))
}

// files is how many files the collector has open, without connections, which come and go.
func (r *rig) files() (n int) {
	r.Helper()
	list, err := os.ReadDir(r.proc("fd"))
	fatal(r, err)
	for _, fd := range list {
		file, err := os.Readlink(r.proc("fd/" + fd.Name()))
		if err == nil && !strings.HasPrefix(file, "socket:") {
			n++
		}
	}
	return n
}

func (r *rig) proc(name string) string { return fmt.Sprintf("/proc/%d/%s", r.cmd.Process.Pid, name) }
