//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// A tail is a second collector, which writes what it takes over OTLP to files.
type tail struct {
	*collector
	*trail
	t          *testing.T
	env        []string
	grpc, http string
	dir        string
}

func newTail(t *testing.T, c certificates) *tail {
	t.Helper()
	tl := &tail{trail: newTrail(t), t: t, grpc: freeAddress(t), http: freeAddress(t), dir: t.TempDir()}
	tl.env = append(c.server(), "GATEWAY_GRPC="+tl.grpc, "GATEWAY_HTTP="+tl.http, "TAIL_DIR="+tl.dir)
	tl.start()
	return tl
}

func (tl *tail) start() {
	tl.t.Helper()
	tl.collector = startExample(tl.t, tl.env, "examples/gateway-tail.yaml", "examples/gateway-tls.yaml")
}

// arrived is the trail of all that is in the file of events.
func (tl *tail) arrived() *trail {
	tl.t.Helper()
	tl.follow(filepath.Join(tl.dir, "events.json"))
	return tl.trail
}

// ledger is the last one that arrived.
func (tl *tail) ledger() (l ledger) {
	tl.t.Helper()
	page, err := os.ReadFile(filepath.Join(tl.dir, "metrics.json"))
	fatal(tl.t, err)
	for line := range bytes.Lines(page) {
		metrics, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
		if err != nil {
			continue // it is being written
		}
		if next := ledgerOf(metrics); next.at.After(l.at) {
			l = next
		}
	}
	return l
}
