package receiver

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/scraper/scrapererror"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
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
	lastTable process.Stats
	undecoded uint64
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
	p := points{m.builder, pcommon.NewTimestampFromTime(time.Now()), m.hooks, m.kernel.checks.checker != nil}
	p.up(m.status(err))
	p.hooksAttached()
	p.sampleRate(m.kernel.sampleRate())
	p.checks(m.kernel.checks.outcomes())
	m.kernel.tops.record(p.MetricsBuilder, p.now, int(m.cfg.Top.Series))
	if err == nil {
		p.counts(&counts)
		m.kernel.tally.addTo(&counts.Ledger)
		p.events(counts.Ledger)
		m.telemetry.EbpfsecurityUntracked.Add(ctx, int64(counts.Untracked-m.last.Untracked))
		m.telemetry.EbpfsecurityMissed.Add(ctx, int64(counts.Missed-m.last.Missed))
		m.last = counts
	}
	undecoded := m.kernel.Undecoded()
	m.telemetry.EbpfsecurityUndecoded.Add(ctx, int64(undecoded-m.undecoded))
	m.undecoded = undecoded
	m.ownTable(ctx)
	m.noticeChange(err)
	if err != nil {
		const unread = 1 // the error counts metrics; how many of them there were to be is not known
		err = scrapererror.NewPartialScrapeError(fmt.Errorf("read counters: %w", err), unread)
	}
	return m.builder.Emit(), err
}

// ownTable tells how full the table of processes is, if there is one.
func (m *metrics) ownTable(ctx context.Context) {
	table := m.kernel.table.Load()
	if table == nil {
		return
	}
	now, last := table.Stats(), m.lastTable
	m.lastTable = now
	for _, size := range []struct {
		of       string
		entries  uint64
		evicted  uint64
		measured uint64
	}{
		{"image", now.Images, now.ImageEvictions, last.ImageEvictions},
		{"process", now.Processes, now.ProcessEvictions, last.ProcessEvictions},
		{"cgroup", now.Cgroups, now.CgroupEvictions, last.CgroupEvictions},
	} {
		of := metric.WithAttributes(attribute.String("table", size.of))
		m.telemetry.EbpfsecurityTableEntries.Record(ctx, int64(size.entries), of)
		m.telemetry.EbpfsecurityTableEvictions.Add(ctx, int64(size.evicted-min(size.measured, size.evicted)), of)
	}
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
			err = m.shortcomings()
		}
		m.reportStatus(err)
	}
}
