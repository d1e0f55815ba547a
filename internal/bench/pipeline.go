package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var rates = []int{10_000, 50_000, 200_000, 500_000} // events a second

const (
	loadSeconds = 10
	mostEvents  = 2_000_000
	oneLoad     = 200_000 // events a second that one process surely makes
)

func pipelinePart() part {
	return part{
		name:  "pipeline",
		title: "A whole collector under load",
		about: "The distribution while a watched file is opened, each open a record, ten seconds long or two million times: " +
			"its processor seconds, until all is delivered, for each million of opens that were made, and its resident memory at most. " +
			"`door` is an exporter that does nothing with records. The file is protobuf with zstd. Kafka and OTLP gRPC have the " +
			"exporters of examples/kafka-otlp.yaml (JSON with zstd) and examples/otlp.yaml, with their queue on the disk and without one. " +
			"`metrics only` has no pipeline of logs: the kernel counts, and nobody is told of an event. " +
			"The loads and what takes the records run on the same machine and are not counted; the two loads of 500,000 go before the collector " +
			"where the processors do not suffice for all.",
		measure: measurePipeline,
	}
}

const cpuColumn = "CPU s per million"

var flowHead = []string{"outlet", "opens/s asked", "made/s", cpuColumn, "RSS peak MB", "lost", "sampled", "ledger"}

func measurePipeline() (table, error) {
	t := table{Head: flowHead}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return t, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	load, err := buildLoad(dir)
	if err != nil {
		return t, err
	}
	var idle, flows float64
	for _, o := range outlets {
		for _, rate := range rates {
			f, err := measureFlow(o, load, rate)
			if err != nil {
				return t, fmt.Errorf("%s at %d/s: %w", o.name, rate, err)
			}
			t.row(f.cells()...)
			fmt.Fprintln(os.Stderr, strings.Join(f.cells(), "  "))
			idle += f.idle
			flows++
		}
	}
	t.Notes = []string{
		fmt.Sprintf("From the processor seconds are taken those of a collector without load, which collects each second: %.1f ms a second.", idle/flows*1000),
		"By default the receiver looks every 10 s whether to sample: loads as short as these are sampled late, or not at all.",
	}
	return t, nil
}

// buildLoad makes the program that opens files.
func buildLoad(dir string) (string, error) {
	load := filepath.Join(dir, "load")
	c := exec.Command("go", "test", "-c", "-tags", "e2e", "-o", load, "./internal/e2e")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", c, err, tail(string(out)))
	}
	return load, nil
}

// A flow is what became of the events of one load.
type flow struct {
	outlet      string
	asked       int // events a second
	made        uint64
	took        time.Duration
	cpu         float64 // seconds
	idle        float64 // of that without load, in a second
	peak        float64 // MB
	ledger      map[string]uint64
	undelivered int64 // records
}

func (f flow) cells() []string {
	lost := f.ledger["lost_ring"] + f.ledger["lost_batch"] + f.ledger["refused"]
	return []string{
		f.outlet,
		strconv.Itoa(f.asked),
		fmt.Sprintf("%.0f", float64(f.made)/f.took.Seconds()),
		fmt.Sprintf("%.2f", f.cpu/float64(f.made)*1e6),
		fmt.Sprintf("%.0f", f.peak),
		f.share(lost),
		f.share(f.ledger["sampled"]),
		f.balance(),
	}
}

// share is a number of events, and how much of all that is.
func (f flow) share(n uint64) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%.1f %%)", n, float64(n)/float64(f.made)*100)
}

func (f flow) balance() string {
	var off []string
	if d := int64(f.ledger["observed"]) - int64(f.made); d != 0 {
		off = append(off, fmt.Sprintf("%+d observed", d))
	}
	if n := onTheWay(f.ledger); n != 0 {
		off = append(off, fmt.Sprintf("%d without outcome", n))
	}
	if f.undelivered != 0 {
		off = append(off, fmt.Sprintf("%d not delivered", f.undelivered))
	}
	if off == nil {
		return "balanced"
	}
	return strings.Join(off, ", ")
}

// measureFlow starts a collector and what its records go to, both new, for one load.
func measureFlow(o outlet, load string, rate int) (f flow, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "watched")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return f, err
	}
	address, end, err := o.serve(dir)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, end()) }()
	own, err := freeAddress()
	if err != nil {
		return f, err
	}
	c, err := startCollector(dir, o.config(dir, file, address, own))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	f.outlet, f.asked = o.name, rate
	err = f.pass(c, "http://"+own+"/metrics", load, file)
	return f, err
}
