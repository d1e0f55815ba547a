package receiver

import (
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/topn"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// tops counts who does most. Nil counts nothing.
type tops struct {
	mu       sync.Mutex
	counters [topKinds]*topn.Counter
	key      []byte
}

const (
	topExec = iota
	topConnect
	topFile
	topKinds
)

func newTops(c *Config) *tops {
	if !c.Builder.Metrics.SecurityEbpfTop.Enabled && !c.Builder.Metrics.SecurityEbpfTopError.Enabled {
		return nil
	}
	t := &tops{}
	for kind := range t.counters {
		t.counters[kind] = topn.New(int(c.Top.Capacity))
	}
	return t
}

// see counts the event, and those that it stands for. What failed is not counted.
func (t *tops) see(e *event.Event) {
	if t == nil || e.Errno != 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	weight := uint64(max(e.Weight, 1))
	switch {
	case e.Class == event.Exec && len(e.Exec.Path) > 0:
		t.counters[topExec].Add(e.Exec.Path, weight)
	case (e.Class == event.Connect || e.Class == event.UDPSend) && e.Socket.Peer.IsValid():
		t.key = e.Socket.Peer.Addr().AppendTo(t.key[:0])
		t.counters[topConnect].Add(t.key, weight)
	case e.Class == event.FileOpen && len(e.File.Path) > 0:
		t.counters[topFile].Add(e.File.Path, weight)
	}
}

// record writes the series.
func (t *tops) record(b *metadata.MetricsBuilder, now pcommon.Timestamp, series int) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, label := range [topKinds]metadata.AttributeTopKind{
		topExec: metadata.AttributeTopKindExec, topConnect: metadata.AttributeTopKindConnect, topFile: metadata.AttributeTopKindFile,
	} {
		for _, entry := range t.counters[kind].Top(series) {
			b.RecordSecurityEbpfTopDataPoint(now, int64(entry.Count), label, entry.Key)
			b.RecordSecurityEbpfTopErrorDataPoint(now, int64(entry.Error), label, entry.Key)
		}
	}
}
