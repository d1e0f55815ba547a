//go:build linux && (amd64 || arm64)

package sensor

import (
	"strings"
	"sync"
	"testing"
)

// wayReports are like waySensors, and report all that they see.
var wayReports = [...]func() *reporting{reportsByWay(0), reportsByWay(1), reportsByWay(2), reportsByWay(3)}

func reportsByWay(i int) func() *reporting {
	return sync.OnceValue(func() *reporting {
		o := Options{
			Process: true, File: true, Privilege: true, Kernel: true, SyscallTracepoints: true,
			WorldWritableDirs: []string{"/tmp"}, Cgroup: testCgroupID(), Report: allRecords(),
		}
		var hooks []hook
		for _, h := range hooksFor(o) {
			switch {
			case h.name == "file.open" || h.name == "file.failure": // have tests of their own
			case i < len(h.ways):
				hooks = append(hooks, hook{h.name, h.ways[i : i+1]})
			case strings.HasPrefix(h.name, "process.") && len(h.ways) == 1:
				hooks = append(hooks, h)
			}
		}
		s := open(o, hooks)
		atEnd = append(atEnd, s.Close)
		r := &reporting{s, &recorder{}}
		done := make(chan struct{})
		go func() { defer close(done); _ = r.Read(r.recorder) }()
		atEnd = append(atEnd, func() error { r.Stop(); <-done; return nil })
		return r
	})
}

// reportEachWay runs a test in each way that this kernel has to serve some hooks.
func reportEachWay(t *testing.T, hooks []string, test func(*testing.T, *reporting)) {
	t.Helper()
	needRoot(t)
	served := false
	for i, way := range waySensors[:waysOf(hooks[0])] {
		t.Run(way.name, func(t *testing.T) {
			r := wayReports[i]()
			for _, name := range hooks {
				r.mustHave(t, name)
			}
			fatal(t, r.Reports())
			served = true
			test(t, r)
		})
	}
	if !served && !lacks(hooks[0]) {
		t.Errorf("nothing serves %v", hooks)
	}
}
