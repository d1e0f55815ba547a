package receiver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v6"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// format names what records are made from, in the collector's own telemetry.
const format = "ebpf"

var (
	errQueueFull = errors.New("the queue to the pipeline is full")
	errShutdown  = errors.New("there was no time left at shutdown")
)

// A sender delivers batches from a bounded queue, one at a time and in order.
type sender struct {
	next   consumer.Logs
	obs    *receiverhelper.ObsReport
	retry  configretry.BackOffConfig
	logger *zap.Logger
	tally  *tally
	gaps   *gaps

	queue    chan *batch
	maxBytes int64
	queued   atomic.Int64  // bytes
	done     chan struct{} // closed when the last batch has its fate
	abort    context.CancelFunc

	mu       sync.Mutex
	inFlight *batch
	panicked sync.Once
}

// start begins to deliver.
func (s *sender) start() {
	var ctx context.Context
	ctx, s.abort = context.WithCancel(context.Background())
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		for b := range s.queue {
			s.queued.Add(-int64(b.bytes))
			s.deliver(ctx, b)
		}
	}()
}

// offer queues a batch, or loses it if there is no room. It never blocks.
func (s *sender) offer(b *batch) {
	bytes := int64(b.bytes) // after it is queued b belongs to another goroutine
	if s.queued.Add(bytes) <= s.maxBytes {
		select {
		case s.queue <- b:
			return
		default:
		}
	}
	s.queued.Add(-bytes)
	s.lose(b, errQueueFull)
}

// stop waits until all is delivered, at most until ctx is done: then the rest is lost.
func (s *sender) stop(ctx context.Context) error {
	close(s.queue)
	defer s.abort()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	s.abort()
	s.loseAll()
	return fmt.Errorf("deliver the last records: %w", ctx.Err())
}

// loseAll does not wait for a pipeline that does not return.
func (s *sender) loseAll() {
	for b := range s.queue {
		s.lose(b, errShutdown)
	}
	s.mu.Lock()
	b := s.inFlight
	s.mu.Unlock()
	if b != nil {
		s.lose(b, errShutdown)
	}
}

func (s *sender) lose(b *batch, why error) {
	s.drop(s.obs.StartLogsOp(context.Background()), b, event.LostBatch, why)
}

// drop ends the delivery of what is left of b.
func (s *sender) drop(op context.Context, b *batch, as event.Outcome, why error) {
	if b.gapsOpen() {
		s.gaps.untell(b.gaps)
	}
	s.obs.EndLogsOp(op, format, b.settle(numbers{}, as, s.tally), why)
}

func (s *sender) setInFlight(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight = b
}

// deliver tries until b, or what is left of it, has its fate.
func (s *sender) deliver(ctx context.Context, b *batch) {
	s.setInFlight(b)
	defer s.setInFlight(nil)
	op := s.obs.StartLogsOp(ctx)
	pauses := s.pauses()
	for start := time.Now(); ; {
		err := s.consume(op, b.logs)
		if err == nil {
			s.obs.EndLogsOp(op, format, b.settle(numbers{}, event.Reported, s.tally), nil)
			return
		}
		if consumererror.IsPermanent(err) || !s.retry.Enabled {
			s.drop(op, b, event.Rejected, err)
			return
		}
		op = s.keepLeft(ctx, op, b, err)
		pause := pauses.NextBackOff()
		if s.retry.MaxElapsedTime > 0 && time.Since(start)+pause > s.retry.MaxElapsedTime {
			s.drop(op, b, event.Rejected, err)
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			s.drop(op, b, event.LostBatch, err)
			return
		}
	}
}

func (s *sender) pauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     s.retry.InitialInterval,
		RandomizationFactor: s.retry.RandomizationFactor,
		Multiplier:          s.retry.Multiplier,
		MaxInterval:         s.retry.MaxInterval,
	}
}

// keepLeft settles what the pipeline took although it failed, if it says so.
func (s *sender) keepLeft(ctx, op context.Context, b *batch, err error) context.Context {
	var part consumererror.Logs
	if !errors.As(err, &part) {
		return op
	}
	b.logs = part.Data()
	if n := b.settle(count(b.logs), event.Reported, s.tally); n > 0 {
		s.obs.EndLogsOp(op, format, n, nil)
		return s.obs.StartLogsOp(ctx)
	}
	return op
}

// consume gives the pipeline what it may change; a pipeline that panics takes
// nothing down but the batch.
func (s *sender) consume(ctx context.Context, logs plog.Logs) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = consumererror.NewPermanent(fmt.Errorf("the pipeline panicked: %v", r))
			s.panicked.Do(func() {
				s.logger.Error("The pipeline panicked. Records are lost; further panics are counted only", zap.Error(err), zap.Stack("stack"))
			})
		}
	}()
	if s.retry.Enabled && s.next.Capabilities().MutatesData {
		own := plog.NewLogs()
		logs.CopyTo(own)
		logs = own
	}
	return s.next.ConsumeLogs(ctx, logs)
}
