//go:build e2e

// Package e2e runs the built distribution as a user would. BIN names it.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	quickstart = "examples/quickstart.yaml"
	metricsURL = "http://127.0.0.1:9102/metrics"
	patience   = 3 * time.Minute
)

// command is the distribution with arguments, in the directory a user is in.
func command(args ...string) *exec.Cmd {
	bin := os.Getenv("BIN")
	if bin == "" {
		bin = "bin/otelcol-ebpfsecurity"
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir = filepath.Join("..", "..")
	return cmd
}

// An output is what a program says, which may be asked for at any time.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// A collector is a running distribution.
type collector struct {
	cmd     *exec.Cmd
	metrics string // where it shows them
	output  *output
	ended   chan struct{}
	err     error // how it ended
}

// start runs the distribution with the quickstart and waits for its metrics.
func start(t *testing.T) *collector {
	t.Helper()
	return startCommand(t, command("--config", quickstart), metricsURL)
}

// startCommand runs a command and waits for its metrics.
func startCommand(t *testing.T, cmd *exec.Cmd, metrics string) *collector {
	t.Helper()
	if _, err := get(metrics); err == nil {
		t.Fatalf("something else answers at %s already", metrics)
	}
	c := launch(t, cmd)
	c.metrics = metrics
	eventually(t, "metrics at "+metrics, func() bool {
		page, err := c.scrape()
		return err == nil && strings.Contains(page, "security_ebpf_up")
	})
	return c
}

// launch runs a command until the test ends.
func launch(t *testing.T, cmd *exec.Cmd) *collector {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the collector sees the kernel only as root: run this as root")
	}
	c := &collector{cmd: cmd, output: &output{}, ended: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		c.err = c.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // if it runs still
		<-c.ended
		if t.Failed() {
			t.Logf("the collector said:\n%s", c.output)
		}
	})
	return c
}

// stop asks the collector to end as systemd does and waits for it.
func (c *collector) stop(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.ended:
		if c.err != nil {
			t.Errorf("after SIGTERM: %v", c.err)
		}
	case <-time.After(patience):
		t.Error("the collector does not end after SIGTERM")
	}
}

// scrape is what Prometheus would read.
func (c *collector) scrape() (string, error) { return get(c.metrics) }

func get(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", errors.New(response.Status)
	}
	page, err := io.ReadAll(response.Body)
	return string(page), err
}

// eventually waits for what counters show only after the next collection.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for: %s", patience, what)
		}
	}
}
