package receiver

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/scraper/scrapererror"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// metrics is the scraper of the metrics signal.
//
// What no hook counts is absent from its metrics: a zero would claim that
// nothing happened. What is counted is present from the first scrape on, zero
// or not, so that rates see the first event.
type metrics struct {
	securityReceiver
	builder   *metadata.MetricsBuilder
	telemetry *metadata.TelemetryBuilder
	last      sensor.Counts
	failed    bool // the last scrape
}

func newMetrics(r securityReceiver) (*metrics, error) {
	telemetry, err := metadata.NewTelemetryBuilder(r.set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &metrics{securityReceiver: r, telemetry: telemetry}, nil
}

// Start begins to count.
func (m *metrics) Start(ctx context.Context, host component.Host) error {
	if err := m.securityReceiver.Start(ctx, host); err != nil {
		return err
	}
	m.builder = metadata.NewMetricsBuilder(m.cfg.Builder, m.set,
		metadata.WithStartTime(pcommon.NewTimestampFromTime(m.kernel.Since())))
	m.telemetry.EbpfsecurityHooksUnserved.Record(ctx, int64(len(m.hooks.unserved())))
	return nil
}

// scrape returns what is counted now. If the counters cannot be read it
// returns what is known without them, and a partial error.
func (m *metrics) scrape(ctx context.Context) (pmetric.Metrics, error) {
	counts, err := m.kernel.Count()
	p := points{m.builder, pcommon.NewTimestampFromTime(time.Now()), m.hooks}
	p.up(m.status(err))
	p.hooksAttached()
	p.sampleRate()
	if err == nil {
		p.counts(&counts)
		m.telemetry.EbpfsecurityUntracked.Add(ctx, int64(counts.Untracked-m.last.Untracked))
		m.telemetry.EbpfsecurityMissed.Add(ctx, int64(counts.Missed-m.last.Missed))
		m.last = counts
	}
	m.noticeChange(err)
	if err != nil {
		const unread = 1 // the error counts metrics; how many of them there were to be is not known
		err = scrapererror.NewPartialScrapeError(fmt.Errorf("read counters: %w", err), unread)
	}
	return m.builder.Emit(), err
}

// status is the truth about the sensor, given how reading it went.
func (m *metrics) status(err error) metadata.AttributeStatus {
	switch {
	case !m.cfg.Probes.any():
		return metadata.AttributeStatusDisabled
	case err != nil || m.degradation() != nil:
		return metadata.AttributeStatusDegraded
	default:
		return metadata.AttributeStatusActive
	}
}

// noticeChange reports the status when reading begins to fail or works again.
func (m *metrics) noticeChange(err error) {
	if failed := err != nil; failed != m.failed {
		m.failed = failed
		if !failed {
			err = m.degradation()
		}
		m.reportStatus(err)
	}
}
