//go:build e2e

package e2e

import (
	"path/filepath"
	"strconv"
	"sync"
)

// A done is what the loads of a test say that they did, all together.
type done struct {
	loads                    uint64 // themselves
	opens, execs, suspicious uint64
	prioritized              []map[string]uint64
	prioritizers             []int64
}

// add does it all at once.
func (d *done) add(r *rig, opens, execs, prioritized int) {
	r.Helper()
	all := []*load{
		r.begin("open", r.watched, strconv.Itoa(opens)),
		r.begin("run", r.runs, strconv.Itoa(execs)),
		r.begin("run", r.dropped, strconv.Itoa(prioritized)),
		r.begin("prioritize", filepath.Join(r.dir, "mnt"), strconv.Itoa(prioritized)),
	}
	did := make([]map[string]uint64, len(all))
	var ended sync.WaitGroup
	for i, l := range all {
		ended.Go(func() { did[i] = l.did() })
	}
	ended.Wait()
	d.loads += uint64(len(all))
	d.opens += did[0]["file_open"]
	d.execs += did[1]["exec"]
	d.suspicious += did[2]["exec"]
	d.prioritized = append(d.prioritized, did[3])
	d.prioritizers = append(d.prioritizers, int64(all[3].Process.Pid))
}

// sameCounts compares the counters with what was done. The kernel says how often it skipped a program.
func (r *rig) sameCounts(page string, d *done, a *arrivals) {
	r.Helper()
	own, err := get(r.own)
	fatal(r, err)
	missed, _ := value(own, "otelcol_ebpfsecurity_missed")
	// Others may be suspicious too, but no record of these is lost.
	var suspicious uint64
	for e, n := range a.execs {
		if e.kind == "suspicious" {
			suspicious += n
		}
	}
	for series, want := range map[string]uint64{
		`security_ebpf_file_access_total{operation="read",severity="critical"}`: d.opens,
		`security_ebpf_process_exec_total{type="container"}`:                    d.execs + d.loads,
		`security_ebpf_process_exec_total{type="suspicious"}`:                   suspicious,
	} {
		got, ok := value(page, series)
		r.Logf("%s: %.0f, and %d were done (%.0f missed)", series, got, want, missed)
		if !ok || got > float64(want) || got+missed < float64(want) {
			r.Errorf("%s is %.0f, and not %d", series, got, want)
		}
	}
}

// nothingMissing: no event of high priority.
func (r *rig) nothingMissing(d *done, a *arrivals) {
	r.Helper()
	if n := a.execs[execution{r.dropped, "suspicious"}]; n != d.suspicious {
		r.Errorf("%d records of suspicious programs instead of %d", n, d.suspicious)
	}
	for i, did := range d.prioritized {
		for class, n := range did {
			if got := a.pids[class][d.prioritizers[i]]; got != n {
				r.Errorf("%d records of class %s by process %d instead of %d", got, class, d.prioritizers[i], n)
			}
		}
	}
}
