package receiver

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// fakePipeline does with each batch what a test says, and keeps what it took.
type fakePipeline struct {
	consume func(context.Context, plog.Logs) error // nil takes everything
	mutates bool

	mu    sync.Mutex
	calls int
	took  []plog.Logs
}

func (p *fakePipeline) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: p.mutates}
}

func (p *fakePipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	p.mu.Lock()
	p.calls++
	p.mu.Unlock()
	if p.consume != nil {
		if err := p.consume(ctx, logs); err != nil {
			return err
		}
	}
	p.keep(logs)
	return nil
}

func (p *fakePipeline) keep(logs plog.Logs) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := plog.NewLogs()
	logs.CopyTo(kept)
	p.took = append(p.took, kept)
}

// names are those of the records that it took, by how many.
func (p *fakePipeline) names() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := make(map[string]int)
	for _, logs := range p.took {
		for _, rl := range logs.ResourceLogs().All() {
			for _, r := range rl.ScopeLogs().At(0).LogRecords().All() {
				n[r.EventName()]++
			}
		}
	}
	return n
}

// A bench is a started logs receiver between a fake sensor and a fake pipeline.
type bench struct {
	*testing.T
	cfg      *Config
	sensor   *fakeSensor
	pipeline *fakePipeline
	logs     receiver.Logs
	factory  *sensors
	own      *componenttest.Telemetry
}

// inBubble runs a test with a started receiver, and the clock of synctest.
func inBubble(t *testing.T, p *fakePipeline, change func(*Config), test func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeKernel{hooks: servedBut(), feeds: true}
		b := &bench{T: t, cfg: newDefaultConfig().(*Config), pipeline: p, factory: newSensors(fake.open), own: componenttest.NewTelemetry()}
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
		test(b)
		require.NoError(t, b.own.Shutdown(context.Background()))
	})
}

// happen has the kernel observe events, and report them.
func (b *bench) happen(events ...*event.Event) {
	for _, e := range events {
		b.count(e.Class, event.Observed, 1)
		b.sensor.feed <- func(h sensor.Handler) { h.Event(e) }
	}
	synctest.Wait()
}

func (b *bench) count(c event.Class, o event.Outcome, n uint64) {
	b.sensor.mu.Lock()
	defer b.sensor.mu.Unlock()
	b.sensor.counts.Ledger[c][o] += n
}

func (b *bench) shutdown() {
	b.Helper()
	require.NoError(b, b.logs.Shutdown(context.Background()))
	assert.Equal(b, 1, b.sensor.closed)
}

// ledger is the complete one.
func (b *bench) ledger() event.Ledger {
	l, err := b.sensor.Ledger()
	require.NoError(b, err)
	if shared := b.shared(); shared != nil {
		shared.tally.addTo(&l)
	}
	return l
}

func (b *bench) shared() *sharedSensor {
	b.factory.mu.Lock()
	defer b.factory.mu.Unlock()
	return b.factory.live[b.cfg]
}

// keepOpen uses the sensor as the metrics signal does, so that the ledger can be read after Shutdown.
func (b *bench) keepOpen() func() {
	b.factory.acquire(b.cfg, nil)
	return func() { require.NoError(b, b.factory.release(b.cfg)) }
}

func (b *bench) assertOutcomes(c event.Class, want map[event.Outcome]uint64) {
	b.Helper()
	l := b.ledger()
	for o := range event.Outcomes {
		if o != event.Observed {
			assert.Equal(b, want[o], l[c][o], "%s %s", c, o)
		}
	}
}

// assertOwn says what the collector's own counters of this receiver must be.
func (b *bench) assertOwn(accepted, refused int64) {
	b.Helper()
	assert.Equal(b, accepted, b.ownCounter("otelcol_receiver_accepted_log_records"), "accepted")
	assert.Equal(b, refused, b.ownCounter("otelcol_receiver_refused_log_records"), "refused")
}

func (b *bench) ownCounter(name string) int64 {
	m, err := b.own.GetMetric(name)
	require.NoError(b, err)
	var n int64
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		n += p.Value
	}
	return n
}
