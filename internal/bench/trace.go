package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func tracePart() part {
	return part{
		name:  "trace",
		title: "Where the added instructions go",
		about: "On Debian's Linux 6.12 amd64, where QEMU writes down every single instruction of some seconds: those of our programs, by name, and of " +
			"what the kernel does for them only, for one operation, and how often each is called. Nothing is subtracted from anything, so a " +
			"figure has no noise of memory management in it.",
		measure: measureTrace,
	}
}

var traceHead = []string{"operation", "where", "counters", "its calls", usualWay, "calls"}

const (
	traceWatch = 4 * time.Second // some million instructions
	traceMark  = "__x64_sys_getppid"
)

func measureTrace() (table, error) {
	t := table{Head: traceHead}
	all, err := traceAll("counters", "default")
	for _, op := range all {
		for _, cells := range traceRows(op.ways[0], op.ways[1]) {
			t.row(append([]string{op.name}, cells...)...)
		}
	}
	return t, err
}

// A tracedOp is an operation with what it took in each of the ways that were asked for.
type tracedOp struct {
	name string
	ways []trace
}

func traceAll(ways ...string) (all []tracedOp, err error) {
	dir, err := filepath.Abs("build/trace")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }() // gigabytes
	operations, err := traceVM(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range operations {
		op := tracedOp{name: name}
		for _, way := range ways {
			t, err := readTrace(dir, way, name)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", way, name, err)
			}
			op.ways = append(op.ways, t)
		}
		all = append(all, op)
	}
	return all, nil
}

// traceVM runs the operations in a VM, and writes into dir what ran, as
// WAY-OPERATION.log, and where the kernel's functions are, as WAY.
func traceVM(dir string) (operations []string, err error) {
	binary, err := buildBenchmarks("amd64")
	if err != nil {
		return nil, err
	}
	c := exec.Command("../../testdata/kernels/run-in-kernel.sh", "run", "amd64:6.12", "-a", "nokaslr mitigations=auto", "--",
		binary, "-test.run", "^$", "-test.bench", "^BenchmarkTraced$", "-test.benchtime", "1x")
	c.Dir = "internal/sensor"
	c.Env = append(append(os.Environ(), vmEnv("amd64")...), "COST_TRACE="+dir, "RIK_ENV=COST_TRACE", "RIK_OUT="+dir)
	for i, e := range c.Env {
		if strings.HasPrefix(e, "RIK_QEMU=") {
			c.Env[i] = e + " -monitor unix:" + dir + "/monitor,server,nowait -D " + dir + "/log"
		}
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var errs strings.Builder
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		return nil, err
	}
	var failed error
	for lines := bufio.NewScanner(out); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || words[0] != "traced" {
			continue
		}
		if words[1] == "counters" {
			operations = append(operations, words[2])
		}
		failed = errors.Join(failed, watch(dir, words[1]+"-"+words[2]))
	}
	if err := errors.Join(failed, c.Wait()); err != nil {
		return nil, fmt.Errorf("%w: %s", err, tail(errs.String()))
	}
	if len(operations) == 0 {
		return nil, errors.New("the VM did no operation")
	}
	return operations, nil
}

// watch lets QEMU write each instruction for a while. What a version of QEMU
// does not know of these commands (one-insn-per-tb was singlestep before 8.1)
// it ignores.
func watch(dir, name string) error {
	m, err := net.Dial("unix", filepath.Join(dir, "monitor"))
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	go func() { _, _ = io.Copy(io.Discard, m) }()
	log := filepath.Join(dir, "log")
	for _, step := range []struct {
		command string
		wait    time.Duration
	}{
		{"logfile " + log, 0},
		{"singlestep on\none-insn-per-tb on", 0},
		{"log exec,nochain", traceWatch},
		{"log none", 0},
		{"singlestep off\none-insn-per-tb off", 0},
	} {
		if _, err := fmt.Fprintln(m, step.command); err != nil {
			return err
		}
		time.Sleep(step.wait + 200*time.Millisecond)
	}
	return os.Rename(log, filepath.Join(dir, name+".log"))
}
