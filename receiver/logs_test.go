package receiver

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

func execs(n int) []*event.Event {
	var list []*event.Event
	for i := range n {
		e := samples()["exec"]
		e.Seq = uint64(i)
		list = append(list, e)
	}
	return list
}

func TestEventsBecomeRecords(t *testing.T) {
	p := &fakePipeline{}
	inBubble(t, p, nil, func(b *bench) {
		for _, e := range samples() {
			b.happen(e)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.NotEmpty(b, p.took, "a batch is delivered when it is old enough")
		var n int
		for c := range event.Classes {
			l := b.ledger()
			assert.Equal(b, l[c][event.Observed], l[c][event.Reported], c)
			n += int(l[c][event.Observed])
		}
		b.shutdown()
		b.assertOwn(int64(n), 0)
	})
}

func TestTheLastBatchIsDelivered(t *testing.T) {
	p := &fakePipeline{}
	inBubble(t, p, nil, func(b *bench) {
		for _, e := range execs(2500) {
			b.count(event.Exec, event.Observed, 1)
			b.sensor.feed <- func(h sensor.Handler) { h.Event(e) }
			if len(b.sensor.feed) > 900 {
				synctest.Wait()
			}
		}
		b.shutdown()
		assert.Equal(b, 2500, p.names()["ebpfsecurity.process.exec"])
	})
}

func TestWhatIsRefusedForGoodIsCountedOnce(t *testing.T) {
	p := &fakePipeline{consume: func(context.Context, plog.Logs) error {
		return consumererror.NewPermanent(errors.New("no"))
	}}
	inBubble(t, p, nil, func(b *bench) {
		done := b.keepOpen()
		b.happen(execs(10)...)
		b.shutdownShared()
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Rejected: 10})
		b.assertOwn(0, 10)
		assert.Equal(b, 1, p.calls)
		done()
	})
}

// shutdownShared is shutdown while another signal uses the sensor.
func (b *bench) shutdownShared() {
	b.Helper()
	require.NoError(b, b.logs.Shutdown(context.Background()))
}

func TestAPipelineThatRefusesFor30SecondsLosesNothing(t *testing.T) {
	for _, mutates := range []bool{false, true} {
		var p *fakePipeline
		var start time.Time
		p = &fakePipeline{mutates: mutates, consume: func(_ context.Context, logs plog.Logs) error {
			assert.Equal(t, 1, logs.ResourceLogs().Len())
			if time.Since(start) < 30*time.Second {
				if mutates {
					logs.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
				}
				return errors.New("memory_limiter")
			}
			return nil
		}}
		inBubble(t, p, nil, func(b *bench) {
			start = time.Now()
			done := b.keepOpen()
			for range 60 {
				b.happen(execs(3)...)
				time.Sleep(time.Second)
			}
			time.Sleep(20 * time.Second)
			b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Reported: 180})
			assert.Equal(b, map[string]int{"ebpfsecurity.process.exec": 180}, p.names())
			b.shutdownShared()
			b.assertOwn(180, 0)
			done()
		})
	}
}

func TestAPipelineThatBlocksFor30SecondsLosesNothing(t *testing.T) {
	p := &fakePipeline{}
	p.consume = func(context.Context, plog.Logs) error {
		if p.calls == 1 {
			time.Sleep(30 * time.Second)
		}
		return nil
	}
	inBubble(t, p, nil, func(b *bench) {
		done := b.keepOpen()
		for range 40 {
			b.happen(execs(3)...)
			time.Sleep(time.Second)
		}
		b.shutdownShared()
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Reported: 120})
		b.assertOwn(120, 0)
		done()
	})
}

func TestAPipelineThatNeverAnswersIsGivenUp(t *testing.T) {
	p := &fakePipeline{consume: func(context.Context, plog.Logs) error { return errors.New("down") }}
	inBubble(t, p, nil, func(b *bench) {
		done := b.keepOpen()
		b.happen(execs(3)...)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Rejected: 3})
		p.mu.Lock()
		p.consume = nil
		p.mu.Unlock()
		b.shutdownShared()
		assert.NotZero(b, p.names()["ebpfsecurity.gap"], "what was refused is told")
		done()
	})
}

func TestOnlyWhatIsLeftIsSentAgain(t *testing.T) {
	p := &fakePipeline{}
	p.consume = func(_ context.Context, logs plog.Logs) error {
		if p.calls > 1 {
			return nil
		}
		took, left := plog.NewLogs(), plog.NewLogs()
		logs.CopyTo(took)
		logs.CopyTo(left)
		n := 0
		left.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(plog.LogRecord) bool { n++; return n <= 7 })
		n = 0
		took.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(plog.LogRecord) bool { n++; return n > 7 })
		p.keep(took)
		return consumererror.NewLogs(errors.New("some"), left)
	}
	inBubble(t, p, nil, func(b *bench) {
		done := b.keepOpen()
		b.happen(execs(10)...)
		b.shutdownShared()
		assert.Equal(b, map[string]int{"ebpfsecurity.process.exec": 10}, p.names())
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Reported: 10})
		b.assertOwn(10, 0)
		done()
	})
}

func TestAPipelineThatPanicsTakesOnlyTheBatchDown(t *testing.T) {
	p := &fakePipeline{}
	p.consume = func(context.Context, plog.Logs) error {
		if p.calls == 1 {
			panic("upstream")
		}
		return nil
	}
	inBubble(t, p, nil, func(b *bench) {
		done := b.keepOpen()
		b.happen(execs(4)...)
		time.Sleep(5 * time.Second)
		b.happen(execs(5)...)
		b.shutdownShared()
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Rejected: 4, event.Reported: 5})
		b.assertOwn(5+1, 4) // and the record of the gap
		assert.Equal(b, map[string]int{"ebpfsecurity.process.exec": 5, "ebpfsecurity.gap": 1}, p.names())
		done()
	})
}

func TestAFullQueueLosesBatchesAndTellsSo(t *testing.T) {
	p := &fakePipeline{consume: func(context.Context, plog.Logs) error {
		time.Sleep(time.Second)
		return nil
	}}
	inBubble(t, p, func(c *Config) { c.Events.Queue.Batches, c.Events.Batch.MaxRecords = 2, 1 }, func(b *bench) {
		done := b.keepOpen()
		b.happen(execs(1)...) // which is in delivery, not in the queue
		b.happen(execs(9)...)
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.LostBatch: 7})
		time.Sleep(10 * time.Second)
		b.shutdownShared()
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Reported: 3, event.LostBatch: 7})
		assert.Equal(b, map[string]int{"ebpfsecurity.process.exec": 3, "ebpfsecurity.gap": 1}, p.names())
		assert.Equal(b, int64(3+1), b.ownCounter("otelcol_receiver_accepted_log_records"))
		// The gap may have been told in vain.
		assert.Contains(b, []int64{7, 8}, b.ownCounter("otelcol_receiver_refused_log_records"))
		done()
	})
}

func TestAQueueIsFullByBytesToo(t *testing.T) {
	p := &fakePipeline{consume: func(context.Context, plog.Logs) error {
		time.Sleep(10 * time.Second)
		return nil
	}}
	change := func(c *Config) { c.Events.Batch.MaxRecords, c.Events.Queue.MaxBytes = 1, 4*mebibyte }
	inBubble(t, p, change, func(b *bench) {
		done := b.keepOpen()
		for range 40 {
			e := execs(1)[0]
			e.Exec.Args = bytes.Repeat([]byte("a\x00"), 16384)
			b.happen(e)
		}
		l := b.ledger()
		lost := l[event.Exec][event.LostBatch]
		assert.Greater(b, lost, uint64(10))
		assert.Less(b, lost, uint64(35))
		time.Sleep(time.Hour) // for the pipeline
		b.shutdownShared()
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Reported: 40 - lost, event.LostBatch: lost})
		done()
	})
}

// TestAFloodOfOpensPushesNothingElseOut: not a module, not a program.
func TestAFloodOfOpensPushesNothingElseOut(t *testing.T) {
	p := &fakePipeline{consume: func(context.Context, plog.Logs) error {
		time.Sleep(10 * time.Second)
		return nil
	}}
	change := func(c *Config) { c.Events.Batch.MaxRecords, c.Events.Queue.Batches = 5, 4 }
	inBubble(t, p, change, func(b *bench) {
		done := b.keepOpen()
		for range 200 {
			b.happen(samples()["file_open"])
		}
		b.happen(samples()["module_load"], samples()["exec"], samples()["exec_suspicious"])
		for range 200 {
			b.happen(samples()["file_open"])
		}
		time.Sleep(time.Hour) // for the pipeline
		b.shutdownShared()
		assert.NotZero(b, b.ledger()[event.FileOpen][event.LostBatch])
		b.assertOutcomes(event.Module, map[event.Outcome]uint64{event.Reported: 1})
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.Reported: 2})
		b.assertBalance()
		done()
	})
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	p := &fakePipeline{consume: func(ctx context.Context, _ plog.Logs) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	inBubble(t, p, func(c *Config) { c.Events.Batch.MaxRecords = 2 }, func(b *bench) {
		done := b.keepOpen()
		b.happen(execs(9)...)
		ctx, cancel := context.WithTimeout(context.Background(), grace/2)
		defer cancel()
		start := time.Now()
		require.ErrorIs(b, b.logs.Shutdown(ctx), context.DeadlineExceeded)
		assert.Equal(b, grace/2, time.Since(start))
		synctest.Wait()
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.LostBatch: 9})
		b.assertOwn(0, 9)
		done()
	})
}

// TestShutdownDoesNotWaitForThePipeline: not for ever. It is no error, or the
// collector would end where it was to reload its configuration.
func TestShutdownDoesNotWaitForThePipeline(t *testing.T) {
	for name, consume := range map[string]func(context.Context, plog.Logs) error{
		"that is busy": func(context.Context, plog.Logs) error { return errors.New("busy") },
		"that blocks": func(ctx context.Context, _ plog.Logs) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			change := func(c *Config) { c.Events.Batch.MaxRecords, c.Events.Retry.MaxElapsedTime = 2, 0 }
			inBubble(t, &fakePipeline{consume: consume}, change, func(b *bench) {
				done := b.keepOpen()
				b.happen(execs(9)...)
				start := time.Now()
				b.shutdownShared()
				assert.Equal(b, grace, time.Since(start))
				synctest.Wait()
				b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.LostBatch: 9})
				b.assertOwn(0, 9)
				done()
			})
		})
	}
}

// TestAPipelineThatIgnoresTheEnd: what it takes after Shutdown was lost already.
func TestAPipelineThatIgnoresTheEnd(t *testing.T) {
	p := &fakePipeline{consume: func(context.Context, plog.Logs) error {
		time.Sleep(time.Hour)
		return nil
	}}
	inBubble(t, p, nil, func(b *bench) {
		done := b.keepOpen()
		b.happen(execs(9)...)
		ctx, cancel := context.WithTimeout(context.Background(), grace/2)
		defer cancel()
		require.Error(b, b.logs.Shutdown(ctx))
		time.Sleep(2 * time.Hour)
		b.assertOutcomes(event.Exec, map[event.Outcome]uint64{event.LostBatch: 9})
		b.assertOwn(0, 9)
		done()
	})
}
