//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReloadUnderLoad: while the collector reloads its configuration it sees
// nothing, but all that happens before and after is reported, once.
func TestReloadUnderLoad(t *testing.T) {
	const reloads = 2
	r := newRig(t, "sampling::events_per_second: 0", "rings::low: 16MiB")
	load := r.begin("openEach", filepath.Dir(r.watched))
	var memory []float64
	files := r.files()
	for range reloads {
		r.arrive(3000)
		r.reload()
		r.arrive(3000)
		now, _ := r.memory()
		memory = append(memory, now)
	}
	did := load.did()["file_open"]
	var reported uint64
	eventually(t, "a ledger that balances", func() bool {
		l := readLedger(r.page())
		reported = l.of("file_open", "reported")
		a := r.consumer.arrived()
		return l.balances() && a.paths[r.numbered(did-1)] > 0
	})
	a := r.consumer.arrived()
	holes := r.holes(&a, did)
	t.Logf("%d opens, %d records, after the last reload %d; missing: %v", did, a.classes["file_open"], reported, holes)
	t.Logf("after each reload: resident %.0f MB; %d open files, and %d at the start", memory, r.files(), files)
	if len(holes) != reloads {
		t.Errorf("records are missing %d times and not %d times", len(holes), reloads)
	}
	if last := holes[len(holes)-1]; did-last.end != reported {
		t.Errorf("%d opens after the last reload, and %d were reported", did-last.end, reported)
	}
	if memory[reloads-1] > 1.2*memory[0] {
		t.Error("the memory grows")
	}
	eventually(t, "no more open files than at the start", func() bool { return r.files() <= files })
	r.stop(t)
}

// arrive waits for so many more records of opens.
func (r *rig) arrive(n uint64) {
	r.Helper()
	was := r.consumer.arrived().classes["file_open"]
	eventually(r.T, fmt.Sprintf("%d more records", n), func() bool { return r.consumer.arrived().classes["file_open"] >= was+n })
}

// reload has the collector read its configuration anew and start again.
func (r *rig) reload() {
	r.Helper()
	was := strings.Count(r.output.String(), ready)
	fatal(r, r.cmd.Process.Signal(syscall.SIGHUP))
	eventually(r.T, "a collector that runs again", func() bool { return strings.Count(r.output.String(), ready) > was })
}

// A hole is of files that were opened one after the other without a record.
type hole struct{ start, end uint64 }

// holes finds what is missing, and what is there twice.
func (r *rig) holes(a *arrivals, did uint64) (list []hole) {
	r.Helper()
	for n := range did {
		switch times := a.paths[r.numbered(n)]; {
		case times > 1:
			r.Errorf("%d records of open %d", times, n)
		case times == 0 && len(list) > 0 && list[len(list)-1].end == n:
			list[len(list)-1].end++
		case times == 0:
			list = append(list, hole{n, n + 1})
		}
	}
	return list
}

func (r *rig) numbered(n uint64) string { return filepath.Join(filepath.Dir(r.watched), fmt.Sprint(n)) }

// TestEndsWhateverTheConsumerDoes: a collector that cannot deliver what it has
// reloads all the same, and ends.
func TestEndsWhateverTheConsumerDoes(t *testing.T) {
	r := newRig(t)
	r.consumer.from(busy)
	r.do("open", r.watched, "5000")
	r.reload()
	blocked, release := blocks()
	t.Cleanup(release)
	r.consumer.from(blocked)
	r.do("open", r.watched, "5000")
	r.stop(t)
}
