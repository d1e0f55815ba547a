//go:build !linux || !(amd64 || arm64)

package sensor

import (
	"errors"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

type platform struct{}

// Open returns a sensor that watches nothing: there is no BPF but on Linux.
func Open(Options) *Sensor {
	return &Sensor{hooks: []Hook{{Name: "sensor", Err: errors.New("needs Linux on amd64 or arm64")}}}
}

// Count returns zeros.
func (s *Sensor) Count() (Counts, error) { return Counts{}, nil }

// Close does nothing.
func (s *Sensor) Close() error { return nil }

// Reports tells why there are no records.
func (s *Sensor) Reports() error { return s.hooks[0].Err }

// Read waits for Stop.
func (s *Sensor) Read(Handler) error { return s.hooks[0].Err }

// Stop does nothing.
func (s *Sensor) Stop() {}

// Processes knows none.
func (s *Sensor) Processes(func(*event.Actor)) error { return nil }

// SetSampleRate does nothing.
func (s *Sensor) SetSampleRate(event.Class, uint32) error { return nil }

// Undecoded is 0.
func (s *Sensor) Undecoded() uint64 { return 0 }

// Ledger is empty.
func (s *Sensor) Ledger() (event.Ledger, error) { return event.Ledger{}, nil }

// Iptables has nobody to ask.
type Iptables struct{}

// FiltersInput fails.
func (Iptables) FiltersInput(string) (bool, error) { return false, errors.ErrUnsupported }
