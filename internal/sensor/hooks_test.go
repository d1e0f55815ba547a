//go:build linux && (amd64 || arm64)

package sensor

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// Every program of the object is in the hook table, and the other way round.
func TestEveryProgramServes(t *testing.T) {
	spec, err := loadBpf()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{bpfProgSelfKnown: true}
	for _, h := range hooksFor(Options{Process: true, Network: true, File: true, Privilege: true, Kernel: true, Report: allRecords()}) {
		if len(h.ways) == 0 {
			t.Errorf("nothing serves hook %s", h.name)
		}
		for _, w := range h.ways {
			for _, p := range append(w.programs, w.companions...) {
				used[p.name] = true
				if spec.Programs[p.name] == nil {
					t.Errorf("hook %s wants %s, which the object lacks", h.name, p.name)
				}
			}
		}
	}
	for name := range spec.Programs {
		if !used[name] {
			t.Errorf("no hook uses %s", name)
		}
		if len(name) > 15 {
			t.Errorf("the kernel would cut %s to 15 characters (BPF_OBJ_NAME_LEN)", name)
		}
	}
}

func TestNoHookIsAskedForByNobody(t *testing.T) {
	if hooks := hooksFor(Options{}); hooks != nil {
		t.Errorf("%v", hooks)
	}
}

// Who wants metrics only pays for nothing that they do not need.
func TestHooksOfRecordsAreForRecords(t *testing.T) {
	o := everything()
	without := hooksFor(o)
	for _, h := range without {
		for _, w := range h.ways {
			if len(w.companions) != 0 {
				t.Errorf("%s has companions", h.name)
			}
		}
	}
	for class, name := range map[event.Class]string{
		event.Exec: "process.failure", event.Ptrace: "process.ptrace", event.Namespace: "process.namespace", event.Mount: "file.mount",
	} {
		o.Report = Report{}
		o.Report.Classes[class] = true
		more := slices.DeleteFunc(hooksFor(o), func(h hook) bool {
			return slices.ContainsFunc(without, func(w hook) bool { return w.name == h.name })
		})
		if len(more) != 1 || more[0].name != name {
			t.Errorf("%s needs %v instead of %s", class, more, name)
		}
	}
}

func TestSumAddsEveryWord(t *testing.T) {
	perCPU := make([]bpfCounts, 3)
	for i := range perCPU {
		for j := range words(&perCPU[i]) {
			words(&perCPU[i])[j] = uint64(j)
		}
	}
	perCPU[1].Active[0]-- // up here, down there
	total := sum(perCPU)
	for j, n := range words(&total) {
		want := uint64(3 * j)
		if j == int(unsafe.Offsetof(total.Active)/8) {
			want--
		}
		if n != want {
			t.Errorf("word %d is %d instead of %d", j, n, want)
		}
	}
}
