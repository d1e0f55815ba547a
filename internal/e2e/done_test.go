//go:build e2e

package e2e

import (
	"path/filepath"
	"strconv"
)

// A done is what the loads of a test say that they did, all together.
type done struct {
	loads, suspiciousLoads   uint64 // themselves
	opens, execs, suspicious uint64
	secrets                  uint64 // opens by a suspicious program
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
		r.beginAs(r.droppedLoad, "open", r.secret, strconv.Itoa(prioritized)),
	}
	did := make([]map[string]uint64, len(all))
	for i, l := range all {
		did[i] = l.did()
	}
	d.loads += uint64(len(all) - 1)
	d.suspiciousLoads++
	d.opens += did[0]["file_open"]
	d.execs += did[1]["exec"]
	d.suspicious += did[2]["exec"]
	d.prioritized = append(d.prioritized, did[3])
	d.prioritizers = append(d.prioritizers, int64(all[3].Process.Pid))
	d.secrets += did[4]["file_open"]
}

// sameCounts compares the counters with what was done. The kernel says how often
// it skipped a program.
func (r *rig) sameCounts(page string, d *done) {
	r.Helper()
	own, err := get(r.own)
	fatal(r, err)
	missed, _ := value(own, "otelcol_ebpfsecurity_missed")
	l := readLedger(page)
	opens, suspicious := float64(d.opens+d.secrets), d.suspicious+d.suspiciousLoads
	for _, c := range []struct {
		what        string
		got, want   float64
		othersCount bool // what others on this host do
	}{
		{"opens", counter(page, `security_ebpf_file_access_total{operation="read",severity="critical"}`), opens, false},
		{"opens in the ledger", float64(l.of("file_open", "observed")), opens, false},
		{"executions in the ledger", float64(l.of("exec", "observed") - l.of("exec", "filtered")), float64(d.execs + d.loads + suspicious), false},
		{"executions", counter(page, `security_ebpf_process_exec_total{type="container"}`), float64(d.execs + d.loads), true},
		{"suspicious executions", counter(page, `security_ebpf_process_exec_total{type="suspicious"}`), float64(suspicious), true},
	} {
		r.Logf("%s: counted %.0f, made %.0f", c.what, c.got, c.want)
		if c.got+missed < c.want || c.got > c.want && !c.othersCount {
			r.Errorf("%s: counted %.0f, made %.0f, and %.0f were missed", c.what, c.got, c.want, missed)
		}
	}
}

// counter is the value of a series, -1 if it is not there.
func counter(page, series string) float64 {
	if v, ok := value(page, series); ok {
		return v
	}
	return -1
}

// nothingMissing: no event of high priority. It is forgotten who did it, as the
// number of a process is used again after some thousands.
func (r *rig) nothingMissing(d *done, a *arrivals) {
	r.Helper()
	if n := a.execs[execution{r.dropped, "suspicious"}]; n != d.suspicious {
		r.Errorf("%d records of suspicious programs instead of %d", n, d.suspicious)
	}
	if n := a.paths[r.secret]; n != d.secrets {
		r.Errorf("%d records of opens by a suspicious program instead of %d", n, d.secrets)
	}
	for i, did := range d.prioritized {
		for class, n := range did {
			if got := a.pids[class][d.prioritizers[i]]; got != n {
				r.Errorf("%d records of class %s by process %d instead of %d", got, class, d.prioritizers[i], n)
			}
		}
	}
	d.prioritized, d.prioritizers = nil, nil
	r.consumer.forget()
}
