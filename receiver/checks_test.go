package receiver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// fakeChecks are checks that run when a test says so.
type fakeChecks struct {
	ran      func(check.Outcome, []check.Change)
	outcomes []check.Outcome
	complete bool
	started  int
	closed   int
	err      error
}

func (f *fakeChecks) open(_ *Config, ran func(check.Outcome, []check.Change)) (checker, error) {
	f.ran = ran
	return f, f.err
}

func (f *fakeChecks) Start()                                         { f.started++ }
func (f *fakeChecks) Close()                                         { f.closed++ }
func (f *fakeChecks) Outcomes() (all []check.Outcome, complete bool) { return f.outcomes, f.complete }

// checkSamples are changes of all kinds, by the name of their golden file.
func checkSamples() map[string]check.Change {
	return map[string]check.Change{
		"config_fails": {
			Check: "sshd", Item: "sshd.permit_root_login", Kind: check.Changed, Old: "no", New: "yes",
			Was: check.Pass, Is: check.Fail, Severity: check.High, Time: sampleTime,
		},
		"config_passes": {
			Check: "sysctl", Item: "sysctl.kernel.kptr_restrict", Kind: check.Changed, Old: "0", New: "1",
			Was: check.Fail, Is: check.Pass, Severity: check.Medium, Time: sampleTime,
		},
		"config_added": {
			Check: "account", Item: "account.user.eve", Kind: check.Added, New: "uid=0", Severity: check.Medium, Time: sampleTime,
		},
		"config_removed": {
			Check: "account", Item: "account.user.eve'\x1b", Kind: check.Removed, Severity: check.Medium, Time: sampleTime,
		},
		"config_status": {
			Check: "shadow", Item: check.StatusItem, Kind: check.Changed, Old: "ok", New: "unreadable", Severity: check.Medium, Time: sampleTime,
		},
	}
}

// told is the batch with a record of a change.
func told(t testing.TB, changes ...check.Change) *batch {
	g, full := collected(Batch{MaxRecords: 1000, MaxBytes: maxBatch, MaxAge: Interval(time.Hour)})
	w := writer{}
	for i := range changes {
		g.end(sampleNow, event.Config, w.change(g.begin(sampleNow, resource{}), &changes[i], sampleNow))
	}
	g.flush()
	require.Len(t, *full, 1)
	return (*full)[0]
}

func TestRecordsOfChangesAreExactlyTheGoldenOnes(t *testing.T) {
	for name, c := range checkSamples() {
		b := told(t, c)
		compareGolden(t, name, b.logs)
		marshaler := plog.ProtoMarshaler{}
		assert.LessOrEqual(t, marshaler.LogsSize(b.logs), b.bytes)
		assert.Equal(t, event.Config, classOf(only(b.logs).EventName()))
	}
}

// withChecks runs a test with a started logs receiver whose checks are fake.
func withChecks(t *testing.T, p *fakePipeline, feeds bool, change func(*Config), test func(*bench, *fakeChecks)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake, checks := &fakeKernel{hooks: servedBut(), feeds: feeds}, &fakeChecks{}
		b := &bench{T: t, cfg: newDefaultConfig().(*Config), pipeline: p, factory: newSensors(fake.open), own: componenttest.NewTelemetry()}
		b.factory.checks = checks.open
		if change != nil {
			change(b.cfg)
		}
		set := receivertest.NewNopSettings(metadata.Type)
		set.TelemetrySettings = b.own.NewTelemetrySettings()
		var err error
		b.logs, err = b.factory.createLogs(t.Context(), set, b.cfg, p)
		require.NoError(t, err)
		require.NoError(t, b.logs.Start(t.Context(), componenttest.NewNopHost()))
		b.sensor = fake.opened[0]
		test(b, checks)
		require.NoError(t, b.own.Shutdown(context.Background()))
	})
}

func changesOf(names ...string) (list []check.Change) {
	for _, name := range names {
		list = append(list, checkSamples()[name])
	}
	return list
}

func TestChangesBecomeRecords(t *testing.T) {
	for what, feeds := range map[string]bool{"beside the kernel's": true, "without a kernel that reports": false} {
		t.Run(what, func(t *testing.T) {
			p := &fakePipeline{}
			withChecks(t, p, feeds, nil, func(b *bench, checks *fakeChecks) {
				assert.Equal(t, 1, checks.started)
				m := b.scrapeShared()
				checks.ran(check.Outcome{Check: "sshd"}, changesOf("config_fails", "config_passes"))
				checks.ran(check.Outcome{Check: "account"}, changesOf("config_added"))
				synctest.Wait()
				assert.Equal(b, map[string]int{"ebpfsecurity.config.changed": 3}, p.names())
				got, err := m.scrape(b.Context())
				require.NoError(b, err)
				assert.Equal(b, int64(3), value(b.T, got, "security.ebpf.events", "config", "observed"))
				assert.Equal(b, int64(3), value(b.T, got, "security.ebpf.events", "config", "reported"))
				require.NoError(b, m.Shutdown(b.Context()))
				b.shutdown()
				assert.Equal(t, 1, checks.closed)
				checks.ran(check.Outcome{Check: "sshd"}, changesOf("config_fails")) // late
			})
		})
	}
}

func TestChangesThatArePutOffAreDeliveredAtTheEnd(t *testing.T) {
	refused := 3
	p := &fakePipeline{consume: func(context.Context, plog.Logs) error {
		if refused--; refused >= 0 {
			return errors.New("later")
		}
		return nil
	}}
	withChecks(t, p, false, nil, func(b *bench, checks *fakeChecks) {
		checks.ran(check.Outcome{Check: "sshd"}, changesOf("config_fails"))
		b.shutdown()
		assert.Equal(b, map[string]int{"ebpfsecurity.config.changed": 1}, p.names())
	})
}

func TestChangesThatNobodyWantsAreCounted(t *testing.T) {
	p := &fakePipeline{}
	off := func(c *Config) { c.Events.Classes.Config = false }
	withChecks(t, p, true, off, func(b *bench, checks *fakeChecks) {
		m := b.scrapeShared()
		checks.ran(check.Outcome{Check: "sshd"}, changesOf("config_fails"))
		got, err := m.scrape(b.Context())
		require.NoError(b, err)
		assert.Equal(b, int64(1), value(b.T, got, "security.ebpf.events", "config", "filtered"))
		require.NoError(b, m.Shutdown(b.Context()))
		b.shutdown()
		assert.Empty(b, p.names())
	})
}

func TestWhatAChecksDoesNotSeeIsSaidOnce(t *testing.T) {
	core, logged := observer.New(zapcore.InfoLevel)
	fake, checks := &fakeKernel{hooks: servedBut()}, &fakeChecks{}
	s := newSensors(fake.open)
	s.checks = checks.open
	s.acquire(newDefaultConfig().(*Config), zap.New(core))
	logged.TakeAll()
	for _, status := range []check.Status{check.OK, check.Unreadable, check.Unreadable, check.OK, check.OK} {
		checks.ran(check.Outcome{Check: "shadow", Status: status, Err: os.ErrPermission}, nil)
	}
	all := logged.TakeAll()
	require.Len(t, all, 2)
	assert.Equal(t, "A check does not see all", all[0].Message)
	assert.Equal(t, map[string]any{"check": "shadow", "status": "unreadable", "reason": "permission denied"}, all[0].ContextMap())
	assert.Equal(t, "A check sees all again", all[1].Message)
}

func TestAHostThatCannotBeCheckedIsAStatus(t *testing.T) {
	fake, host := &fakeKernel{hooks: servedBut()}, newFakeHost()
	cfg := newDefaultConfig().(*Config)
	cfg.RootPath = Path(filepath.Join(t.TempDir(), "missing"))
	m, err := newFactory(fake.open, hostChecker).CreateMetrics(t.Context(), receivertest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, m.Start(t.Context(), host))
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError}, host.statuses())
	require.NoError(t, m.Shutdown(t.Context()))
}

func TestChecksCanBeSwitchedOff(t *testing.T) {
	fake, checks := &fakeKernel{hooks: servedBut()}, &fakeChecks{}
	m := checkedMetrics(t, fake, checks.open, func(c *Config) { c.Checks.Enabled = false })
	got, err := m.scrape(t.Context())
	require.NoError(t, err)
	assert.Zero(t, checks.started)
	assert.Empty(t, named(series(got), "linux.security."))
	assert.NotContains(t, series(got), "security.ebpf.events{class=config, outcome=observed}")
}

// checkedMetrics is a started metrics receiver.
func checkedMetrics(t *testing.T, fake *fakeKernel, open newChecker, change func(*Config)) *metrics {
	t.Helper()
	s, cfg := newSensors(fake.open), newDefaultConfig().(*Config)
	s.checks = open
	if change != nil {
		change(cfg)
	}
	m, err := newMetrics(securityReceiver{cfg: cfg, set: receivertest.NewNopSettings(metadata.Type), sensors: s})
	require.NoError(t, err)
	require.NoError(t, m.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, m.Shutdown(context.Background())) })
	return m
}

// TestMetricsOfHostsAreWhatTheChecksFound looks at the trees of the checks' own tests.
func TestMetricsOfHostsAreWhatTheChecksFound(t *testing.T) {
	seen := make(map[string]bool)
	for _, host := range []string{"debian12", "ubuntu", "rhel9", "alpine"} {
		root, err := filepath.Abs(filepath.Join("..", "internal", "check", "testdata", "hosts", host))
		require.NoError(t, err)
		m := checkedMetrics(t, &fakeKernel{hooks: servedBut()}, hostChecker, func(c *Config) { c.RootPath = Path(root) })
		require.Eventually(t, func() bool {
			_, complete := m.kernel.checks.outcomes()
			return complete
		}, time.Minute, 10*time.Millisecond)
		got, err := m.scrape(t.Context())
		require.NoError(t, err)
		all, _ := m.kernel.checks.outcomes()
		want := map[string]float64{"linux.security.check.pass_ratio{}": check.PassRatio(all)}
		for _, o := range all {
			want["linux.security.check.overflow{check="+o.Check+"}"] = float64(o.Overflow)
			for s := check.OK; s <= check.Timeout; s++ {
				want["linux.security.check.status{check="+o.Check+", status="+s.String()+"}"] = float64(boolean(s == o.Status))
			}
			for _, r := range o.Results {
				want["linux.security.check.result{check="+r.Rule+", severity="+string(r.Severity)+"}"] = float64(boolean(r.Pass))
			}
			for _, p := range o.Points {
				want[p.Metric+shown(p.Labels)] = p.Value
				seen[p.Metric] = true
			}
		}
		assert.Greater(t, len(want), 200, host)
		assert.Equal(t, want, values(got, "linux.security."), host)
	}
	t.Logf("%d of %d metrics have a point on one of the hosts", len(seen), len(checkMetrics))
}

func shown(labels []check.Label) string {
	var list []string
	for _, l := range labels {
		list = append(list, l.Name+"="+l.Value)
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// values are those of all series whose names begin so.
func values(metrics pmetric.Metrics, prefix string) map[string]float64 {
	list := make(map[string]float64)
	all(metrics, func(m pmetric.Metric, p pmetric.NumberDataPoint) {
		if !strings.HasPrefix(m.Name(), prefix) {
			return
		}
		v := p.DoubleValue()
		if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
			v = float64(p.IntValue())
		}
		list[m.Name()+labels(p)] = v
	})
	return list
}

func TestEveryMetricOfTheChecksHasAPlace(t *testing.T) {
	declared := make(map[string]bool)
	for _, c := range check.All() {
		for _, m := range c.Metrics {
			declared[m] = true
			assert.Contains(t, checkMetrics, m)
		}
	}
	assert.Len(t, checkMetrics, len(declared), "metrics that no check has")
}

func TestTheScoreWaitsForAllChecks(t *testing.T) {
	checks := &fakeChecks{outcomes: []check.Outcome{{
		Check: "sshd", Results: []check.Result{{Rule: "sshd.x", Severity: check.High, Pass: true}, {Rule: "sshd.y", Severity: check.High}},
	}}}
	m := checkedMetrics(t, &fakeKernel{hooks: servedBut()}, checks.open, nil)
	score := func() map[string]float64 {
		got, err := m.scrape(t.Context())
		require.NoError(t, err)
		return values(got, check.MetricPassRatio)
	}
	assert.Empty(t, score())
	checks.complete = true
	assert.Equal(t, map[string]float64{check.MetricPassRatio + "{}": 0.5}, score())
}

// BenchmarkScrapeChecks is a scrape of what the checks found on this machine.
func BenchmarkScrapeChecks(b *testing.B) {
	s, cfg := newSensors((&fakeKernel{hooks: servedBut()}).open), newDefaultConfig().(*Config)
	s.checks = hostChecker
	m, err := newMetrics(securityReceiver{cfg: cfg, set: receivertest.NewNopSettings(metadata.Type), sensors: s})
	require.NoError(b, err)
	require.NoError(b, m.Start(b.Context(), componenttest.NewNopHost()))
	for complete := false; !complete; _, complete = m.kernel.checks.outcomes() {
		time.Sleep(10 * time.Millisecond)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := m.scrape(b.Context())
		require.NoError(b, err)
	}
	require.NoError(b, m.Shutdown(context.Background()))
}
