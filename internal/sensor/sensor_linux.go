package sensor

import "time"

type platform struct{}

// Open puts what o asks for into the kernel. It always returns a sensor; what could
// not be served is told by Hooks.
func Open(o Options) *Sensor { return &Sensor{since: time.Now()} }

// Count reads all counters.
func (s *Sensor) Count() (Counts, error) { return Counts{}, nil }

// Close removes everything from the kernel.
func (s *Sensor) Close() error { return nil }
