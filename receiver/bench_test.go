package receiver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sample"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// BenchmarkRecord is from an event to its record in a batch.
func BenchmarkRecord(b *testing.B) {
	p := sampleProcess()
	for name, e := range samples() {
		b.Run(name, func(b *testing.B) {
			g, full := collected(Batch{MaxRecords: 1000, MaxBytes: maxBatch, MaxAge: Interval(time.Hour)})
			w := writer{maxArgs: maxArgs}
			b.ReportAllocs()
			for b.Loop() {
				now := time.Now()
				g.end(now, e.Class, w.write(g.begin(now, resource{}), e, p, now))
				*full = (*full)[:0]
			}
		})
	}
}

// BenchmarkEvent is all that happens to an event, from the sensor to a pipeline
// that does nothing, with 1000 processes.
func BenchmarkEvent(b *testing.B) {
	for _, name := range []string{"exec", "file_open", "connect"} {
		b.Run(name, func(b *testing.B) {
			r, s := benchReader(b)
			e := samples()[name]
			b.ReportAllocs()
			n := uint64(0)
			for b.Loop() {
				e.Seq = n
				e.Actor.PID, e.Actor.TID, e.Actor.Start = 1000+uint32(n%1000), 1000+uint32(n%1000), 1+n%1000
				e.Actor.Image = 1 + n%1000
				n++
				r.Event(e)
			}
			r.end(time.Now())
			require.NoError(b, s.stop(b.Context()))
			require.Equal(b, n, r.tally.of(e.Class, event.Reported)+r.tally.of(e.Class, event.LostBatch))
			b.ReportMetric(float64(r.tally.of(e.Class, event.LostBatch)), "lost")
		})
	}
}

func benchReader(b *testing.B) (*reader, *sender) { return readerTo(b, consumertest.NewNop()) }

// readerTo hands records to a pipeline, and knows 1000 processes.
func readerTo(b testing.TB, next consumer.Logs) (*reader, *sender) {
	cfg, set := newDefaultConfig().(*Config), receivertest.NewNopSettings(metadata.Type)
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, ReceiverCreateSettings: set})
	require.NoError(b, err)
	t := &tally{}
	s := &sender{
		next: next, obs: obs, retry: cfg.Events.Retry, logger: zap.NewNop(), tally: t,
		gaps: newGaps(time.Now()),
	}
	s.makeQueues(cfg.Events.Queue)
	s.start()
	table := process.New(process.Options{Ancestors: 3})
	b.Cleanup(func() { require.NoError(b, table.Close()) })
	exec := samples()["exec"]
	for i := range uint64(1000) {
		exec.Actor.PID, exec.Actor.TID, exec.Actor.Start, exec.Actor.Image = 1000+uint32(i), 1000+uint32(i), 1+i, 1+i
		table.Exec(exec)
	}
	g, _ := collected(cfg.Events.Batch)
	return &reader{
		now: time.Now(), logger: zap.NewNop(), table: table, tally: t, sequences: newSequences(), gaps: s.gaps,
		sampler: sample.New(sample.Options{}, nil), ledger: func() (event.Ledger, error) { return event.Ledger{}, nil },
		writer: writer{maxArgs: maxArgs}, gatherers: newGatherers(cfg.Events.Batch, s.offer, g.maker),
	}, s
}
