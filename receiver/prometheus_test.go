package receiver

import (
	"slices"
	"testing"

	"github.com/prometheus/otlptranslator"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// TestNamesInPrometheus uses the translator of the Prometheus exporter with
// the exporter's defaults. Alerts and dashboards depend on these names.
func TestNamesInPrometheus(t *testing.T) {
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	var got []string
	all(scrapeOnce(t, newDefaultConfig(), servedBut()), func(m pmetric.Metric, _ pmetric.NumberDataPoint) {
		name, err := namer.Build(otlptranslator.Metric{Name: m.Name(), Unit: m.Unit(), Type: prometheusType(m)})
		require.NoError(t, err)
		got = append(got, name)
	})
	slices.Sort(got)
	assert.Equal(t, []string{
		"security_ebpf_connect_active",
		"security_ebpf_connect_error_total",
		"security_ebpf_connect_total",
		"security_ebpf_events_total",
		"security_ebpf_file_access_total",
		"security_ebpf_hook_attached",
		"security_ebpf_kernel_bpf_total",
		"security_ebpf_kernel_module_total",
		"security_ebpf_privilege_escalation_total",
		"security_ebpf_process_active_count",
		"security_ebpf_process_exec_total",
		"security_ebpf_process_exit_total",
		"security_ebpf_sample_rate",
		"security_ebpf_up",
	}, slices.Compact(got))
}

func prometheusType(m pmetric.Metric) otlptranslator.MetricType {
	switch {
	case m.Type() == pmetric.MetricTypeGauge:
		return otlptranslator.MetricTypeGauge
	case m.Sum().IsMonotonic():
		return otlptranslator.MetricTypeMonotonicCounter
	default:
		return otlptranslator.MetricTypeNonMonotonicCounter
	}
}
