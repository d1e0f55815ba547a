//go:build linux && (amd64 || arm64)

package sensor

import "testing"

// TestKernelTellsWhatWasTried: the reasons against all ways better than the one
// in use, and none against that.
func TestKernelTellsWhatWasTried(t *testing.T) {
	needRoot(t)
	o := everything()
	s := Open(o)
	defer func() { fatal(t, s.Close()) }()
	ways := make(map[string][]way)
	for _, h := range hooksFor(o) {
		ways[h.name] = h.ways
	}
	for _, h := range s.Hooks() {
		used := ""
		for i, a := range without(h.Tried, func(a Attempt) bool { return a.Companion }) {
			if want := ways[h.Name][i].programs[0].name; a.Program != want {
				t.Errorf("%s: way %d is %s instead of %s", h.Name, i, a.Program, want)
			}
			if used != "" {
				t.Errorf("%s: %s was tried although %s serves", h.Name, a.Program, used)
			}
			if a.Err == nil {
				used = a.Program
			}
			t.Logf("%s: %s: %v", h.Name, a.Program, a.Err)
		}
		if used != h.Program {
			t.Errorf("%s: served by %q, and of those tried by %q", h.Name, h.Program, used)
		}
		if used == "" && len(h.Tried) != len(ways[h.Name]) {
			t.Errorf("%s: unserved, with %d of %d ways tried", h.Name, len(h.Tried), len(ways[h.Name]))
		}
	}
}

func without[T any](list []T, is func(T) bool) (others []T) {
	for _, x := range list {
		if !is(x) {
			others = append(others, x)
		}
	}
	return others
}
