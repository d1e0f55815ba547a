package receiver

import (
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// events records the ledger: for each class, observed is the sum of all other
// outcomes. No event becomes a log record yet, which is the same as a filter
// that lets none pass.
func (p points) events(c *sensor.Counts) {
	for _, entry := range p.ledger(c) {
		if !entry.watched {
			continue
		}
		n := int64(entry.observed)
		p.RecordSecurityEbpfEventsDataPoint(p.now, n, entry.class, metadata.AttributeOutcomeObserved)
		p.RecordSecurityEbpfEventsDataPoint(p.now, n, entry.class, metadata.AttributeOutcomeFiltered)
		p.RecordSecurityEbpfEventsDataPoint(p.now, 0, entry.class, metadata.AttributeOutcomeRefused)
	}
}

type ledgerEntry struct {
	class    metadata.AttributeEventClass
	watched  bool
	observed uint64
}

func (p points) ledger(c *sensor.Counts) []ledgerEntry {
	network := p.hooks.serve("network.tcp") || p.hooks.serve("network.udp")
	privilege := p.hooks.serve("privilege.change") || p.hooks.serve("privilege.failure")
	return []ledgerEntry{
		{metadata.AttributeEventClassExec, p.hooks.serve("process.exec"), sum(c.Exec[:])},
		{metadata.AttributeEventClassExit, p.hooks.serve("process.exit"), sum(c.Exit[:])},
		{metadata.AttributeEventClassConnect, network, sum(c.Connect[event.Out][:])},
		{metadata.AttributeEventClassAccept, network, sum(c.Connect[event.In][:])},
		{metadata.AttributeEventClassFileOpen, p.hooks.serve("file.open"), sumRows(c.FileAccess[:])},
		{metadata.AttributeEventClassPrivilege, privilege, sumRows(c.Escalation[:])},
		{metadata.AttributeEventClassModule, p.hooks.serve("kernel.module"), sumRows(c.Module[:])},
		{metadata.AttributeEventClassBpf, p.hooks.serve("kernel.bpf"), sumRows(c.BPF[:])},
	}
}

func sum(counts []uint64) uint64 {
	var total uint64
	for _, n := range counts {
		total += n
	}
	return total
}

func sumRows(rows [][2]uint64) uint64 {
	var total uint64
	for _, row := range rows {
		total += sum(row[:])
	}
	return total
}
