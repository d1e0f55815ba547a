package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const distribution = "bin/otelcol-ebpfsecurity"

// A collector is the built distribution at work.
type collector struct {
	cmd     *exec.Cmd
	metrics string // URL
	log     string // file
}

// startCollector runs a config, of which ${env:BENCH_METRICS} is where the prometheus exporter listens, and
// waits until it has metrics.
func startCollector(dir, config string) (*collector, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	file := filepath.Join(dir, "config.yaml")
	if err := errors.Join(l.Close(), os.WriteFile(file, []byte(config), 0o600)); err != nil {
		return nil, err
	}
	c := &collector{cmd: exec.Command(distribution, "--config", file), metrics: "http://" + address + "/metrics", log: filepath.Join(dir, "log")}
	out, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the process has its own
	c.cmd.Env = append(os.Environ(), "BENCH_METRICS="+address)
	c.cmd.Stdout, c.cmd.Stderr = out, out
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if l, err := c.ledger("exec"); err == nil && l != nil {
			return c, nil
		}
	}
	return nil, errors.Join(errors.New("the collector shows no metrics within a minute"), c.stop())
}

// stop ends it, and tells what its log has if it does not end well.
func (c *collector) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	if err := c.cmd.Wait(); err != nil {
		text, _ := os.ReadFile(c.log)
		return fmt.Errorf("%s: %w: %s", distribution, err, tail(string(text)))
	}
	return nil
}

// ledger is what became of the events of a class, by outcome; nil if that is not told yet.
func (c *collector) ledger(class string) (map[string]uint64, error) {
	r, err := http.Get(c.metrics)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Body.Close() }()
	return ledgerOf(r.Body, class)
}

func ledgerOf(page io.Reader, class string) (map[string]uint64, error) {
	var l map[string]uint64
	lines := bufio.NewScanner(page)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), `security_ebpf_events_total{class="`+class+`",outcome="`)
		if !ok {
			continue
		}
		outcome, figure, _ := strings.Cut(rest, `"} `)
		n, err := strconv.ParseFloat(figure, 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		if l == nil {
			l = make(map[string]uint64)
		}
		l[outcome] = uint64(n)
	}
	return l, lines.Err()
}

// settled waits until no event of a class is on its way, and no more come, and tells how many were reported.
func (c *collector) settled(class string) (uint64, error) {
	var before, l map[string]uint64
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Second) {
		var err error
		if before, l = l, nil; err == nil {
			l, err = c.ledger(class)
		}
		if err != nil {
			return 0, err
		}
		if before["observed"] == l["observed"] && onTheWay(l) == 0 {
			return l["reported"], nil
		}
	}
	return 0, fmt.Errorf("the ledger of %s does not settle within a minute: %v", class, l)
}

func onTheWay(l map[string]uint64) int64 {
	n := int64(l["observed"])
	for outcome, of := range l {
		if outcome != "observed" {
			n -= int64(of)
		}
	}
	return n
}
