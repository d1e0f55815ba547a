//go:build linux && host

package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

// comparisonTrees are what testdata/comparison makes of a Debian.
func comparisonTrees() []string { return []string{"installed", "hardened", "careless", "tricky"} }

// A judgement is what the three say of one host: verdicts by the names of
// rules and tests. What one does not judge is not there.
type judgement struct {
	Ours         map[string]Verdict
	oscap, lynis map[string]Verdict
	Lists, lists map[string][]string // ours, and those of Lynis, by their names
}

// TestHostComparison lets OpenSCAP and Lynis look at what we look at, on this
// machine and in trees of Debian. Where they say something else than we do,
// there must be a reason, and the page says it.
func TestHostComparison(t *testing.T) {
	if os.Getenv("INSIDE") == t.Name() {
		saveOurs(t)
		return
	}
	here := compareHere(t) // first: Lynis sees what runs in the trees, too
	all := make([]judgement, len(comparisonTrees()))
	t.Run("trees", func(t *testing.T) {
		for i, tree := range comparisonTrees() {
			t.Run(tree, func(t *testing.T) {
				t.Parallel()
				all[i] = compareTree(t, tree)
			})
		}
	})
	if t.Failed() {
		return
	}
	explain(t, "this machine", here, append(differences(), differencesHere()...), map[int]bool{})
	used := map[int]bool{}
	for i, tree := range comparisonTrees() {
		explain(t, tree, all[i], differences(), used)
		compareLists(t, tree, all[i])
	}
	for i, d := range differences() {
		if !used[i] {
			t.Errorf("nothing differs any more: %s: %s", d.tool, d.why)
		}
	}
	golden(t, "../../docs/comparison.md", comparisonPage(all))
}

// compareHere looks at this machine as it is.
func compareHere(t *testing.T) judgement {
	dir := comparisonDir(t)
	succeed(t, exec.CommandContext(t.Context(), "bash", filepath.Join(dir, "scan.sh")))
	j := judge(t)
	j.read(t, filepath.Join(dir, "out"))
	return j
}

// compareTree looks at a Debian with changes that are gone when it ends.
func compareTree(t *testing.T, tree string) judgement {
	dir := comparisonDir(t)
	boot(t, dir, tree, "TestHostComparison")
	var j judgement
	b, err := os.ReadFile(filepath.Join(dir, "out", "ours.json"))
	if err == nil {
		err = json.Unmarshal(b, &j)
	}
	if err != nil {
		t.Fatal(err)
	}
	j.read(t, filepath.Join(dir, "out"))
	return j
}

// comparisonDir is a directory with the scripts, and with what they look for.
func comparisonDir(t *testing.T) string {
	dir := bootDir(t)
	tests := []string{"AUTH-9250", "SSH-7402", "SSH-7404", "SSH-7406", "FIRE-4502", "FIRE-4536", "MACF-6204"} // others need them
	for _, c := range counterparts() {
		for _, l := range c.lynis {
			tests = append(tests, l.test)
		}
	}
	for _, list := range counterlists() {
		tests = append(tests, list.test)
	}
	slices.Sort(tests)
	write := func(name, content string) error {
		return os.WriteFile(filepath.Join(dir, "out", name), []byte(content), 0o644)
	}
	if err := errors.Join(write("tests", strings.Join(slices.Compact(tests), " ")), write("tailoring.xml", tailoring())); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tailoring makes a profile of the rules that we have too, with our limits.
func tailoring() string {
	const prefix = "xccdf_org.ssgproject.content_"
	var b strings.Builder
	b.WriteString(`<Tailoring xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_comparison_tailoring_ours">
<version time="2025-01-01T00:00:00">1</version>
<Profile id="ours"><title>ours</title>
`)
	for _, c := range counterparts() {
		for _, id := range append(c.oscap, oscapRequires(c.rule)...) {
			fmt.Fprintf(&b, "<select idref=%q selected=\"true\"/>\n", prefix+"rule_"+id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(oscapLimits())) {
		fmt.Fprintf(&b, "<refine-value idref=%q selector=%q/>\n", prefix+"value_"+id, oscapLimits()[id])
	}
	return b.String() + "</Profile></Tailoring>\n"
}

// oscapRequires are rules without which the content does not ask for those that
// we have.
func oscapRequires(rule string) []string {
	switch rule {
	case "auditd.running":
		return []string{"package_audit_installed"}
	case "sshd.client_alive":
		return []string{"sshd_set_keepalive_0"}
	}
	return nil
}

// oscapLimits are the content's names of limits that we have, too.
func oscapLimits() map[string]string {
	return map[string]string{
		"var_accounts_maximum_age_login_defs": "365",
		"var_accounts_minimum_age_login_defs": "1",
		"var_accounts_user_umask":             "027",
	}
}

// judge says what we do of the root that this process sees.
func judge(t *testing.T) judgement {
	j := judgement{Ours: map[string]Verdict{}}
	var all []Outcome
	for _, c := range All() {
		o := Outcome{Status: Timeout}
		for try := 0; o.Status == Timeout && try < 100; try++ { // the machine may be busy
			h := hostAt(t, "/")
			Prepare(h)
			h.Legacy = sensor.Iptables{}
			o = one(t, c, h)
		}
		all = append(all, o)
		for rule, pass := range verdicts(o) {
			j.Ours[rule] = Fail
			if pass {
				j.Ours[rule] = Pass
			}
		}
	}
	j.Lists = ourLists(t, all)
	return j
}

func saveOurs(t *testing.T) {
	b, err := json.Marshal(judge(t))
	if err == nil {
		err = os.WriteFile("out/ours.json", b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// read takes what the others say from what they have written.
func (j *judgement) read(t *testing.T, dir string) {
	t.Helper()
	text := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	j.lynis, j.oscap = lynisVerdicts(text("lynis.log")), oscapVerdicts(text("oscap.out"))
	j.lists = map[string][]string{}
	for _, list := range counterlists() {
		j.lists[list.name] = list.lynis(text("lynis.dat"))
	}
}

// oscapVerdicts reads lines of rule:result.
func oscapVerdicts(out string) map[string]Verdict {
	all := map[string]Verdict{}
	for line := range strings.Lines(out) {
		rule, result, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch rule = strings.TrimPrefix(rule, "xccdf_org.ssgproject.content_rule_"); result {
		case "pass":
			all[rule] = Pass
		case "fail":
			all[rule] = Fail
		}
	}
	return all
}

// lynisVerdicts looks for what each test says in its part of the log.
func lynisVerdicts(log string) map[string]Verdict {
	parts := map[string]string{}
	for part := range strings.SplitSeq(log, "Performing test ID ") {
		test, _, _ := strings.Cut(part, " ")
		parts[test] = part
	}
	all := map[string]Verdict{}
	for _, c := range counterparts() {
		for _, l := range c.lynis {
			part, ok := parts[l.test]
			switch {
			case !ok:
			case regexp.MustCompile("(?m)" + l.bad).MatchString(part):
				all[l.String()] = Fail
			case regexp.MustCompile("(?m)" + l.good).MatchString(part):
				all[l.String()] = Pass
			}
		}
	}
	return all
}
