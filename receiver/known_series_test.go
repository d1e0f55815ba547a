package receiver

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// knownSeries are the metrics that documentation.md lists, as Prometheus calls
// them, with their labels, and the values of those that have only some.
type knownSeries map[string]map[string][]string

var (
	metricSection = regexp.MustCompile(`(?m)^### (security\.ebpf|linux\.security|otelcol_ebpfsecurity)[._](\S+)$`)
	attributeRow  = regexp.MustCompile(`(?m)^\| ([a-z_]+) \| .* \| (Any|Str|[A-Z][a-z]+:?)[^|]*\|`)
	enumerated    = regexp.MustCompile("``([^`]+)``")
)

func readKnownSeries(t *testing.T) knownSeries {
	page, err := os.ReadFile("documentation.md")
	require.NoError(t, err)
	all := make(knownSeries)
	text := string(page)
	heads := metricSection.FindAllStringSubmatchIndex(text, -1)
	for i, at := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		section := text[at[1]:end]
		name := strings.ReplaceAll(text[at[2]:at[5]], ".", "_")
		if strings.Contains(section, "| Sum |") && strings.Contains(section, "| true |") && !strings.HasPrefix(name, "otelcol_") {
			name += "_total"
		}
		all[name] = map[string][]string{"instance": nil, "job": nil}
		for _, row := range attributeRow.FindAllStringSubmatch(section, -1) {
			var values []string
			for _, value := range enumerated.FindAllStringSubmatch(row[0], -1) {
				values = append(values, value[1])
			}
			all[name][row[1]] = values
		}
	}
	return all
}

var (
	seriesOfOurs = regexp.MustCompile(`\b(?:security_ebpf|linux_security|otelcol_ebpfsecurity)_\w+(?:\{[^}]*\})?`)
	matcher      = regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`)
	grouping     = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
)

// unknown is what a text says of series of ours that there is not: metrics,
// labels, values. A value may have "…" in place of some letters.
func (k knownSeries) unknown(text string) (wrong []string) {
	labels := map[string]bool{}
	for _, series := range seriesOfOurs.FindAllString(text, -1) {
		name, matchers, _ := strings.Cut(series, "{")
		if _, ok := k[name]; !ok {
			wrong = append(wrong, "metric "+name)
			continue
		}
		for label := range k[name] {
			labels[label] = true
		}
		for _, m := range matcher.FindAllStringSubmatch(matchers, -1) {
			if problem := k.mismatch(name, m[1], m[2], m[3]); problem != "" {
				wrong = append(wrong, problem)
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(text, -1) {
		for label := range strings.SplitSeq(g[1], ",") {
			if label = strings.TrimSpace(label); len(labels) > 0 && !labels[label] {
				wrong = append(wrong, "label "+label)
			}
		}
	}
	return wrong
}

func (k knownSeries) mismatch(name, label, operator, value string) string {
	values, ok := k[name][label]
	if !ok {
		return fmt.Sprintf("label %s of %s", label, name)
	}
	alternatives := []string{value}
	if strings.Contains(operator, "~") {
		alternatives = strings.Split(value, "|")
	}
	for _, v := range alternatives {
		if values != nil && v != "…" && !slices.Contains(values, v) {
			return fmt.Sprintf("%s=%q of %s", label, v, name)
		}
	}
	return ""
}

func TestUnknownSeriesAreFound(t *testing.T) {
	k := readKnownSeries(t)
	for text, want := range map[string]string{
		`rate(security_ebpf_events_total{class="exec", outcome=~"lost_ring|refused"}[5m])`: "",
		`sum by (class) (security_ebpf_events_total)`:                                      "",
		`security_ebpf_hook_attached{hook="…",program="none"} 0`:                           "",
		`linux_security_check_result{severity="high"} == 0`:                                "",
		`otelcol_ebpfsecurity_missed`:                                                      "",
		`up{job="x"}`:                                                                      "",
		`security_ebpf_event_total`:                                                        "[metric security_ebpf_event_total]",
		`security_ebpf_events_total{klass="exec"}`:                                         "[label klass of security_ebpf_events_total]",
		`security_ebpf_events_total{outcome=~"lost|refused"}`:                              `[outcome="lost" of security_ebpf_events_total]`,
		`sum by (host) (security_ebpf_up)`:                                                 "[label host]",
		`linux_security_check_result{severity="severe"}`:                                   `[severity="severe" of linux_security_check_result]`,
		`otelcol_ebpfsecurity_lost`:                                                        "[metric otelcol_ebpfsecurity_lost]",
	} {
		got := ""
		if wrong := k.unknown(text); wrong != nil {
			got = fmt.Sprint(wrong)
		}
		if got != want {
			t.Errorf("%s: %q instead of %q", text, got, want)
		}
	}
}
