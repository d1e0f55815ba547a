package receiver

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func TestWhatTheKernelLostIsTold(t *testing.T) {
	p := &fakePipeline{}
	inBubble(t, p, nil, func(b *bench) {
		time.Sleep(3 * time.Second)
		first := time.Now().Add(-500 * time.Millisecond)
		list := execs(10)
		for i, e := range list {
			e.Time = first.Add(time.Duration(i) * 10 * time.Millisecond).UnixNano()
		}
		b.happen(list[:3]...)
		b.count(event.Exec, event.Observed, 2)
		b.count(event.Exec, event.LostRing, 2) // numbers 3 and 4
		b.happen(list[5:]...)
		time.Sleep(5 * time.Second)
		b.shutdown()
		r := p.find(t, "ebpfsecurity.gap")
		assert.Equal(b, map[string]any{
			"ebpfsecurity.gap.class":  "exec",
			"ebpfsecurity.gap.reason": "lost_ring",
			"ebpfsecurity.gap.count":  int64(2),
			"ebpfsecurity.gap.start":  first.Add(20 * time.Millisecond).UTC().Format(time.RFC3339Nano),
			"ebpfsecurity.gap.end":    first.Add(50 * time.Millisecond).UTC().Format(time.RFC3339Nano),
		}, r.Attributes().AsRaw())
		assert.Equal(b, plog.SeverityNumberError, r.SeverityNumber())
		assert.Equal(b, 1, p.names()["ebpfsecurity.gap"], "told once")
	})
}

// find is the only record of the name.
func (p *fakePipeline) find(t *testing.T, name string) plog.LogRecord {
	var found []plog.LogRecord
	for _, logs := range p.took {
		for _, rl := range logs.ResourceLogs().All() {
			for _, r := range rl.ScopeLogs().At(0).LogRecords().All() {
				if r.EventName() == name {
					found = append(found, r)
				}
			}
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

func TestAGapThatIsLostItselfIsToldAgain(t *testing.T) {
	p := &fakePipeline{}
	refuse := true
	p.consume = func(context.Context, plog.Logs) error {
		if refuse {
			return consumererror.NewPermanent(errors.New("no"))
		}
		return nil
	}
	inBubble(t, p, nil, func(b *bench) {
		start := time.Now()
		b.count(event.Mount, event.Observed, 5)
		b.count(event.Mount, event.LostRing, 5)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		refuse = false
		b.count(event.Mount, event.Observed, 1)
		b.count(event.Mount, event.LostRing, 1)
		time.Sleep(5 * time.Second)
		b.shutdown()
		told := p.find(t, "ebpfsecurity.gap").Attributes().AsRaw()
		assert.Equal(b, int64(6), told["ebpfsecurity.gap.count"])
		assert.Equal(b, start.UTC().Format(time.RFC3339Nano), told["ebpfsecurity.gap.start"])
	})
}

func TestSequencesFindWhatIsMissing(t *testing.T) {
	see := func(numbers ...uint64) *sequences {
		s := newSequences()
		for _, n := range numbers {
			s.see(&event.Event{Class: event.Exec, CPU: 1, Seq: n})
		}
		return s
	}
	for _, test := range []struct {
		name    string
		numbers []uint64
		want    uint64
	}{
		{"none", nil, 0},
		{"all in order", []uint64{0, 1, 2, 3}, 0},
		{"one is missing", []uint64{0, 1, 3}, 1},
		{"the first are missing", []uint64{3, 4}, 3},
		{"neighbours change places", []uint64{1, 0, 4, 2, 3, 5}, 0},
		{"one comes twice", []uint64{0, 1, 1, 2, 0}, 0},
		{"one comes twice and one is missing", []uint64{0, 1, 1, 3, 3}, 1},
		{"many are missing", []uint64{0, 1000}, 999},
	} {
		assert.Equal(t, test.want, see(test.numbers...).missing(event.Exec), test.name)
		assert.Zero(t, see(test.numbers...).missing(event.Exit), test.name)
	}
}

// TestSequencesAgreeWithWhatWasLeftOut: any order of neighbours, any loss.
func TestSequencesAgreeWithWhatWasLeftOut(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		s := newSequences()
		var lost uint64
		var late []uint64
		const n = 500
		for seq := range uint64(n) {
			switch {
			case seq < n-3 && random.IntN(10) == 0:
				lost++
			case seq < n-3 && random.IntN(10) == 0:
				late = append(late, seq)
				continue
			default:
				s.see(&event.Event{Class: event.Mount, Seq: seq, Weight: 1})
			}
			if random.IntN(2) == 0 || seq > n-3 {
				for _, seq := range late {
					s.see(&event.Event{Class: event.Mount, Seq: seq})
				}
				late = nil
			}
		}
		assert.Equal(t, lost, s.missing(event.Mount), seed)
	}
}
