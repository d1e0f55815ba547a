//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scrapeInterval is that of Prometheus here.
const scrapeInterval = 5 * time.Second

// TestDashboardsShowWhatHappened runs the collector and the Prometheus of the
// examples, has every class of events happen, and asks every query.
func TestDashboardsShowWhatHappened(t *testing.T) {
	boards := readDashboards(t)
	r := newLoads(t)
	etc := r.ownEtc()
	r.consumer = newSink(t)
	g := r.watchedByPrometheus(etc)
	did := r.allClasses(etc)
	r.arrived(did)
	g.agrees(r)
	pictures := os.Getenv("E2E_PICTURES") // the directory for what the dashboards show
	if pictures != "" {
		r.day()
	}
	for _, name := range slices.Sorted(maps.Keys(boards)) {
		r.showsAll(g, name, boards[name])
		if pictures != "" {
			r.keep(g, pictures, name, boards[name])
		}
	}
	r.findsMistakes(g, boards["events"])
	r.stop(t)
}

// ownEtc is a copy of /etc, so that the checks have something to find on any
// host, and something to see change.
func (r *rig) ownEtc() string {
	r.Helper()
	etc := filepath.Join(r.dir, "etc")
	if output, err := exec.Command("cp", "-a", "/etc", etc).CombinedOutput(); err != nil {
		r.Fatalf("%v: %s", err, output)
	}
	r.write("etc/ssh/sshd_config", []byte("PermitRootLogin yes\nPasswordAuthentication no\n"))
	return etc
}

// watchedByPrometheus starts what the examples show, at free addresses.
func (r *rig) watchedByPrometheus(etc string) *grafana {
	r.Helper()
	metrics, own := freeAddress(r.T), freeAddress(r.T)
	_, port, err := net.SplitHostPort(own)
	fatal(r, err)
	r.own = "http://" + own + "/metrics"
	test := func(option string) string { return "yaml:receivers::ebpfsecurity::" + option }
	cmd := command("--config", dashboards+"/collector.yaml",
		"--config", test("checks::interval: 5s"), // so that a change shows soon
		"--config", test("events::classes: {exit: true, close: true}"),
		"--config", test("process::world_writable_dirs: ["+r.dir+"/dropped]"))
	cmd.Env = append(os.Environ(), "PROMETHEUS_LISTEN="+metrics, "OTELCOL_METRICS_PORT="+port,
		"OTLP_ENDPOINT=http://"+r.consumer.Listener.Addr().String())
	inside := exec.Command("unshare", append([]string{
		"--mount", "sh", "-c", `mount --bind "$0" /etc && exec "$@"`, etc, cmd.Path,
	}, cmd.Args[1:]...)...)
	inside.Dir, inside.Env = cmd.Dir, cmd.Env
	from := time.Now()
	r.collector = startCommand(r.T, inside, "http://"+metrics+"/metrics")

	g := &grafana{address: startPrometheus(r.T, scrapingExample(r.T, metrics, own, scrapeInterval)), from: from, interval: scrapeInterval}
	eventually(r.T, "Prometheus to have scraped both", func() bool { return holds(g.address, "count(up == 1) == 2") })
	return g
}

// allClasses makes events of all classes and says how many of each the loads made.
func (r *rig) allClasses(etc string) map[*load]map[string]uint64 {
	r.Helper()
	eventually(r.T, "the checks to have run", func() bool {
		_, ok := value(r.page(), "linux_security_check_pass_ratio")
		return ok
	})
	did := make(map[*load]map[string]uint64)
	for _, l := range []*load{
		r.begin("open", "/etc/shadow", "20"),
		r.begin("run", r.runs, strconv.Itoa(runs)),
		r.begin("run", r.dropped, strconv.Itoa(runs)),
		r.begin("connect", "10"),
		r.begin("prioritize", filepath.Join(r.dir, "mnt"), "5"),
		r.begin("rest", "5"),
	} {
		did[l] = l.did()
		did[l]["exec"] = 1 // of itself: the programs that it runs are other processes
		did[l]["exit"] = 1
		if _, unserved := value(r.page(), `security_ebpf_hook_attached{hook="kernel.module",program="none"}`); unserved {
			delete(did[l], "module")
		}
	}
	fatal(r, os.WriteFile(filepath.Join(etc, "cron.d", "nightly"), []byte("0 3 * * * root true\n"), 0o600))
	return did
}

// runs is how often two loads each run a program.
const runs = 20

// arrived waits until the sink has all that the loads made, and nothing else of them.
func (r *rig) arrived(did map[*load]map[string]uint64) {
	r.Helper()
	var wrong []string
	defer func() { r.Log(strings.Join(wrong, "\n")) }()
	eventually(r.T, "all that was made", func() bool {
		a := r.consumer.arrived()
		wrong = a.differences(did)
		if a.classes["config"] == 0 {
			wrong = append(wrong, "no change of the new crontab")
		}
		for _, e := range []execution{{r.runs, "container"}, {r.dropped, "suspicious"}} {
			if n := a.execs[e]; n != runs {
				wrong = append(wrong, fmt.Sprintf("%v ran %d times, told %d", e, runs, n))
			}
		}
		return len(wrong) == 0
	})
}

// differences are those between what arrived of loads and what they made.
func (a *arrivals) differences(did map[*load]map[string]uint64) (wrong []string) {
	for l, made := range did {
		for class := range classes {
			class = classes[class]
			if n := a.pids[class][int64(l.Process.Pid)]; n != made[class] {
				wrong = append(wrong, fmt.Sprintf("%v: made %d of class %s, arrived %d", l.Args[1:], made[class], class, n))
			}
		}
	}
	return wrong
}

// agrees waits until Prometheus tells of all that has arrived by now, and that
// to have arrived which it tells: others on this host do things all the time.
func (g *grafana) agrees(r *rig) {
	r.Helper()
	before := r.consumer.arrived().classes
	var told map[string]uint64
	eventually(r.T, "Prometheus to show what arrived", func() bool {
		told = g.reported(r)
		return atLeast(told, before)
	})
	var after map[string]uint64
	eventually(r.T, "what Prometheus shows", func() bool {
		after = r.consumer.arrived().classes
		return atLeast(after, told)
	})
	r.Logf("arrived:                             %v\nthen reported, as Prometheus says:   %v\nand then arrived:                    %v", before, told, after)
}

// reported is how many events of each class Prometheus says have a record.
func (g *grafana) reported(r *rig) map[string]uint64 {
	found, err := g.run(&target{Expr: `security_ebpf_events_total{outcome="reported"}`, Instant: true})
	fatal(r, err)
	all := make(map[string]uint64)
	for _, s := range found {
		all[s.Metric["class"]] = uint64(s.Values[0].v)
	}
	return all
}

func atLeast(numbers, least map[string]uint64) bool {
	for name, n := range least {
		if numbers[name] < n {
			return false
		}
	}
	return true
}

// showsAll asks every query of a dashboard until none is without an answer.
func (r *rig) showsAll(g *grafana, name string, d *dashboard) {
	r.Helper()
	for i := range d.Templating.List {
		if v := &d.Templating.List[i]; v.Type == "query" {
			fatal(r, g.choose(v))
		}
	}
	var shows, lacks []string
	defer func() { r.Logf("%s:\n%s", name, strings.Join(append(shows, lacks...), "\n")) }()
	eventually(r.T, "data for all panels of "+name, func() bool {
		shows, lacks = nil, nil
		for i := range d.Panels {
			for j := range d.Panels[i].Targets {
				shown, lacking := g.shows(&d.Panels[i], &d.Panels[i].Targets[j])
				shows, lacks = append(shows, shown...), append(lacks, lacking...)
			}
		}
		return len(lacks) == 0
	})
}

// shows says what a target has to show, or what is wrong with it.
func (g *grafana) shows(p *panel, q *target) (shown, lacking []string) {
	found, err := g.try(p, q)
	line := fmt.Sprintf("%-42s %d series", p.Title, len(found))
	switch {
	case errors.Is(err, errEmpty) && p.mayBeEmpty():
		return []string{line + ": " + p.FieldConfig.Defaults.NoValue}, nil
	case err != nil:
		return nil, []string{fmt.Sprintf("%q: %v", p.Title, err)}
	}
	return []string{line}, nil
}

// findsMistakes tries a query with mistakes: none may pass.
func (r *rig) findsMistakes(g *grafana, d *dashboard) {
	r.Helper()
	i := slices.IndexFunc(d.Panels, func(p panel) bool { return p.Title == "Programs run" })
	p := d.Panels[i]
	right := p.Targets[0]
	if _, err := g.try(&p, &right); err != nil {
		r.Error(err)
	}
	for mistake, change := range map[string]func(*target){
		"metric":   func(q *target) { q.Expr = strings.Replace(q.Expr, "_exec_total", "_exec", 1) },
		"label":    func(q *target) { q.Expr = strings.Replace(q.Expr, "{", `{kind="system", `, 1) },
		"legend":   func(q *target) { q.LegendFormat = "{{kind}}" },
		"syntax":   func(q *target) { q.Expr += ")" },
		"variable": func(q *target) { q.Expr = strings.Replace(q.Expr, "$instance", "$host", 1) },
	} {
		wrong := right
		change(&wrong)
		if _, err := g.try(&p, &wrong); err == nil {
			r.Errorf("a wrong %s is not noticed: %s", mistake, wrong.Expr)
		}
	}
}
