package receiver

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// ofGaps is the place of gap records among the classes: they are about events,
// and are none themselves.
const ofGaps = event.Classes

// numbers of records by class.
type numbers [event.Classes + 1]int

// A batch is what is given to the pipeline at once.
type batch struct {
	logs      plog.Logs
	resources map[resource]plog.LogRecordSlice
	last      resource
	into      plog.LogRecordSlice // of the last resource
	bytes     int                 // not less than in OTLP
	records   int
	born      time.Time
	gaps      []gap // that its records tell of

	mu   sync.Mutex
	open numbers // records whose fate is not known
}

// A resource is what records are grouped by.
type resource struct{ container, pod string }

func newBatch(now time.Time) *batch {
	return &batch{logs: plog.NewLogs(), resources: make(map[resource]plog.LogRecordSlice), born: now}
}

// resourceBytes is how large a resource without records and without its two
// names may be in OTLP: some 200 bytes of it are those of the scope.
const resourceBytes = 512

// group returns the records of a resource.
func (b *batch) group(r resource, m *resourceMaker) plog.LogRecordSlice {
	if r == b.last && len(b.resources) > 0 {
		return b.into
	}
	into, ok := b.resources[r]
	if !ok {
		into = m.make(b.logs.ResourceLogs().AppendEmpty(), r)
		b.resources[r] = into
		b.bytes += resourceBytes + len(m.version) + len(r.container) + len(r.pod)
	}
	b.last, b.into = r, into
	return into
}

// settle gives all open records but those left their fate, and returns how many
// these were. What was settled before stays so.
func (b *batch) settle(left numbers, o event.Outcome, t *tally) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	settled := 0
	for c := range b.open {
		n := max(b.open[c]-left[c], 0)
		b.open[c] -= n
		settled += n
		t.add(event.Class(c), o, uint64(n))
	}
	return settled
}

// gapsOpen says whether a gap record has not been told.
func (b *batch) gapsOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open[ofGaps] > 0
}

// count says how many records of which class there are.
func count(logs plog.Logs) numbers {
	var n numbers
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				n[classOf(r.EventName())]++
			}
		}
	}
	return n
}

// classOf is the class of the records of a name.
func classOf(name string) event.Class {
	switch name {
	case "ebpfsecurity.process.exec":
		return event.Exec
	case "ebpfsecurity.process.exit":
		return event.Exit
	case "ebpfsecurity.file.open":
		return event.FileOpen
	case "ebpfsecurity.network.connect":
		return event.Connect
	case "ebpfsecurity.network.accept":
		return event.Accept
	case "ebpfsecurity.network.close":
		return event.Close
	case "ebpfsecurity.network.udp_send":
		return event.UDPSend
	case "ebpfsecurity.privilege.change":
		return event.Privilege
	case "ebpfsecurity.kernel.module_load", "ebpfsecurity.kernel.module_unload":
		return event.Module
	case "ebpfsecurity.kernel.bpf_load":
		return event.BPF
	case "ebpfsecurity.process.ptrace":
		return event.Ptrace
	case "ebpfsecurity.namespace.change":
		return event.Namespace
	case "ebpfsecurity.filesystem.mount":
		return event.Mount
	case "ebpfsecurity.config.changed":
		return event.Config
	}
	return ofGaps
}

// A resourceMaker names resources as the config wants it.
type resourceMaker struct {
	builder *metadata.ResourceBuilder
	version string
}

func (m *resourceMaker) make(rl plog.ResourceLogs, r resource) plog.LogRecordSlice {
	if r.container != "" {
		m.builder.SetContainerID(r.container)
	}
	if r.pod != "" {
		m.builder.SetK8sPodUID(r.pod)
	}
	m.builder.Emit().MoveTo(rl.Resource())
	rl.SetSchemaUrl(semconv.SchemaURL)
	scope := rl.ScopeLogs().AppendEmpty()
	scope.Scope().SetName(metadata.ScopeName)
	scope.Scope().SetVersion(m.version)
	return scope.LogRecords()
}
