package receiver

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// whims are what a pipeline may do to a batch.
func whims(random *rand.Rand) func(context.Context, plog.Logs) error {
	return func(ctx context.Context, logs plog.Logs) error {
		switch random.IntN(8) {
		case 0:
			return errors.New("try again")
		case 1:
			return consumererror.NewPermanent(errors.New("never"))
		case 2:
			panic("upstream")
		case 3:
			select {
			case <-time.After(time.Duration(random.IntN(40_000)) * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		case 4:
			left := plog.NewLogs()
			logs.CopyTo(left)
			for _, rl := range left.ResourceLogs().All() {
				rl.ScopeLogs().At(0).LogRecords().RemoveIf(func(plog.LogRecord) bool { return random.IntN(2) == 0 })
			}
			return consumererror.NewLogs(errors.New("some"), left)
		}
		return nil
	}
}

// TestTheLedgerBalancesWhateverThePipelineDoes counts each record once, at
// whatever moment the end comes.
func TestTheLedgerBalancesWhateverThePipelineDoes(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		p := &fakePipeline{mutates: seed%2 == 0, consume: whims(rand.New(rand.NewPCG(seed, 2)))}
		change := func(c *Config) {
			c.Events.Queue.Batches = Positive(1 + random.IntN(4))
			c.Events.Batch.MaxRecords = Positive(1 + random.IntN(20))
			c.Events.Retry.Enabled = random.IntN(4) != 0
			c.Events.Exclude.Containers = []Container{"abcdefabcdef"}
		}
		inBubble(t, p, change, func(b *bench) {
			done := b.keepOpen()
			all := samples()
			for range 300 {
				e := all[[]string{"exec", "connect", "file_open", "mount", "privilege_gained"}[random.IntN(5)]]
				switch random.IntN(10) {
				case 0:
					b.count(e.Class, event.Observed, 1)
					b.count(e.Class, event.LostRing, 1)
				case 1:
					b.count(e.Class, event.Observed, 7)
					b.count(e.Class, event.Sampled, 7)
				default:
					b.happen(e)
				}
				time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(90))*time.Second)
			defer cancel()
			_ = b.logs.Shutdown(ctx)
			synctest.Wait()
			b.assertBalance()
			done()
		})
	}
}

func (b *bench) assertBalance() {
	b.Helper()
	for c, n := range b.ledger() {
		var sum uint64
		for o := event.Observed + 1; o < event.Outcomes; o++ {
			sum += n[o]
		}
		assert.Equal(b, n[event.Observed], sum, event.Class(c))
	}
}

func TestTheKernelsFiltersAreThoseOfTheConfig(t *testing.T) {
	cfg := loadConfig(t, "ebpfsecurity/events")
	report := cfg.Events.report(names{"www-data": 33})
	assert.Equal(t, [event.KernelClasses]bool{event.Exit: true, event.Module: true}, onlyTrue(report.Classes, event.Exit, event.Module))
	assert.True(t, report.FailedOpens)
	assert.True(t, report.MissingExecs)
	assert.Equal(t, []string{"/usr/bin/", "/opt/agent"}, report.Exclude.Executables)
	assert.Equal(t, []string{"/var/log/"}, report.Exclude.Paths)
	assert.Equal(t, []uint32{0, 33}, report.Exclude.Users)
	assert.Equal(t, "[10.0.0.0/8 2001:db8::1/128 192.0.2.1/32]", text(report.Exclude.Peers))
	assert.Equal(t, []uint32{1000, noUser}, report.Only.Users, "an unknown name is nobody's: it must not open the filter")
	assert.Equal(t, [3]uint32{65536, 1 << 20, 4096}, report.Rings)
}
