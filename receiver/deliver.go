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
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

// format names what records are made from, in the collector's own telemetry.
const format = "ebpf"

var (
	errQueueFull = errors.New("the queue to the pipeline is full")
	errShutdown  = errors.New("there was no time left at shutdown")
)

// A sender delivers batches from bounded queues, one at a time, those of high
// priority first.
type sender struct {
	next   consumer.Logs
	obs    *receiverhelper.ObsReport
	retry  configretry.BackOffConfig
	logger *zap.Logger
	tally  *tally
	gaps   *gaps

	queues   [sensor.Priorities]chan *batch
	maxBytes int64         // of all queues
	queued   atomic.Int64  // bytes
	done     chan struct{} // closed when the last batch has its fate
	abort    context.CancelFunc

	mu       sync.Mutex
	inFlight *batch
	panicked sync.Once
}

// makeQueues makes the queues as large as the config says.
func (s *sender) makeQueues(q Queue) {
	s.maxBytes = int64(q.MaxBytes)
	for lane := range s.queues {
		s.queues[lane] = make(chan *batch, q.Batches)
	}
}

// start begins to deliver.
func (s *sender) start() {
	var ctx context.Context
	ctx, s.abort = context.WithCancel(context.Background())
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		for queues := s.queues; ; {
			b := take(&queues)
			if b == nil {
				return
			}
			s.queued.Add(-int64(b.bytes))
			s.deliver(ctx, b)
		}
	}()
}

// take waits for a batch, and returns nil when all queues are closed and empty.
func take(queues *[sensor.Priorities]chan *batch) *batch {
	for *queues != [sensor.Priorities]chan *batch{} {
		lane, b := ready(queues)
		if b != nil {
			return b
		}
		queues[lane] = nil
	}
	return nil
}

// ready waits for a queue that has a batch, which it takes, or that is closed.
func ready(queues *[sensor.Priorities]chan *batch) (sensor.Priority, *batch) {
	for lane, queue := range queues {
		select {
		case b := <-queue:
			return sensor.Priority(lane), b
		default:
		}
	}
	select {
	case b := <-queues[sensor.High]:
		return sensor.High, b
	case b := <-queues[sensor.Normal]:
		return sensor.Normal, b
	case b := <-queues[sensor.Low]:
		return sensor.Low, b
	}
}

// offer queues a batch, or loses it if there is no room. It never blocks.
// The lower the priority the more room must be left.
func (s *sender) offer(lane sensor.Priority, b *batch) {
	room := s.maxBytes * int64(4-lane) / 4
	bytes := int64(b.bytes) // after it is queued b belongs to another goroutine
	if s.queued.Add(bytes) <= room {
		select {
		case s.queues[lane] <- b:
			return
		default:
		}
	}
	s.queued.Add(-bytes)
	s.lose(b, errQueueFull)
}

// grace is how long a pipeline that does not take the last records may hold up
// the end: a collector waits for it when it reloads its configuration, too.
const grace = 5 * time.Second

// stop waits until all is delivered, at most for the grace or until ctx is done: then the rest is lost.
func (s *sender) stop(ctx context.Context) error {
	for _, queue := range s.queues {
		close(queue)
	}
	defer s.abort()
	var err error
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		err = fmt.Errorf("deliver the last records: %w", ctx.Err())
	case <-time.After(grace): // no error, on which a collector that reloads would end
	}
	s.abort()
	s.logger.Warn("The pipeline did not take the last records in time", zap.Int("lost", s.loseAll()))
	return err
}

// loseAll does not wait for a pipeline that does not return, and tells how many were lost.
func (s *sender) loseAll() (lost int) {
	for _, queue := range s.queues {
		for b := range queue {
			lost += s.lose(b, errShutdown)
		}
	}
	s.mu.Lock()
	b := s.inFlight
	s.mu.Unlock()
	if b != nil {
		lost += s.lose(b, errShutdown)
	}
	return lost
}

func (s *sender) lose(b *batch, why error) int {
	return s.drop(s.obs.StartLogsOp(context.Background()), b, event.LostBatch, why)
}

// drop ends the delivery of what is left of b, and tells how much that is.
func (s *sender) drop(op context.Context, b *batch, as event.Outcome, why error) int {
	if b.gapsOpen() {
		s.gaps.untell(b.gaps)
	}
	n := b.settle(numbers{}, as, s.tally)
	s.obs.EndLogsOp(op, format, n, why)
	return n
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
