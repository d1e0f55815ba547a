//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A diagnosis is what the doctor says as JSON.
type diagnosis struct {
	Host struct {
		Kernel       string
		Capabilities []struct {
			Name string
			Held bool
		}
	}
	Hooks []struct {
		Name, Program string
		Tried         []struct{ Program, Refusal string }
	}
	Checks  []struct{ Name, Status string }
	Missing []string
}

// diagnose runs the doctor after a command that may restrict it.
func diagnose(t *testing.T, restrict ...string) diagnosis {
	t.Helper()
	doctor := os.Getenv("DOCTOR")
	if doctor == "" {
		doctor = "../../bin/ebpfsecurity-doctor"
	}
	args := append(restrict, doctor, "-json")
	output, err := exec.Command(args[0], args[1:]...).Output()
	var d diagnosis
	fatal(t, json.Unmarshal(output, &d))
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	want := 0
	if len(d.Missing) > 0 {
		want = 1
	}
	if code != want {
		t.Errorf("the doctor ends with %d (%v), and misses %v", code, err, d.Missing)
	}
	return d
}

// TestDoctorKnowsWhatTheCollectorUses: of every hook the same program.
func TestDoctorKnowsWhatTheCollectorUses(t *testing.T) {
	d := diagnose(t)
	said := make(map[string]string)
	for _, h := range d.Hooks {
		said[h.Name] = h.Program
		t.Logf("%s: %s, and %d others were refused", h.Name, h.Program, len(h.Tried))
	}
	r := newRig(t, "failed_opens: true", "missing_execs: true", "classes: {close: true, connect: true, accept: true, udp_send: true}")
	used := make(map[string]string)
	for _, series := range attached.FindAllStringSubmatch(r.page(), -1) {
		used[series[1]] = series[2]
	}
	if len(used) == 0 || !maps.Equal(said, used) {
		t.Errorf("the doctor says %v,\nthe collector uses %v", said, used)
	}
	if len(d.Checks) == 0 || d.Checks[0].Status != "ok" {
		t.Errorf("checks: %v", d.Checks)
	}
	r.stop(t)
}

var attached = regexp.MustCompile(`security_ebpf_hook_attached{hook="([^"]*)",program="([^"]*)"}`)

// TestDoctorTellsThatCapabilitiesAreMissing, and that so are all hooks.
func TestDoctorTellsThatCapabilitiesAreMissing(t *testing.T) {
	d := diagnose(t, "setpriv", "--bounding-set=-all", "--inh-caps=-all")
	for _, c := range d.Host.Capabilities {
		if c.Held {
			t.Errorf("%s is held", c.Name)
		}
	}
	for _, h := range d.Hooks {
		if h.Program != "none" || len(h.Tried) == 0 {
			t.Errorf("without capabilities: %+v", h)
		}
	}
	misses := func(what string) bool {
		return slices.ContainsFunc(d.Missing, func(m string) bool { return strings.HasPrefix(m, what) })
	}
	for _, what := range []string{"log records", "the hook file.open", "CAP_BPF", "CAP_DAC_READ_SEARCH"} {
		if !misses(what) {
			t.Errorf("no word of %s in %q", what, d.Missing)
		}
	}
	t.Logf("missing: %d things, such as %q", len(d.Missing), d.Missing[0])
}
