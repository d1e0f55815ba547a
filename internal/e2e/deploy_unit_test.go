//go:build e2e

package e2e

import (
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const unitFile = "../../examples/deploy/systemd/" + service + ".service"

// A unit are the settings of a service, by key, in the order of the file.
type unit map[string][]string

func readUnit(t *testing.T) unit {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	fatal(t, err)
	u := make(unit)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			u[key] = append(u[key], value)
		}
	}
	return u
}

// nobodyElse is a user whom no file and no process of this machine belongs to.
const nobodyElse = 64123

// confinement is what the unit does to the service.
func (u unit) confinement(t *testing.T) confinement {
	t.Helper()
	for key, want := range map[string]string{
		"NoNewPrivileges": "yes", "ProtectSystem": "strict", "User": service, "Group": service,
		"CapabilityBoundingSet": strings.Join(u["AmbientCapabilities"], ""),
	} {
		if got := strings.Join(u[key], ""); got != want {
			t.Errorf("%s=%s instead of %s", key, got, want)
		}
	}
	granted := strings.Fields(u["AmbientCapabilities"][0])
	if want := slices.Sorted(maps.Keys(rights)); !slices.Equal(slices.Sorted(slices.Values(granted)), want) {
		t.Errorf("rights %v instead of %v", granted, want)
	}
	return confinement{UID: nobodyElse, GID: nobodyElse, Rights: granted, ReadOnly: true}
}

// without takes one of the rights away.
func (c confinement) without(right string) confinement {
	c.Rights = slices.DeleteFunc(slices.Clone(c.Rights), func(r string) bool { return r == right })
	return c
}

// newConfinedRig is a rig whose collector is confined. All that it needs is
// where everybody may read, so that it lacks no more than what is taken from it.
func newConfinedRig(t *testing.T, c confinement, args ...string) *rig {
	t.Helper()
	r, cmd, url := prepareRig(t)
	cmd.Args = append(cmd.Args, args...)
	public, err := os.MkdirTemp("", "e2e-public-")
	fatal(t, err)
	t.Cleanup(func() { fatal(t, os.RemoveAll(public)) })
	for _, dir := range []string{public, r.dir, filepath.Dir(r.dir)} {
		fatal(t, os.Chmod(dir, 0o755))
	}
	publish(t, cmd, public, "testdata/ledger.yaml")
	fatal(t, c.confine(cmd))
	r.collector = startCommand(t, cmd, url)
	return r
}

// publish has cmd run where everybody may: a checkout can be its owner's alone.
func publish(t *testing.T, cmd *exec.Cmd, dir, config string) {
	t.Helper()
	binary := cmd.Path
	if !filepath.IsAbs(binary) {
		binary = filepath.Join(cmd.Dir, binary)
	}
	copyFile(t, binary, filepath.Join(dir, service))
	copyFile(t, config, filepath.Join(dir, "internal/e2e", config))
	cmd.Path, cmd.Dir = filepath.Join(dir, service), dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	fatal(t, err)
	fatal(t, os.MkdirAll(filepath.Dir(to), 0o755))
	fatal(t, os.WriteFile(to, content, 0o755))
}

// TestServiceCountsAsRootDoes: under exactly the rights of the unit each hook
// is served as for root, and counts what was done; and the checks see the same,
// but for what the kernel shows to nobody without more rights.
func TestServiceCountsAsRootDoes(t *testing.T) {
	asRoot, roots := countAs(t, newRig(t))
	service := newConfinedRig(t, readUnit(t).confinement(t))
	status, err := os.ReadFile(service.proc("status"))
	fatal(t, err)
	t.Logf("the collector's rights: %s", strings.Join(linesOf(string(status), "Uid", "Cap", "NoNewPrivs"), " "))
	got, confineds := countAs(t, service)
	if got != asRoot {
		t.Errorf("the service has these hooks:\n%s\nand root these:\n%s", got, asRoot)
	}
	for _, check := range slices.Sorted(maps.Keys(roots)) {
		want, found := roots[check], confineds[check]
		if refused, ok := refusedToServices[check]; ok {
			t.Logf("check %s: %s, as %s", check, found, refused)
			want = "unreadable"
		}
		if found != want {
			t.Errorf("check %s: %s instead of %s", check, found, want)
		}
	}
}

// refusedToServices are the checks that lack something without more rights, of
// which each would be a danger to the host. docs/security-model.md says so, too.
var refusedToServices = map[string]string{
	"auditd": "the kernel tells of its audit system only whom it lets change it (CAP_AUDIT_CONTROL)",
	"sysctl": "net.core.bpf_jit_harden is only for CAP_SYS_ADMIN",
}

// countAs holds what a collector counts against what was done.
func countAs(t *testing.T, r *rig) (hooks string, checks map[string]string) {
	t.Helper()
	var d done
	d.add(r, 20_000, 200, 20)
	page, l, a := r.settled()
	r.sameCounts(page, &d)
	r.nothingMissing(&d, &a)
	if n := a.paths[r.watched] + l.of("file_open", "sampled") + l.lost("file_open"); n != d.opens {
		t.Errorf("%d of %d opens are accounted for", n, d.opens)
	}
	eventually(t, "the checks", func() bool {
		page = r.page()
		return strings.Contains(page, "linux_security_check_pass_ratio")
	})
	r.stop(t)
	return hooksOf(page), checksOf(page)
}

// checksOf are the checks' statuses on a page of metrics.
func checksOf(page string) map[string]string {
	checks := make(map[string]string)
	for _, line := range linesOf(page, "linux_security_check_status{") {
		parts := strings.Split(line, `"`) // check="…",status="…"} 1 …
		if strings.HasPrefix(parts[4], "} 1") {
			checks[parts[1]] = parts[3]
		}
	}
	return checks
}

// linesOf are those of a text that begin with one of some words.
func linesOf(text string, begins ...string) (found []string) {
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(line, b) }) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// TestEachRightIsNeeded: without any one of them something is missing, and the
// collector says what and why.
func TestEachRightIsNeeded(t *testing.T) {
	full := readUnit(t).confinement(t)
	all, _ := watched(t, full)
	for _, right := range full.Rights {
		t.Run(right, func(t *testing.T) {
			seen, r := watched(t, full.without(right))
			var missing []string
			hooks := 0
			for _, what := range slices.Sorted(maps.Keys(all)) {
				if !seen[what] && what != "status degraded" {
					missing = append(missing, what)
					hooks += strings.Count(what, "hook ")
				}
			}
			t.Logf("without %s: no %s", right, strings.Join(missing, ", "))
			if missing == nil {
				t.Error("nothing is missing")
			}
			if hooks > 0 && !seen["status degraded"] {
				t.Error("it does not say that it is degraded")
			}
			said := r.output.String()
			if !strings.Contains(said, `"capabilities": ["`+right+`"]`) {
				t.Error("it does not say which right is missing")
			}
			if hooks > 0 && !strings.Contains(said, `"cure": "run as root, or grant `+right) {
				t.Error("no hook has that right as its cure")
			}
		})
	}
}

// watched is what a collector says that it sees whole.
func watched(t *testing.T, c confinement) (all map[string]bool, r *rig) {
	t.Helper()
	r = newConfinedRig(t, c, "--config", "yaml:receivers::ebpfsecurity::checks::disable: [setuid, package_count]")
	var page string
	eventually(t, "the checks", func() bool {
		page = r.page()
		return strings.Contains(page, "linux_security_check_pass_ratio")
	})
	r.stop(t)
	all = make(map[string]bool)
	for _, line := range linesOf(page, "security_ebpf_hook_attached{") {
		if parts := strings.Split(line, `"`); parts[3] != "none" {
			all["hook "+parts[1]] = true
		}
	}
	for check, status := range checksOf(page) {
		if status == "ok" {
			all["check "+check] = true
		}
	}
	_, port, err := net.SplitHostPort(r.consumer.Listener.Addr().String())
	fatal(t, err)
	self, err := os.Executable()
	fatal(t, err)
	for _, line := range linesOf(page, "linux_security_ports_use_info{") {
		if strings.Contains(line, `local_port="`+port+`"`) && strings.Contains(line, `exe_path="`+self+`"`) {
			all["what root listens with"] = true
		}
	}
	if counter(page, `security_ebpf_up{status="degraded"}`) == 1 {
		all["status degraded"] = true
	}
	return all, r
}
