package receiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sample"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// logs is the receiver of the logs signal: one goroutine reads what the kernel
// reports and makes batches of records, another one delivers them.
type logs struct {
	securityReceiver
	next consumer.Logs
	obs  *receiverhelper.ObsReport

	source reporter // nil if there are no records
	sender *sender
	table  *process.Table
	read   chan struct{} // closed when all is read
}

// Start begins to watch and to report.
func (l *logs) Start(ctx context.Context, host component.Host) error {
	if l.kernel != nil {
		return nil
	}
	if err := l.securityReceiver.Start(ctx, host); err != nil {
		return err
	}
	l.sender = &sender{
		next: l.next, obs: l.obs, retry: l.cfg.Events.Retry, logger: l.set.Logger,
		tally: &l.kernel.tally, gaps: newGaps(time.Now()),
	}
	l.sender.makeQueues(l.cfg.Events.Queue)
	l.sender.start()
	if source, err := l.reporter(); err != nil {
		l.set.Logger.Warn("Events are counted, but not reported as log records", zap.Stringer("reason", reason{err}))
	} else {
		l.source = source
		l.startReading()
	}
	if l.cfg.Events.Classes.Config {
		l.kernel.checks.tell(l.newChangeTeller().tell)
	}
	return nil
}

// reporter is the sensor if it reports events, else an error that says why not.
func (l *logs) reporter() (reporter, error) {
	if !l.cfg.Probes.any() {
		return nil, errors.New("no probe is enabled")
	}
	return l.kernel, l.kernel.Reports()
}

// startReading makes all that only the goroutine that reads uses.
func (l *logs) startReading() {
	e := &l.cfg.Events
	l.table = process.New(process.Options{Root: string(l.cfg.RootPath), Ancestors: int(e.Ancestors)})
	sampling := e.Sampling
	sampler := sample.New(sample.Options{
		Target: float64(sampling.EventsPerSecond), Interval: time.Duration(sampling.Interval), Max: uint32(sampling.MaxRate),
	}, l.source.SetSampleRate)
	l.kernel.sampler.Store(sampler)
	l.kernel.table.Store(l.table)
	r := &reader{
		logger: l.set.Logger, table: l.table, tally: &l.kernel.tally, tops: l.kernel.tops,
		containers: containerFilter{exclude: e.Exclude.Containers, only: e.Only.Containers},
		sequences:  newSequences(), gaps: l.sender.gaps, sampler: sampler, ledger: l.source.Ledger,
		writer:    writer{maxArgs: int(e.ArgsMaxBytes)},
		gatherers: newGatherers(e.Batch, l.sender.offer, l.resourceMaker()),
	}
	l.read = make(chan struct{})
	go func(source reporter, table *process.Table) {
		defer close(l.read)
		if err := table.Start(source.Processes); err != nil {
			r.logger.Warn("Not all processes are known that were there before", zap.Stringer("reason", reason{err}))
		}
		if err := source.Read(r); err != nil {
			r.logger.Error("Events are no longer reported", zap.Stringer("reason", reason{err}))
			l.reportStatus(fmt.Errorf("events are no longer reported: %w", err))
		}
		r.end(time.Now())
	}(l.source, l.table)
}

func (l *logs) resourceMaker() resourceMaker {
	return resourceMaker{
		builder: metadata.NewResourceBuilder(l.cfg.Builder.ResourceAttributes), version: l.set.BuildInfo.Version,
	}
}

// Shutdown stops watching, and delivers what was seen if the pipeline takes it in time.
func (l *logs) Shutdown(ctx context.Context) error {
	l.sensors.wantRecords(l.cfg, false)
	err := l.stopReporting(ctx)
	return errors.Join(err, l.securityReceiver.Shutdown(ctx))
}

func (l *logs) stopReporting(ctx context.Context) error {
	if l.sender == nil {
		return nil
	}
	sender := l.sender
	l.sender = nil
	l.kernel.checks.tell(nil)
	if l.source == nil {
		return sender.stop(ctx)
	}
	l.source.Stop()
	l.source = nil
	<-l.read // which never waits for the pipeline
	l.kernel.table.Store(nil)
	return errors.Join(sender.stop(ctx), l.table.Close())
}
