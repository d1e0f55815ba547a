//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// ready is what a collector says when it runs.
const ready = "Everything is ready"

// startExample runs configs that have no receiver of ours, and waits until it runs.
func startExample(t *testing.T, env []string, configs ...string) *collector {
	t.Helper()
	cmd, own := withConfigs(t, env, configs...)
	c := launch(t, cmd)
	c.metrics = own
	eventually(t, "a collector that runs "+configs[0], func() bool { return c.runs(t) })
	return c
}

// runs says whether a collector is ready, and fails if it has ended.
func (c *collector) runs(t *testing.T) bool {
	t.Helper()
	select {
	case <-c.ended:
		t.Fatalf("the collector ended: %v", c.err)
	default:
	}
	return strings.Contains(c.output.String(), ready)
}

// watch runs configs that have the receiver, and lays over them that it watches
// the loads of the rig.
func (r *rig) watch(env []string, configs ...string) {
	r.Helper()
	metrics := freeAddress(r.T)
	env = append([]string{"E2E_DIR=" + r.dir, "E2E_METRICS=" + metrics}, env...)
	cmd, own := withConfigs(r.T, env, append(configs, "internal/e2e/testdata/watch.yaml")...)
	r.own = own
	r.collector = startCommand(r.T, cmd, "http://"+metrics+"/metrics")
}

// withConfigs also tells where the metrics of the collector about itself will be.
func withConfigs(t *testing.T, env []string, configs ...string) (cmd *exec.Cmd, own string) {
	t.Helper()
	own = freeAddress(t)
	_, port, err := net.SplitHostPort(own)
	fatal(t, err)
	var args []string
	for _, config := range configs {
		args = append(args, "--config", config)
	}
	cmd = command(args...)
	cmd.Env = append(append(os.Environ(), "OTELCOL_METRICS_PORT="+port), env...)
	return cmd, "http://" + own + "/metrics"
}

// settledTo waits until so many opens and executions of the loads have their outcome.
func (r *rig) settledTo(opens, execs uint64) (l ledger) {
	r.Helper()
	now := time.Now()
	eventually(r.T, fmt.Sprintf("a ledger that balances, of %d opens and %d executions", opens, execs), func() bool {
		l = readLedger(r.page())
		return l.at.After(now) && l.off("file_open") == 0 && l.off("exec") == 0 &&
			l.of("file_open", "observed") == opens && l.of("exec", "reported")+l.lost("exec") >= execs
	})
	return l
}

// lines are those of a page of metrics that begin so.
func lines(t *testing.T, url, begin string) (found []string) {
	t.Helper()
	page, err := get(url)
	fatal(t, err)
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, begin) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
