package receiver

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadatatest"
)

func TestNothingIsReportedWithoutALogsPipeline(t *testing.T) {
	fake := &fakeKernel{hooks: servedBut(), feeds: true}
	r := fake.metrics(t, newDefaultConfig(), new(consumertest.MetricsSink))
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	assert.Zero(t, fake.options[0].Report)
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestWhoeverStartsFirstOpensForBoth(t *testing.T) {
	fake := &fakeKernel{hooks: servedBut()}
	factory, cfg, set := newFactory(fake.open, nil), newDefaultConfig(), receivertest.NewNopSettings(metadata.Type)
	m, err := factory.CreateMetrics(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	l, err := factory.CreateLogs(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, m.Start(t.Context(), componenttest.NewNopHost()))
	assert.True(t, fake.options[0].Report.Classes[event.Exec])
	require.NoError(t, l.Shutdown(t.Context()))
	require.NoError(t, m.Shutdown(t.Context()))
}

func TestAKernelWithoutARingBufferIsSaidOnce(t *testing.T) {
	core, logged := observer.New(zapcore.WarnLevel)
	fake := &fakeKernel{hooks: servedBut()}
	set := receivertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	l, err := newFactory(fake.open, nil).CreateLogs(t.Context(), set, newDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()), "a second Start")
	require.NoError(t, l.Shutdown(t.Context()))
	require.Len(t, logged.FilterMessageSnippet("not reported").All(), 1)
	assert.Equal(t, "only counts", logged.All()[0].ContextMap()["reason"])
	assert.Equal(t, 1, fake.opened[0].closed)
}

func TestAReadThatEndsIsAStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, host := &fakeKernel{hooks: servedBut(), feeds: true}, newFakeHost()
		l, err := newFactory(fake.open, nil).CreateLogs(t.Context(), receivertest.NewNopSettings(metadata.Type), newDefaultConfig(), consumertest.NewNop())
		require.NoError(t, err)
		require.NoError(t, l.Start(t.Context(), host))
		fake.opened[0].readErr = errors.New("epoll")
		require.NoError(t, l.Shutdown(t.Context()))
		assert.Equal(t, []componentstatus.Status{componentstatus.StatusOK, componentstatus.StatusRecoverableError}, host.statuses())
	})
}

// scrapeShared is what the metrics signal shows beside the logs signal of b.
func (b *bench) scrapeShared() *metrics {
	m, err := newMetrics(securityReceiver{cfg: b.cfg, set: metadatatest.NewSettings(b.own), sensors: b.factory})
	require.NoError(b, err)
	require.NoError(b, m.Start(b.Context(), componenttest.NewNopHost()))
	return m
}

func TestTheLedgerOfBothSignalsIsOne(t *testing.T) {
	inBubble(t, &fakePipeline{}, nil, func(b *bench) {
		m := b.scrapeShared()
		b.happen(execs(3)...)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		got, err := m.scrape(b.Context())
		require.NoError(b, err)
		assert.Equal(b, int64(3), value(b.T, got, "security.ebpf.events", "exec", "observed"))
		assert.Equal(b, int64(3), value(b.T, got, "security.ebpf.events", "exec", "reported"))
		assert.Equal(b, int64(0), value(b.T, got, "security.ebpf.events", "exec", "filtered"))
		metrics, err := b.own.GetMetric("otelcol_ebpfsecurity_table_entries")
		require.NoError(b, err)
		assert.NotEmpty(b, metrics.Data)
		assert.Zero(b, b.ownCounter("otelcol_ebpfsecurity_undecoded"))
		require.NoError(b, m.Shutdown(b.Context()))
		b.shutdown()
	})
}

func TestTopShowsWhoDoesMost(t *testing.T) {
	enable := func(c *Config) {
		c.Builder.Metrics.SecurityEbpfTop.Enabled, c.Builder.Metrics.SecurityEbpfTopError.Enabled = true, true
		c.Top = Top{Capacity: 10, Series: 2}
	}
	inBubble(t, &fakePipeline{}, enable, func(b *bench) {
		m := b.scrapeShared()
		b.happen(execs(3)...)
		heavy := anEvent(event.Exec, ran1("/bin/heavy", "x"))
		heavy.Weight = 100
		b.happen(heavy, anEvent(event.Exec, ran1("/bin/once", "x")))
		for _, name := range []string{"connect", "connect_refused", "udp_send", "file_open", "file_open_denied", "exec_failed", "mount"} {
			b.happen(samples()[name])
		}
		got, err := m.scrape(b.Context())
		require.NoError(b, err)
		assert.Equal(b, map[string]bool{
			"security.ebpf.top{kind=exec, key=/bin/heavy}":          true,
			"security.ebpf.top{kind=exec, key=/usr/bin/cat}":        true,
			"security.ebpf.top{kind=connect, key=192.0.2.1}":        true,
			"security.ebpf.top{kind=connect, key=192.0.2.53}":       true,
			"security.ebpf.top{kind=file, key=/etc/passwd}":         true,
			"security.ebpf.top.error{kind=exec, key=/bin/heavy}":    true,
			"security.ebpf.top.error{kind=exec, key=/usr/bin/cat}":  true,
			"security.ebpf.top.error{kind=connect, key=192.0.2.1}":  true,
			"security.ebpf.top.error{kind=connect, key=192.0.2.53}": true,
			"security.ebpf.top.error{kind=file, key=/etc/passwd}":   true,
		}, named(series(got), "security.ebpf.top"))
		assert.Equal(b, int64(100), value(b.T, got, "security.ebpf.top", "/bin/heavy"))
		assert.Equal(b, int64(8), value(b.T, got, "security.ebpf.top", "/etc/passwd"))
		assert.Equal(b, int64(0), value(b.T, got, "security.ebpf.top.error", "/bin/heavy"))
		require.NoError(b, m.Shutdown(b.Context()))
		b.shutdown()
	})
}

// named leaves the series whose names begin so.
func named(all map[string]bool, prefix string) map[string]bool {
	left := make(map[string]bool)
	for name := range all {
		if len(name) >= len(prefix) && name[:len(prefix)] == prefix {
			left[name] = true
		}
	}
	return left
}

func TestAFloodIsSampled(t *testing.T) {
	inBubble(t, &fakePipeline{}, nil, func(b *bench) {
		m := b.scrapeShared()
		for range 50 {
			time.Sleep(time.Second)
			b.count(event.FileOpen, event.Observed, 100_000)
			b.count(event.FileOpen, event.LostRing, 100_000)
			b.count(event.Privilege, event.Observed, 100_000)
			b.count(event.Privilege, event.Filtered, 100_000)
		}
		synctest.Wait()
		got, err := m.scrape(b.Context())
		require.NoError(b, err)
		b.sensor.mu.Lock()
		rates := b.sensor.rates
		b.sensor.mu.Unlock()
		assert.Equal(b, uint32(16), rates[event.FileOpen], "doubled every 10 seconds")
		assert.Zero(b, rates[event.Privilege])
		assert.Equal(b, int64(16), value(b.T, got, "security.ebpf.sample_rate"))
		require.NoError(b, m.Shutdown(b.Context()))
		b.shutdown()
	})
}

// TestAReloadStartsAnew: a factory outlives its receivers.
func TestAReloadStartsAnew(t *testing.T) {
	fake := &fakeKernel{hooks: servedBut(), feeds: true}
	factory := newFactory(fake.open, nil)
	for range 3 {
		l, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(metadata.Type), newDefaultConfig(), consumertest.NewNop())
		require.NoError(t, err)
		require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
		last := fake.opened[len(fake.opened)-1]
		last.feed <- func(h sensor.Handler) { h.Event(samples()["exec"]) }
		require.NoError(t, l.Shutdown(t.Context()))
		require.NoError(t, l.Shutdown(t.Context()))
		assert.Equal(t, 1, last.closed)
	}
	assert.Len(t, fake.opened, 3)
}
