package receiver

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/budget"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
)

// TestNoBatchIsTooLarge: not in OTLP, whatever the host makes of its names.
func TestNoBatchIsTooLarge(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	g, full := collected(Batch{MaxRecords: 5000, MaxBytes: 1 * mebibyte, MaxAge: Interval(time.Hour)})
	w := writer{maxArgs: maxArgs}
	all := samples()
	written := 0
	for range 100 {
		for _, e := range all {
			p := sampleProcess()
			if random.IntN(3) == 0 {
				p.ContainerID = strings.Repeat(string(rune('a'+random.IntN(6))), 64)
			}
			if random.IntN(20) == 0 {
				enlarge(random, e, p)
			}
			g.end(sampleNow, e.Class, w.write(g.begin(sampleNow, resource{p.ContainerID, p.PodUID}), e, p, sampleNow))
			written++
		}
	}
	g.flush()
	marshaler := plog.ProtoMarshaler{}
	for _, b := range *full {
		size := marshaler.LogsSize(b.logs)
		assert.LessOrEqual(t, size, b.bytes, "the estimate")
		assert.LessOrEqual(t, size, 1*mebibyte)
		assert.Equal(t, count(b.logs), b.open)
		written -= b.logs.LogRecordCount()
	}
	assert.Zero(t, written)
	assert.Greater(t, len(*full), 5)
}

// enlarge gives the event the largest texts that there are.
func enlarge(random *rand.Rand, e *event.Event, p *process.Process) {
	large := []byte(strings.Repeat("\xffx", 2048))
	e.Exec.Path, e.Exec.CWD, e.File.Path, e.Mount.Target = large, large, large, large
	e.Exec.Args = bytes.Repeat([]byte("a\x00"), 16384)
	if random.IntN(2) == 0 {
		e.Exec.Args = bytes.Repeat([]byte{0xff, 0}, 16384)
	}
	p.CWD, p.Cgroup = string(bytes.Repeat([]byte("ü"), 2048)), strings.Repeat("c", 4096)
	for range 14 {
		p.Ancestors = append(p.Ancestors, &process.Image{Path: strings.Repeat("a", 4096)})
	}
}

func TestABatchIsFullByNumberAndByAge(t *testing.T) {
	g, full := collected(Batch{MaxRecords: 3, MaxBytes: maxBatch, MaxAge: Interval(time.Second)})
	w, e, p := writer{}, samples()["mount"], sampleProcess()
	add := func(after time.Duration) {
		now := sampleNow.Add(after)
		g.end(now, e.Class, w.write(g.begin(now, resource{}), e, p, now))
	}
	add(0)
	add(0)
	assert.Empty(t, *full)
	add(0)
	assert.Len(t, *full, 1)
	add(0)
	g.flushOld(sampleNow.Add(999 * time.Millisecond))
	assert.Len(t, *full, 1)
	g.flushOld(sampleNow.Add(time.Second))
	assert.Len(t, *full, 2)
	add(0)
	add(2 * time.Second)
	assert.Len(t, *full, 3, "there may be no quiet moment")
	assert.Equal(t, 2, (*full)[2].logs.LogRecordCount())
}

func TestRecordsAreGroupedByContainer(t *testing.T) {
	g, full := collected(Batch{MaxRecords: 100, MaxBytes: maxBatch, MaxAge: Interval(time.Hour)})
	w, e := writer{}, samples()["mount"]
	for _, p := range []*process.Process{sampleProcess(), containerProcess(), sampleProcess(), containerProcess()} {
		g.end(sampleNow, e.Class, w.write(g.begin(sampleNow, resource{p.ContainerID, p.PodUID}), e, p, sampleNow))
	}
	g.flush()
	logs := (*full)[0].logs
	assert.Equal(t, 2, logs.ResourceLogs().Len())
	assert.Empty(t, logs.ResourceLogs().At(0).Resource().Attributes().AsRaw())
	assert.Equal(t, map[string]any{"container.id": strings.Repeat("c0ffee00", 8), "k8s.pod.uid": "2b0b1f3e-0000-4000-8000-1234567890ab"},
		logs.ResourceLogs().At(1).Resource().Attributes().AsRaw())
	for _, rl := range logs.ResourceLogs().All() {
		assert.Equal(t, 2, rl.ScopeLogs().At(0).LogRecords().Len())
		assert.Equal(t, 1, rl.ScopeLogs().Len())
	}
}

// TestARecordAllocatesLittle: pdata takes one allocation for each value; this
// adds the record, its attributes, its sentence, and what its lists take.
func TestARecordAllocatesLittle(t *testing.T) {
	for name, e := range samples() {
		p := sampleProcess()
		g, full := collected(Batch{MaxRecords: 1000, MaxBytes: maxBatch, MaxAge: Interval(time.Hour)})
		w := writer{maxArgs: maxArgs}
		n := testing.AllocsPerRun(2000, func() {
			g.end(sampleNow, e.Class, w.write(g.begin(sampleNow, resource{}), e, p, sampleNow))
			*full = (*full)[:0]
		})
		budget.Keep(t, "allocations/record/"+name, n, budget.Exact)
	}
}
