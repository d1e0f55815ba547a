package receiver

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadatatest"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMetricsAreExactlyTheGoldenOnes(t *testing.T) {
	for name, hooks := range map[string][]sensor.Hook{
		"active":   servedBut(),
		"degraded": servedBut("process.fork", "network.udp", "file.open", "privilege.failure", "kernel.bpf"),
	} {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join("testdata", "metrics_"+name+".txt")
			got := render(scrapeOnce(t, newDefaultConfig(), hooks))
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// scrapeOnce is the first scrape of a receiver: a second after its start at
// midnight of the first of January 2000.
func scrapeOnce(t *testing.T, cfg component.Config, hooks []sensor.Hook) pmetric.Metrics {
	t.Helper()
	sink := new(consumertest.MetricsSink)
	synctest.Test(t, func(t *testing.T) {
		r := (&fakeKernel{hooks: hooks}).metrics(t, cfg, sink)
		require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
		time.Sleep(2 * time.Second)
		require.NoError(t, r.Shutdown(t.Context()))
	})
	require.Len(t, sink.AllMetrics(), 1)
	return sink.AllMetrics()[0]
}

func TestAZeroIsAPointToo(t *testing.T) {
	m := startedMetrics(t, newDefaultConfig(), &fakeSensor{hooks: servedBut()})
	none, err := m.scrape(t.Context())
	require.NoError(t, err)
	m.kernel.kernel.(*fakeSensor).counts = distinctCounts()
	many, err := m.scrape(t.Context())
	require.NoError(t, err)
	assert.Equal(t, series(many), series(none))
	assert.Len(t, series(many), many.DataPointCount(), "no series twice")
}

func TestExactlyOneStatusIsUp(t *testing.T) {
	for _, test := range []struct {
		config string
		hooks  []sensor.Hook
		want   string
	}{
		{"ebpfsecurity", servedBut(), "active"},
		{"ebpfsecurity", servedBut("kernel.bpf"), "degraded"},
		{"ebpfsecurity", servedBut(hookNames()...), "degraded"},
		{"ebpfsecurity", []sensor.Hook{{Name: "sensor"}}, "degraded"},
		{"ebpfsecurity", nil, "degraded"},
		{"ebpfsecurity/nothing", nil, "disabled"},
		{"ebpfsecurity/nothing", []sensor.Hook{{Name: "sensor"}}, "disabled"},
	} {
		metrics := scrapeOnce(t, loadConfig(t, test.config), test.hooks)
		for _, status := range []string{"active", "degraded", "disabled"} {
			assert.Equal(t, boolean(status == test.want), value(t, metrics, "security.ebpf.up", status), "%v", test)
		}
	}
}

func TestWhatNobodyCountsIsAbsent(t *testing.T) {
	all := pointsPerMetric(scrapeOnce(t, newDefaultConfig(), servedBut()))
	for hook, less := range map[string]map[string]int{
		"process.exec":      {"process.exec": 4, "process.active_count": 4, "events": 7},
		"process.fork":      {"process.active_count": 4},
		"process.exit":      {"process.exit": 4, "process.active_count": 4, "events": 7},
		"process.existing":  {"process.active_count": 4},
		"network.tcp":       {"connect": 2, "connect.active": 2, "events": 14},
		"network.udp":       {"connect": 2, "connect.active": 2, "events": 7},
		"network.accept":    {"events": 7},
		"network.error":     nil,
		"network.existing":  {"connect.active": 4},
		"file.open":         {"file.access": 6, "events": 7},
		"privilege.change":  {"privilege.escalation": 3},
		"privilege.failure": {"privilege.escalation": 3},
		"kernel.module":     {"kernel.module": 6, "events": 7},
		"kernel.bpf":        {"kernel.bpf": 6, "events": 7},
		"process.ptrace":    {"events": 7},
		"process.namespace": {"events": 7},
		"process.failure":   nil,
		"file.mount":        {"events": 7},
		"file.failure":      nil,
	} {
		got := pointsPerMetric(scrapeOnce(t, newDefaultConfig(), servedBut(hook)))
		for name, n := range all {
			assert.Equal(t, n-less[strings.TrimPrefix(name, "security.ebpf.")], got[name], "%s without %s", name, hook)
		}
	}
	assert.NotContains(t, pointsPerMetric(scrapeOnce(t, newDefaultConfig(), servedBut("network.tcp", "network.error"))),
		"security.ebpf.connect.error")
	assert.Equal(t, map[string]int{"security.ebpf.up": 3, "security.ebpf.sample_rate": 1},
		pointsPerMetric(scrapeOnce(t, loadConfig(t, "ebpfsecurity/nothing"), nil)))
}

func TestUnseenFailuresAreAbsent(t *testing.T) {
	all := servedBut()
	for i := range all {
		all[i].SuccessesOnly = all[i].Name == "kernel.module"
	}
	got := pointsPerMetric(scrapeOnce(t, newDefaultConfig(), all))
	assert.Equal(t, 3, got["security.ebpf.kernel.module"])
	assert.Equal(t, 6, got["security.ebpf.kernel.bpf"])
}

func TestLedgerBalances(t *testing.T) {
	metrics := scrapeOnce(t, newDefaultConfig(), servedBut())
	for label := range metadata.MapAttributeEventClass {
		if label == event.Config.String() {
			continue // which the checks count
		}
		observed := value(t, metrics, "security.ebpf.events", label, "observed")
		assert.NotZero(t, observed, label)
		for outcome := range metadata.MapAttributeOutcome {
			if outcome != "observed" {
				observed -= value(t, metrics, "security.ebpf.events", label, outcome)
			}
		}
		assert.Zero(t, observed, label)
	}
}

func TestEachMetricCanBeSwitchedOff(t *testing.T) {
	cfg := loadConfig(t, "ebpfsecurity/custom")
	got := pointsPerMetric(scrapeOnce(t, cfg, servedBut()))
	assert.NotContains(t, got, "security.ebpf.events")
	assert.Len(t, got, 13)
}

func TestOwnTelemetry(t *testing.T) {
	reader := componenttest.NewTelemetry()
	defer func() { require.NoError(t, reader.Shutdown(t.Context())) }()
	set := metadatatest.NewSettings(reader)
	fake := &fakeSensor{hooks: servedBut("file.open", "kernel.bpf"), counts: distinctCounts()}
	m, err := newMetrics(securityReceiver{
		cfg: newDefaultConfig().(*Config), set: set,
		sensors: newSensors(func(sensor.Options) kernel { return fake }),
	})
	require.NoError(t, err)
	require.NoError(t, m.Start(t.Context(), componenttest.NewNopHost()))
	for range 3 {
		_, err = m.scrape(t.Context())
		require.NoError(t, err)
		fake.counts.Untracked++
		fake.counts.Missed += 2
	}
	require.NoError(t, m.Shutdown(t.Context()))
	ignore := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualEbpfsecurityHooksUnserved(t, reader, []metricdata.DataPoint[int64]{{Value: 2}}, ignore)
	metadatatest.AssertEqualEbpfsecurityUntracked(t, reader,
		[]metricdata.DataPoint[int64]{{Value: int64(fake.counts.Untracked - 1)}}, ignore)
	metadatatest.AssertEqualEbpfsecurityMissed(t, reader,
		[]metricdata.DataPoint[int64]{{Value: int64(fake.counts.Missed - 2)}}, ignore)
}

// startedMetrics is a started scraper without its controller.
func startedMetrics(t testing.TB, cfg component.Config, k kernel) *metrics {
	m, err := newMetrics(securityReceiver{
		cfg: cfg.(*Config), set: receivertest.NewNopSettings(metadata.Type),
		sensors: newSensors(func(sensor.Options) kernel { return k }),
	})
	require.NoError(t, err)
	require.NoError(t, m.Start(t.Context(), componenttest.NewNopHost()))
	return m
}

const maxAllocations = 2000

func TestAScrapeAllocatesLittle(t *testing.T) {
	m := startedMetrics(t, newDefaultConfig(), &fakeSensor{hooks: servedBut(), counts: distinctCounts()})
	n := testing.AllocsPerRun(10, func() { _, _ = m.scrape(t.Context()) })
	assert.LessOrEqual(t, n, float64(maxAllocations))
}

func BenchmarkScrape(b *testing.B) {
	m := startedMetrics(b, newDefaultConfig(), &fakeSensor{hooks: servedBut(), counts: distinctCounts()})
	b.ReportAllocs()
	for b.Loop() {
		_, _ = m.scrape(b.Context())
	}
}
