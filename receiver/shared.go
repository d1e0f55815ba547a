package receiver

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/cure"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sample"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

// A kernel is what the receiver wants of a sensor.
type kernel interface {
	Hooks() []sensor.Hook
	Since() time.Time
	Count() (sensor.Counts, error)
	Close() error
	reporter
}

// A reporter is what the logs signal wants of a sensor.
type reporter interface {
	// Reports tells why there are no records, nil if there are.
	Reports() error
	// Read gives all records to the handler until Stop.
	Read(sensor.Handler) error
	Stop()
	Processes(func(*event.Actor)) error
	SetSampleRate(event.Class, uint32) error
	// Ledger is what Count says of it, for less.
	Ledger() (event.Ledger, error)
	Undecoded() uint64
}

// sensors holds the open sensors by config: the collector asks for one
// receiver per signal, but the kernel must be watched only once.
type sensors struct {
	open   func(sensor.Options) kernel
	checks newChecker // nil for no checks
	mu     sync.Mutex
	live   map[*Config]*sharedSensor
	// reports are the configs that a logs pipeline uses. All receivers are
	// created before the first one starts.
	reports map[*Config]bool
}

// A sharedSensor is what the receivers of one config have in common.
type sharedSensor struct {
	kernel
	users int

	checks  *hostChecks
	tally   tally
	tops    *tops
	sampler atomic.Pointer[sample.Sampler]
	table   atomic.Pointer[process.Table]
}

// newSensors holds no sensor yet.
func newSensors(open func(sensor.Options) kernel) *sensors {
	return &sensors{open: open, live: make(map[*Config]*sharedSensor), reports: make(map[*Config]bool)}
}

// wantRecords has the sensor of cfg report what happens.
func (s *sensors) wantRecords(cfg *Config, want bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if want {
		s.reports[cfg] = true
	} else {
		delete(s.reports, cfg)
	}
}

// acquire returns the sensor of cfg, opened if nobody uses it yet.
func (s *sensors) acquire(cfg *Config, logger *zap.Logger) *sharedSensor {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared, ok := s.live[cfg]
	if !ok {
		o := cfg.options()
		shared = &sharedSensor{}
		if s.reports[cfg] {
			o.Report = cfg.Events.report(cfg.users(logger))
			shared.tops = newTops(cfg)
		}
		shared.kernel = s.open(o)
		s.live[cfg] = shared
		logLacks(logger, cure.Look())
		logHooks(logger, shared.Hooks())
		shared.checks = startChecks(s.checks, cfg, logger, &shared.tally)
	}
	shared.users++
	return shared
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
	shared.checks.stop()
	return shared.Close()
}

// sampleRate is how many events one record stands for at most.
func (s *sharedSensor) sampleRate() int64 {
	if sampler := s.sampler.Load(); sampler != nil {
		return int64(sampler.Highest())
	}
	return 1
}
