package receiver

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

// A kernel is what the receiver wants of a sensor.
type kernel interface {
	Hooks() []sensor.Hook
	Since() time.Time
	Count() (sensor.Counts, error)
	Close() error
}

// sensors holds the open sensors by config: the collector asks for one
// receiver per signal, but the kernel must be watched only once.
type sensors struct {
	open func(sensor.Options) kernel
	mu   sync.Mutex
	live map[*Config]*sharedSensor
}

type sharedSensor struct {
	kernel
	users int
}

// acquire returns the sensor of cfg, opened if nobody uses it yet.
func (s *sensors) acquire(cfg *Config, logger *zap.Logger) kernel {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared, ok := s.live[cfg]
	if !ok {
		shared = &sharedSensor{kernel: s.open(cfg.options())}
		s.live[cfg] = shared
		logHooks(logger, shared.Hooks())
	}
	shared.users++
	return shared.kernel
}

// release gives back the sensor of cfg and closes it if nobody else uses it.
func (s *sensors) release(cfg *Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared := s.live[cfg]
	shared.users--
	if shared.users > 0 {
		return nil
	}
	delete(s.live, cfg)
	return shared.Close()
}
