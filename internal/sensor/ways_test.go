//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"regexp"
	"testing"

	"github.com/cilium/ebpf"
)

// waySensors watch privileges and the kernel, each in one of the ways to do it, so that
// a way is also tested where a better one is there. They stay attached until the end, and
// slow whatever runs meanwhile: the tests that use them are in the files ways_*, the last.
var waySensors = []struct {
	name   string
	sensor func() *Sensor
}{
	{"trampolines", byWay(0)},
	{"kprobes", byWay(1)},
	{"syscall tracepoints", byWay(2)},
	{"other tracepoints", byWay(3)},
}

func byWay(i int) func() *Sensor {
	return once(func() *Sensor {
		o := Options{Privilege: true, Kernel: true, SyscallTracepoints: true, Cgroup: testCgroupID()}
		var hooks []hook
		for _, h := range hooksFor(o) {
			if i < len(h.ways) {
				hooks = append(hooks, hook{h.name, h.ways[i : i+1]})
			}
		}
		return open(o, hooks)
	})
}

// eachWay runs a test in each way that this kernel has to serve some hooks.
func eachWay(t *testing.T, hooks []string, test func(*testing.T, *Sensor)) {
	t.Helper()
	needRoot(t)
	served := false
	for _, way := range waySensors[:waysOf(hooks[0])] {
		t.Run(way.name, func(t *testing.T) {
			for _, name := range hooks {
				way.sensor().mustHave(t, name)
			}
			served = true
			test(t, way.sensor())
		})
	}
	if !served && !lacks(hooks[0]) {
		t.Errorf("nothing serves %v", hooks)
	}
}

func waysOf(name string) int {
	o := everything()
	o.Report = allRecords()
	for _, h := range hooksFor(o) {
		if h.name == name {
			return len(h.ways)
		}
	}
	panic("no hook " + name)
}

// mustHave skips the test where the kernel has not what a hook needs.
func (s *Sensor) mustHave(t *testing.T, hook string) {
	t.Helper()
	for _, h := range s.Hooks() {
		if h.Name == hook && h.Program != "" {
			return
		}
		if h.Name == hook {
			var refused *ebpf.VerifierError
			if errors.As(h.Err, &refused) && !missing.MatchString(refused.Error()) {
				t.Errorf("%s: %+v", h.Name, refused)
			}
			t.Skipf("not on this kernel: %s: %v", h.Name, h.Err)
		}
	}
	t.Errorf("%s cannot be served in this way", hook)
}

// missing is what the verifier says when the kernel has not what a program needs.
var missing = regexp.MustCompile(`unknown func|invalid func unknown|FWD is not a struct|not supported`)

// serves tells whether a program serves a hook.
func (s *Sensor) serves(program string) bool {
	for _, h := range s.Hooks() {
		if h.Program == program {
			return true
		}
	}
	return false
}
