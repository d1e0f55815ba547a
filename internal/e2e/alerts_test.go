//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var alertsDir = filepath.Join("..", "..", "examples", "alerts")

// A ruleFile is one that Prometheus loads.
type ruleFile struct {
	Groups []struct {
		Rules []rule
	}
}

type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

// A ruleTest is a file that promtool test rules takes.
type ruleTest struct {
	Tests []struct {
		Series []struct {
			Series string
		} `yaml:"input_series"`
		Alerts []struct {
			Name   string `yaml:"alertname"`
			Expect []any  `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

// alertFiles are those of a kind, rules or test.
func alertFiles(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(alertsDir, "*."+kind+".yaml"))
	fatal(t, err)
	if len(files) == 0 {
		t.Fatalf("there are no %s", kind)
	}
	return files
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	page, err := os.ReadFile(file)
	fatal(t, err)
	if err := yaml.Unmarshal(page, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	for _, file := range alertFiles(t, "rules") {
		var f ruleFile
		readYAML(t, file, &f)
		for _, g := range f.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func TestAlertsPassTheirTests(t *testing.T) {
	for command, files := range map[string][]string{"check": alertFiles(t, "rules"), "test": alertFiles(t, "test")} {
		output, err := exec.Command("promtool", append([]string{command, "rules"}, files...)...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %s rules: %v\n%s", command, err, output)
		}
	}
}

// TestEveryAlertIsTested: firing and not. promtool itself takes an alert that
// does not exist for one that does not fire.
func TestEveryAlertIsTested(t *testing.T) {
	type tested struct{ fires, rests bool }
	tests := make(map[string]tested)
	for _, file := range alertFiles(t, "test") {
		var f ruleTest
		readYAML(t, file, &f)
		for _, test := range f.Tests {
			for _, a := range test.Alerts {
				was := tests[a.Name]
				tests[a.Name] = tested{was.fires || len(a.Expect) > 0, was.rests || len(a.Expect) == 0}
			}
		}
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if !tests[r.Alert].fires || !tests[r.Alert].rests {
			t.Errorf("%s is tested as firing: %v, and as not: %v", r.Alert, tests[r.Alert].fires, tests[r.Alert].rests)
		}
		delete(tests, r.Alert)
	}
	for name := range tests {
		t.Errorf("there is no alert %s to test", name)
	}
}

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if seen[r.Alert] {
			t.Errorf("there are two alerts %s", r.Alert)
		}
		seen[r.Alert] = true
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
		}
		for _, name := range []string{"summary", "description"} {
			if strings.TrimSpace(r.Annotations[name]) == "" {
				t.Errorf("%s has no %s", r.Alert, name)
			}
		}
	}
}
