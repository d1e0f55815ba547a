package receiver

import (
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// events records the ledger: for each class, observed is the sum of all other
// outcomes, but for the events that are between the kernel and the pipeline.
func (p points) events(l event.Ledger) {
	for c := range event.Classes {
		if !p.watched(c) {
			continue
		}
		class := metadata.MapAttributeEventClass[c.String()]
		for o := range event.Outcomes {
			p.RecordSecurityEbpfEventsDataPoint(p.now, int64(l[c][o]), class, metadata.MapAttributeOutcome[o.String()])
		}
	}
}

// watched says whether a hook that sees events of the class is served, or a check.
func (p points) watched(c event.Class) bool {
	if c == event.Config {
		return p.checked
	}
	for _, hook := range hooksOf(c) {
		if p.hooks.serve(hook) {
			return true
		}
	}
	return false
}

// hooksOf are the hooks any of which sees events of the class.
func hooksOf(c event.Class) []string {
	return [event.Classes][]string{
		event.Exec:      {"process.exec"},
		event.Exit:      {"process.exit"},
		event.FileOpen:  {"file.open"},
		event.Connect:   {"network.tcp"},
		event.Accept:    {"network.accept"},
		event.Close:     {"network.tcp"},
		event.UDPSend:   {"network.udp"},
		event.Privilege: {"privilege.change", "privilege.failure"},
		event.Module:    {"kernel.module"},
		event.BPF:       {"kernel.bpf"},
		event.Ptrace:    {"process.ptrace"},
		event.Namespace: {"process.namespace"},
		event.Mount:     {"file.mount"},
	}[c]
}
