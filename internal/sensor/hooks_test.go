//go:build linux && (amd64 || arm64)

package sensor

import (
	"testing"
	"unsafe"
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
