//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A rig is the distribution between a load and a consumer.
type rig struct {
	*testing.T
	*collector
	consumer *sink
	own      string // metrics of the collector about itself

	dir         string
	watched     string // a file
	secret      string // one that suspicious programs open
	runs        string // a program
	dropped     string // a suspicious one
	droppedLoad string
	cgroups     []string // that loads join
}

// newRig starts the distribution with options such as "sampling::interval: 1s" of events.
func newRig(t *testing.T, options ...string) *rig {
	t.Helper()
	r, cmd, metrics := prepareRig(t, options...)
	r.collector = startCommand(t, cmd, metrics)
	return r
}

// prepareRig does not start the distribution yet, and says where its metrics will be.
func prepareRig(t *testing.T, options ...string) (r *rig, cmd *exec.Cmd, url string) {
	t.Helper()
	r = newLoads(t)
	r.consumer = newSink(t)
	metrics, own := freeAddress(t), freeAddress(t)
	_, port, err := net.SplitHostPort(own)
	fatal(t, err)
	r.own = "http://" + own + "/metrics"
	args := []string{"--config", "internal/e2e/testdata/ledger.yaml"}
	for _, o := range options {
		args = append(args, "--config", "yaml:receivers::ebpfsecurity::events::"+o)
	}
	cmd = command(args...)
	cmd.Env = append(os.Environ(), "E2E_DIR="+r.dir, "E2E_METRICS="+metrics, "E2E_OWN_PORT="+port,
		"E2E_CONSUMER="+r.consumer.Listener.Addr().String())
	return r, cmd, "http://" + metrics + "/metrics"
}

// newLoads is a rig with what loads need and nothing that watches them.
func newLoads(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, dir: t.TempDir()}
	self, err := os.Executable()
	fatal(t, err)
	binary, err := os.ReadFile(self)
	fatal(t, err)
	r.write("load", binary)
	r.watched = r.write("watched/file", nil)
	r.secret = r.write("watched/secret", nil)
	r.runs = r.write("runs", program())
	r.dropped = r.write("dropped/runs", program())
	r.droppedLoad = r.write("dropped/load", binary)
	fatal(t, os.Mkdir(filepath.Join(r.dir, "mnt"), 0o700))
	return r
}

func (r *rig) write(name string, content []byte) string {
	path := filepath.Join(r.dir, name)
	fatal(r, os.MkdirAll(filepath.Dir(path), 0o755))
	fatal(r, os.WriteFile(path, content, 0o755))
	return path
}

// A load is a process that does things.
type load struct {
	*exec.Cmd
	r      *rig
	stdin  io.Closer
	output bytes.Buffer
}

// begin has a process do a deed, in namespaces of its own: that makes it, and
// the programs that it runs, of the type container, of which there are few others.
func (r *rig) begin(deed string, args ...string) *load {
	r.Helper()
	return r.beginAs(filepath.Join(r.dir, "load"), deed, args...)
}

func (r *rig) beginAs(program, deed string, args ...string) *load {
	r.Helper()
	l := &load{Cmd: exec.Command(program, args...), r: r}
	l.Env = append(os.Environ(), "E2E_DEED="+deed, joins+"="+strings.Join(r.cgroups, ":"))
	l.Stdout, l.Stderr = &l.output, &l.output
	l.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	var err error
	l.stdin, err = l.StdinPipe()
	fatal(r, err)
	fatal(r, l.Start())
	r.Cleanup(func() { _ = l.Process.Kill() })
	return l
}

// did waits for the end and tells how many events of which class the process says that it made.
func (l *load) did() map[string]uint64 {
	l.r.Helper()
	_ = l.stdin.Close()
	if err := l.Wait(); err != nil {
		l.r.Fatalf("%v: %v: %s", l.Args, err, &l.output)
	}
	did := make(map[string]uint64)
	for line := range strings.Lines(l.output.String()) {
		var class string
		var n uint64
		if _, err := fmt.Sscan(line, &class, &n); err != nil {
			l.r.Fatalf("%v: %q: %v", l.Args, line, err)
		}
		did[class] = n
	}
	ms := did[took]
	delete(did, took)
	l.r.Logf("done in %d ms: %v", ms, did)
	return did
}

// do does a deed.
func (r *rig) do(deed string, args ...string) map[string]uint64 {
	r.Helper()
	return r.begin(deed, args...).did()
}

// settled waits until the ledger balances, and says what arrived and what did
// not, of all that was done until now.
func (r *rig) settled() (page string, l ledger, a arrivals) {
	r.Helper()
	now := time.Now()
	defer func() { r.Logf("the ledger:\n%s", l.table(&a)) }()
	eventually(r.T, "a ledger that balances", func() bool {
		a = r.consumer.arrived()
		page = r.page()
		l = readLedger(page)
		return l.at.After(now) && l.balances() && l.agrees(&a)
	})
	return page, l, a
}

// page has the metrics of the last collection.
func (r *rig) page() string {
	page, err := r.scrape()
	if err != nil {
		r.Logf("no metrics: %v", err)
	}
	return page
}

// freeAddress is one that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
