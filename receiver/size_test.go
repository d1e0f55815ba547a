package receiver

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/budget"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestARecordIsSmall: executions as a script makes them, in a batch of the
// default size, as the file exporter writes it and as OTLP sends it.
func TestARecordIsSmall(t *testing.T) {
	sink := new(consumertest.LogsSink)
	r, s := readerTo(t, sink)
	chance := rand.New(rand.NewPCG(1, 2))
	const n = 1000
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range uint32(n) {
		at = at.Add(time.Duration(chance.IntN(1_600_000)))
		r.now = at.Add(-at.Sub(at.Truncate(100 * time.Millisecond))) // of the round that read it
		r.Event(scriptExec(chance, at, 5000+i+i/8))
	}
	r.end(at)
	require.NoError(t, s.stop(t.Context()))
	require.Equal(t, n, sink.LogRecordCount())
	all := sink.AllLogs()
	require.Len(t, all, 1)

	proto, err := (&plog.ProtoMarshaler{}).MarshalLogs(all[0])
	require.NoError(t, err)
	json, err := (&plog.JSONMarshaler{}).MarshalLogs(all[0])
	require.NoError(t, err)
	budget.Keep(t, "bytes/exec/otlp_proto", float64(len(proto))/n, budget.Exact)
	budget.Keep(t, "bytes/exec/otlp_proto_zstd", float64(compressed(t, proto))/n, budget.Compressed)
	budget.Keep(t, "bytes/exec/otlp_json", float64(len(json))/n, budget.Exact)
	budget.Keep(t, "bytes/exec/otlp_json_zstd", float64(compressed(t, json))/n, budget.Compressed)
}

func compressed(t *testing.T, b []byte) int {
	e, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return len(e.EncodeAll(b, nil))
}

// scriptExec is one of the programs that a script runs on files, which differ.
func scriptExec(chance *rand.Rand, at time.Time, pid uint32) *event.Event {
	programs := []string{"cat", "grep", "sed", "stat", "basename", "dirname", "cp", "mv", "rm", "ls", "sort", "head", "cut", "date", "install", "tar"}
	name := programs[chance.IntN(len(programs))]
	file := fmt.Sprintf("/usr/share/%s/%s", []string{"doc", "man", "perl", "icons"}[chance.IntN(4)], word(chance))
	started := uint64(at.UnixNano()) - uint64(chance.IntN(2_000_000))
	return anEvent(event.Exec, func(e *event.Event) {
		ran1("/usr/bin/"+name, name, "-"+string(rune('a'+chance.IntN(26))), file)(e)
		e.Time = at.UnixNano()
		a := &e.Actor
		a.PID, a.TID, a.VPID, a.ParentPID = pid, pid, pid, 1000
		a.Start, a.Image = started, uint64(pid)
		a.ParentStart, a.ParentImage = 1, 1
		a.Comm = [16]byte{}
		copy(a.Comm[:15], name)
	})
}

func word(chance *rand.Rand) string {
	var b strings.Builder
	for range 4 + chance.IntN(8) {
		b.WriteByte("etaoinshrdlucmfwyp"[chance.IntN(18)])
	}
	return b.String()
}
