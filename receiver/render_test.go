package receiver

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// all calls f for every point.
func all(metrics pmetric.Metrics, f func(pmetric.Metric, pmetric.NumberDataPoint)) {
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				points := m.Gauge().DataPoints
				if m.Type() == pmetric.MetricTypeSum {
					points = m.Sum().DataPoints
				}
				for _, p := range points().All() {
					f(m, p)
				}
			}
		}
	}
}

func pointsPerMetric(metrics pmetric.Metrics) map[string]int {
	count := make(map[string]int)
	all(metrics, func(m pmetric.Metric, _ pmetric.NumberDataPoint) { count[m.Name()]++ })
	return count
}

func series(metrics pmetric.Metrics) map[string]bool {
	set := make(map[string]bool)
	all(metrics, func(m pmetric.Metric, p pmetric.NumberDataPoint) { set[m.Name()+labels(p)] = true })
	return set
}

// value is that of the point of the named metric with these label values.
func value(t *testing.T, metrics pmetric.Metrics, name string, labels ...string) int64 {
	t.Helper()
	var found []int64
	all(metrics, func(m pmetric.Metric, p pmetric.NumberDataPoint) {
		if m.Name() != name {
			return
		}
		for _, label := range labels {
			if !hasLabel(p, label) {
				return
			}
		}
		found = append(found, p.IntValue())
	})
	require.Len(t, found, 1, "%s %v", name, labels)
	return found[0]
}

func hasLabel(p pmetric.NumberDataPoint, want string) bool {
	for _, v := range p.Attributes().All() {
		if v.Str() == want {
			return true
		}
	}
	return false
}

func labels(p pmetric.NumberDataPoint) string {
	var list []string
	for k, v := range p.Attributes().All() {
		list = append(list, k+"="+v.AsString())
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// render writes all there is in metrics, readably.
func render(metrics pmetric.Metrics) string {
	var out bytes.Buffer
	rm := metrics.ResourceMetrics().At(0)
	scope := rm.ScopeMetrics().At(0).Scope()
	fmt.Fprintf(&out, "resource %v\nscope %s %s\n", rm.Resource().Attributes().AsRaw(), scope.Name(), scope.Version())
	last := ""
	all(metrics, func(m pmetric.Metric, p pmetric.NumberDataPoint) {
		if m.Name() != last {
			last = m.Name()
			fmt.Fprintf(&out, "\n%s %s %s\n%s\n", m.Name(), m.Unit(), kind(m), m.Description())
		}
		fmt.Fprintf(&out, "\t%s %d  %s..%s\n", labels(p), p.IntValue(), clock(p.StartTimestamp()), clock(p.Timestamp()))
	})
	return out.String()
}

func kind(m pmetric.Metric) string {
	if m.Type() != pmetric.MetricTypeSum {
		return m.Type().String()
	}
	if m.Sum().IsMonotonic() {
		return m.Sum().AggregationTemporality().String() + " monotonic sum"
	}
	return m.Sum().AggregationTemporality().String() + " up-down sum"
}

func clock(ts pcommon.Timestamp) string { return ts.AsTime().Format("15:04:05") }
