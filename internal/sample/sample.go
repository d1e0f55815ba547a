// Package sample decides how many events of a class one record stands for, so
// that a flood costs no more than the target. The kernel does the sampling.
package sample

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// The defaults. DefaultTarget is in events per second and class.
const (
	DefaultTarget   = 5000
	DefaultInterval = 10 * time.Second
	DefaultMax      = 10_000
)

// Options say when to sample and how much.
type Options struct {
	// Target is how many events of each class to let through per second. 0 is never to sample.
	Target float64
	// Interval is the time between evaluations, 0 is DefaultInterval.
	Interval time.Duration
	// Max is the highest rate, 0 is DefaultMax.
	Max uint32
}

// A Sampler holds the rate of each class: one event in so many is reported.
type Sampler struct {
	options Options
	set     func(event.Class, uint32) error
	rates   [event.Classes]atomic.Uint32
	since   time.Time // the last evaluation
	passed  [event.Classes]uint64
}

// New starts with a rate of 1 for all classes, which it does not set. Set tells
// the kernel a rate.
func New(o Options, set func(event.Class, uint32) error) *Sampler {
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	if o.Max == 0 {
		o.Max = DefaultMax
	}
	s := &Sampler{options: o, set: set}
	for c := range s.rates {
		s.rates[c].Store(1)
	}
	return s
}

// Observe says how many events of each class the kernel has let through until
// now, those lost for want of room included. The first call only starts the
// measurement; later ones adapt the rates if an interval has passed. A rate that
// could not be set stays what it was, which is the error. Only one goroutine
// may call it.
func (s *Sampler) Observe(now time.Time, passed [event.Classes]uint64) error {
	elapsed := now.Sub(s.since)
	if s.since.IsZero() || elapsed < 0 {
		s.since, s.passed = now, passed
		return nil
	}
	if elapsed < s.options.Interval {
		return nil
	}
	var errs []error
	for c := range event.Classes {
		// A counter that fell has begun anew: what passed is unknown.
		if Sampled(c) && passed[c] >= s.passed[c] {
			errs = append(errs, s.adapt(c, float64(passed[c]-s.passed[c])/elapsed.Seconds()))
		}
	}
	s.since, s.passed = now, passed
	return errors.Join(errs...)
}

func (s *Sampler) adapt(c event.Class, perSecond float64) error {
	old := s.Rate(c)
	rate := s.next(old, perSecond)
	if rate == old {
		return nil
	}
	if err := s.set(c, rate); err != nil {
		return fmt.Errorf("set the sample rate of %s to %d: %w", c, rate, err)
	}
	s.rates[c].Store(rate)
	return nil
}

// next keeps a rate that is off by less than two: one that was doubled lets
// through at least the target and is not halved at once.
func (s *Sampler) next(rate uint32, perSecond float64) uint32 {
	switch {
	case !(s.options.Target > 0): // NaN too
		return rate
	case perSecond > 2*s.options.Target:
		return uint32(min(2*uint64(rate), uint64(s.options.Max)))
	case perSecond < s.options.Target/2:
		return max(rate/2, 1)
	}
	return rate
}

// Rate is how many events a record of the class stands for. Any goroutine may ask.
func (s *Sampler) Rate(c event.Class) uint32 { return s.rates[c].Load() }

// Highest is the highest rate of all classes. Any goroutine may ask.
func (s *Sampler) Highest() uint32 {
	highest := uint32(1)
	for c := range event.Classes {
		highest = max(highest, s.Rate(c))
	}
	return highest
}

// Sampled tells whether a class may be sampled: whether one of its events can
// stand for others. Suspicious processes are exempt in the kernel.
func Sampled(c event.Class) bool {
	switch c {
	case event.Exec, event.Exit, event.FileOpen, event.Connect, event.Accept, event.Close, event.UDPSend:
		return true
	}
	return false
}
