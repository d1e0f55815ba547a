package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func memoryPart() part {
	return part{
		name:  "idle",
		title: "A collector that has nothing to do",
		about: "The distribution with all metrics, static checks and log records, half a minute after its start, and over the minute that follows.",
		measure: func() (table, error) {
			t := table{Head: []string{"", "value"}}
			dir, err := os.MkdirTemp("", "bench")
			if err != nil {
				return t, err
			}
			defer func() { _ = os.RemoveAll(dir) }()
			c, err := startCollector(dir, idleConfig)
			if err != nil {
				return t, err
			}
			time.Sleep(30 * time.Second)
			before, err := processor(c.cmd.Process.Pid)
			if err == nil {
				time.Sleep(time.Minute)
				err = idles(&t, c.cmd.Process.Pid, before)
			}
			if stopErr := c.stop(); err == nil {
				err = stopErr
			}
			return t, err
		},
	}
}

const idleConfig = `
receivers:
  ebpfsecurity: {}
exporters:
  prometheus: {endpoint: "${env:BENCH_METRICS}", without_scope_info: true}
  debug: {verbosity: basic, use_internal_logger: false, output_paths: [/dev/null]}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [ebpfsecurity], exporters: [prometheus]}
    logs: {receivers: [ebpfsecurity], exporters: [debug]}
`

func idles(t *table, pid int, before float64) error {
	after, err := processor(pid)
	if err != nil {
		return err
	}
	for _, what := range []string{"VmRSS", "RssAnon", "RssFile"} {
		mb, err := memory(pid, what)
		if err != nil {
			return err
		}
		t.row(what, fmt.Sprintf("%.0f MB", mb))
	}
	t.row("processor", fmt.Sprintf("%.2f %% of one core", (after-before)/60*100))
	return nil
}

// processor is the time that the threads of a process have run, in seconds, as
// schedstat tells it in nanoseconds. Go ends no thread that it may use again.
func processor(pid int) (sum float64, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("process %d: no schedstat: %w", pid, errors.Join(err, os.ErrNotExist))
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		ran, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseFloat(ran, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %q: %w", file, b, err)
		}
		sum += ns / 1e9
	}
	return sum, nil
}

// memory is a line of /proc/PID/status, in megabytes of 10^6 bytes.
func memory(pid int, what string) (float64, error) {
	name := fmt.Sprintf("/proc/%d/status", pid)
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) > 1 && words[0] == what+":" {
			kib, err := strconv.ParseFloat(words[1], 64)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", name, what)
}
