package receiver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/receiver"
)

// A securityReceiver is what the receivers of all signals have in common: the
// sensor that they share, and a status.
type securityReceiver struct {
	cfg     *Config
	set     receiver.Settings
	sensors *sensors
	host    component.Host
	kernel  *sharedSensor // nil before Start and after Shutdown
	hooks   hooks
}

// Start begins to watch. It never fails: what cannot be watched is logged, is
// reported as status, and shows in the metrics.
func (r *securityReceiver) Start(_ context.Context, host component.Host) error {
	if r.kernel != nil {
		return nil
	}
	r.host = host
	r.kernel = r.sensors.acquire(r.cfg, r.set.Logger)
	r.hooks = r.kernel.Hooks()
	r.reportStatus(r.shortcomings())
	return nil
}

// Shutdown stops watching.
func (r *securityReceiver) Shutdown(context.Context) error {
	if r.kernel == nil {
		return nil
	}
	r.kernel = nil
	if err := r.sensors.release(r.cfg); err != nil {
		return fmt.Errorf("close sensor: %w", err)
	}
	return nil
}

// degradation is why not all is watched that was asked for, nil if all is.
func (r *securityReceiver) degradation() error {
	if !r.cfg.Probes.any() {
		return nil
	}
	return r.hooks.degradation()
}

// shortcomings are the degradation, and why the host is not checked.
func (r *securityReceiver) shortcomings() error {
	return errors.Join(r.degradation(), r.kernel.checks.err)
}

func (r *securityReceiver) reportStatus(reason error) {
	e := componentstatus.NewEvent(componentstatus.StatusOK)
	if reason != nil {
		e = componentstatus.NewRecoverableErrorEvent(reason)
	}
	componentstatus.ReportStatus(r.host, e)
}

// stopOnce lets a scraper controller be shut down twice, which panics otherwise.
type stopOnce struct {
	receiver.Metrics
	once sync.Once
	err  error
}

// Shutdown stops the controller.
func (s *stopOnce) Shutdown(ctx context.Context) error {
	s.once.Do(func() { s.err = s.Metrics.Shutdown(ctx) })
	return s.err
}
