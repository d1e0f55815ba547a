package receiver

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// points are the data points of one scrape.
type points struct {
	*metadata.MetricsBuilder
	now   pcommon.Timestamp
	hooks hooks
	// checked says that the host's configuration is looked at.
	checked bool
}

func (p points) up(status metadata.AttributeStatus) {
	for _, s := range [...]metadata.AttributeStatus{
		metadata.AttributeStatusActive, metadata.AttributeStatusDegraded, metadata.AttributeStatusDisabled,
	} {
		p.RecordSecurityEbpfUpDataPoint(p.now, boolean(s == status), s)
	}
}

func (p points) hooksAttached() {
	for _, hook := range p.hooks {
		program := hook.Program
		if program == "" {
			program = "none"
		}
		p.RecordSecurityEbpfHookAttachedDataPoint(p.now, boolean(hook.Program != ""), hook.Name, program)
	}
}

func (p points) sampleRate(rate int64) { p.RecordSecurityEbpfSampleRateDataPoint(p.now, rate) }

func (p points) counts(c *sensor.Counts) {
	p.process(c)
	p.network(c)
	p.file(c)
	p.privilege(c)
	p.kernel(c)
}

func (p points) process(c *sensor.Counts) {
	exec, exit := p.hooks.serve("process.exec"), p.hooks.serve("process.exit")
	active := p.hooks.serve("process.exec", "process.fork", "process.exit", "process.existing")
	for t := range event.ProcessTypes {
		label := metadata.MapAttributeProcessType[t.String()]
		if exec {
			p.RecordSecurityEbpfProcessExecDataPoint(p.now, int64(c.Exec[t]), label)
		}
		if exit {
			p.RecordSecurityEbpfProcessExitDataPoint(p.now, int64(c.Exit[t]), label)
		}
		if active {
			p.RecordSecurityEbpfProcessActiveCountDataPoint(p.now, c.Active[t], label)
		}
	}
}

func (p points) network(c *sensor.Counts) {
	active := p.hooks.serve("network.existing")
	for proto := range event.Protocols {
		if !p.hooks.serve("network." + proto.String()) {
			continue
		}
		for dir := range event.Directions {
			d, pr := metadata.MapAttributeDirection[dir.String()], metadata.MapAttributeProtocol[proto.String()]
			p.RecordSecurityEbpfConnectDataPoint(p.now, int64(c.Connect[dir][proto]), d, pr)
			if active {
				p.RecordSecurityEbpfConnectActiveDataPoint(p.now, c.ConnectActive[dir][proto], d, pr)
			}
		}
	}
	if !p.hooks.serve("network.tcp") && !p.hooks.serve("network.error") {
		return
	}
	for e := range event.ConnectErrors {
		p.RecordSecurityEbpfConnectErrorDataPoint(p.now, int64(c.ConnectError[e]), metadata.MapAttributeConnectErrorType[e.String()])
	}
}

func (p points) file(c *sensor.Counts) {
	if !p.hooks.serve("file.open") {
		return
	}
	for s := range event.Severities {
		for o := range event.Operations {
			p.RecordSecurityEbpfFileAccessDataPoint(p.now, int64(c.FileAccess[s][o]),
				metadata.MapAttributeSeverity[s.String()], metadata.MapAttributeOperation[o.String()])
		}
	}
}

func (p points) privilege(c *sensor.Counts) {
	hook := [event.Results]string{event.Success: "privilege.change", event.Failure: "privilege.failure"}
	for r := range event.Results {
		if !p.hooks.serve(hook[r]) {
			continue
		}
		for e := range event.Escalations {
			p.RecordSecurityEbpfPrivilegeEscalationDataPoint(p.now, int64(c.Escalation[e][r]),
				metadata.MapAttributeEscalationType[e.String()], metadata.MapAttributeResult[r.String()])
		}
	}
}

func (p points) kernel(c *sensor.Counts) {
	bpf := p.hooks.serve("kernel.bpf")
	for r := range event.Results {
		result := metadata.MapAttributeResult[r.String()]
		module := p.hooks.serve("kernel.module") && (r == event.Success || !p.hooks.successesOnly("kernel.module"))
		for a := range event.ModuleActions {
			if module {
				p.RecordSecurityEbpfKernelModuleDataPoint(p.now, int64(c.Module[a][r]), metadata.MapAttributeModuleAction[a.String()], result)
			}
		}
		for b := range event.BPFCommands {
			if bpf {
				p.RecordSecurityEbpfKernelBpfDataPoint(p.now, int64(c.BPF[b][r]), metadata.MapAttributeBpfCommand[b.String()], result)
			}
		}
	}
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
