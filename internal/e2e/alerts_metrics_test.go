//go:build e2e

package e2e

import (
	"cmp"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
)

// metrics are the labels of each metric, by the names that Prometheus has for
// them, and the values that a label can have, nil if those are not fixed.
type metrics map[string]map[string][]string

func declaredMetrics(t *testing.T) metrics {
	t.Helper()
	var metadata struct {
		Attributes map[string]struct {
			Name string `yaml:"name_override"`
			Enum []string
		}
		Metrics map[string]struct {
			Attributes []string
			Sum        struct{ Monotonic bool }
		}
	}
	readYAML(t, filepath.Join("..", "..", "metadata.yaml"), &metadata)
	declared := make(metrics)
	for name, m := range metadata.Metrics {
		name = strings.ReplaceAll(name, ".", "_")
		if m.Sum.Monotonic {
			name += "_total"
		}
		declared[name] = make(map[string][]string)
		for _, id := range m.Attributes {
			a := metadata.Attributes[id]
			declared[name][cmp.Or(a.Name, strings.ReplaceAll(id, ".", "_"))] = a.Enum
		}
	}
	for _, name := range []string{check.MetricResult, check.MetricStatus} {
		declared[strings.ReplaceAll(name, ".", "_")]["check"] = checksAndRules()
	}
	return declared
}

func checksAndRules() (ids []string) {
	for _, c := range check.All() {
		ids = append(ids, c.ID)
		for _, r := range c.Rules {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	selector = regexp.MustCompile(`([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	listed   = regexp.MustCompile(`(without|ignoring|by|on)\s*\(([^)]*)\)`)
	duration = regexp.MustCompile(`\[\d+[smhd]\]|offset \d+[smhd]`)
	word     = regexp.MustCompile(`[a-zA-Z_:][\w:]*`)
	template = regexp.MustCompile(`\$labels\.(\w+)`)
)

// promQL are the words of the language that the rules use.
var promQL = []string{"and", "or", "unless", "bool", "max", "sum", "max_over_time", "last_over_time"}

// TestAlertsKnowTheMetrics: an alert on a metric, a label or a value that
// nothing has is one that cannot fire.
func TestAlertsKnowTheMetrics(t *testing.T) {
	declared := declaredMetrics(t)
	all := rules(t)
	for _, r := range all {
		if r.Record != "" {
			declared[r.Record] = map[string][]string{}
		}
	}
	for _, r := range all {
		t.Run(r.Alert+r.Record, func(t *testing.T) {
			declared.knows(t, r.Expr)
			labels := declared.labels(t, r.Expr)
			for _, group := range listed.FindAllStringSubmatch(r.Expr, -1) {
				if group[1] == "by" || group[1] == "on" {
					t.Errorf("%q drops the labels that tell hosts apart", group[0])
				}
				for _, name := range word.FindAllString(group[2], -1) {
					if !slices.Contains(labels, name) {
						t.Errorf("no metric has the label %q", name)
					}
				}
			}
			for name, text := range r.Annotations {
				for _, l := range template.FindAllStringSubmatch(text, -1) {
					if l[1] != "instance" && !slices.Contains(labels, l[1]) {
						t.Errorf("%s: no metric has the label %q", name, l[1])
					}
				}
			}
		})
	}
}

// TestTestsOfAlertsKnowTheMetrics: one with series that do not exist proves nothing.
func TestTestsOfAlertsKnowTheMetrics(t *testing.T) {
	declared := declaredMetrics(t)
	for _, labels := range declared {
		labels["instance"], labels["host_name"] = nil, nil // what a scrape and a gateway add
	}
	for _, file := range alertFiles(t, "test") {
		var f ruleTest
		readYAML(t, file, &f)
		for _, test := range f.Tests {
			for _, s := range test.Series {
				declared.knows(t, s.Series)
				declared.labels(t, s.Series)
			}
		}
	}
}

// knows wants each matcher of an expression to select a value that can be.
func (m metrics) knows(t *testing.T, expr string) {
	t.Helper()
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		for _, match := range matcher.FindAllStringSubmatch(s[2], -1) {
			name, operator, value := match[1], match[2], match[3]
			values, ok := m[s[1]][name]
			switch {
			case !ok:
				t.Errorf("%s has no label %q", s[1], name)
			case values != nil && !slices.ContainsFunc(values, func(v string) bool { return matches(operator, value, v) }):
				t.Errorf("%s never has %s%s%q", s[1], name, operator, value)
			}
		}
	}
}

func matches(operator, value, v string) bool {
	pattern := value
	if strings.HasSuffix(operator, "=") { // = and !=
		pattern = regexp.QuoteMeta(value)
	}
	return regexp.MustCompile("^(?:"+pattern+")$").MatchString(v) != strings.HasPrefix(operator, "!")
}

// labels are those of all metrics of an expression, which must exist.
func (m metrics) labels(t *testing.T, expr string) (all []string) {
	t.Helper()
	for _, r := range []*regexp.Regexp{quoted, duration, listed} {
		expr = r.ReplaceAllString(expr, " ")
	}
	for _, name := range word.FindAllString(selector.ReplaceAllString(expr, " $1 "), -1) {
		labels, ok := m[name]
		if !ok && !slices.Contains(promQL, name) {
			t.Errorf("there is no metric %q", name)
		}
		all = slices.AppendSeq(all, maps.Keys(labels))
	}
	return all
}
