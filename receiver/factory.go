package receiver

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/collector/scraper"
	"go.opentelemetry.io/collector/scraper/scraperhelper"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// NewFactory returns the factory that the collector builds receivers with.
func NewFactory() receiver.Factory {
	return newFactory(func(o sensor.Options) kernel { return sensor.Open(o) }, hostChecker)
}

// newFactory is NewFactory with a sensor and checks that tests choose.
func newFactory(open func(sensor.Options) kernel, checks newChecker) receiver.Factory {
	s := newSensors(open)
	s.checks = checks
	return receiver.NewFactory(metadata.Type, newDefaultConfig,
		receiver.WithMetrics(s.createMetrics, metadata.MetricsStability),
		receiver.WithLogs(s.createLogs, metadata.LogsStability))
}

func (s *sensors) createMetrics(
	_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics,
) (receiver.Metrics, error) {
	m, err := newMetrics(securityReceiver{cfg: cfg.(*Config), set: set, sensors: s})
	if err != nil {
		return nil, fmt.Errorf("create own telemetry: %w", err)
	}
	scrape, err := scraper.NewMetrics(m.scrape, scraper.WithStart(m.Start), scraper.WithShutdown(m.Shutdown))
	if err != nil {
		return nil, fmt.Errorf("create scraper: %w", err)
	}
	controller, err := scraperhelper.NewMetricsController(&m.cfg.Controller, set, next,
		scraperhelper.AddMetricsScraper(metadata.Type, scrape))
	if err != nil {
		return nil, fmt.Errorf("create scraper controller: %w", err)
	}
	return &stopOnce{Metrics: controller}, nil
}

func (s *sensors) createLogs(
	_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs,
) (receiver.Logs, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, ReceiverCreateSettings: set})
	if err != nil {
		return nil, fmt.Errorf("create own telemetry: %w", err)
	}
	s.wantRecords(cfg.(*Config), true)
	return &logs{securityReceiver: securityReceiver{cfg: cfg.(*Config), set: set, sensors: s}, next: next, obs: obs}, nil
}
