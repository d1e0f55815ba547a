package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pass has a load make the events, and waits until they are delivered.
func (f *flow) pass(c *collector, own, load, file string) error {
	const rest = 5 * time.Second
	pid := c.cmd.Process.Pid
	time.Sleep(rest) // after a start there is more to do
	begun, err := processor(pid)
	if err != nil {
		return err
	}
	time.Sleep(rest)
	before, err := processor(pid)
	if err != nil {
		return err
	}
	start := time.Now()
	f.idle = (before - begun) / rest.Seconds()
	// The kernel forgets the peak (proc(5)).
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return err
	}
	if f.made, f.took, err = makeOpens(load, file, f.asked); err != nil {
		return err
	}
	if f.ledger, f.undelivered, err = delivered(c, own); err != nil {
		return err
	}
	after, err := processor(pid)
	if err != nil {
		return err
	}
	f.cpu = max(0, after-before-f.idle*time.Since(start).Seconds())
	f.peak, err = memory(pid, "VmHWM")
	return err
}

// makeOpens tells how many opens were made, and how long that took.
func makeOpens(load, file string, rate int) (made uint64, took time.Duration, err error) {
	processes := 1
	if rate > oneLoad {
		processes = 2
	}
	n := min(rate*loadSeconds, mostEvents)
	mades, tooks, errs := make([]uint64, processes), make([]time.Duration, processes), make([]error, processes)
	var all sync.WaitGroup
	for i := range processes {
		all.Go(func() { mades[i], tooks[i], errs[i] = makeSome(load, file, n/processes, rate/processes) })
	}
	all.Wait()
	for i := range processes {
		made += mades[i]
		took = max(took, tooks[i])
	}
	return made, took, errors.Join(errs...)
}

func makeSome(load, file string, n, rate int) (made uint64, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	command := []string{load, file, strconv.Itoa(n), strconv.Itoa(rate)}
	if rate > oneLoad { // or the collector takes the time that these take to make
		command = append([]string{"nice", "-n", "-20"}, command...)
	}
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = append(os.Environ(), "E2E_DEED=open")
	out, err := c.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w: %s", c, err, tail(string(out)))
	}
	return readDone(string(out))
}

// readDone reads what a load says that it did.
func readDone(out string) (made uint64, took time.Duration, err error) {
	var ms uint64
	if _, err := fmt.Sscanf(out, "file_open %d\nmilliseconds %d", &made, &ms); err != nil || ms == 0 {
		return 0, 0, fmt.Errorf("a load said %q: %w", out, errors.Join(err, errors.New("not how much it did and how long")))
	}
	return made, time.Duration(ms) * time.Millisecond, nil
}

// delivered waits, for some time, until all events have an outcome and all
// records are delivered. It tells how many are not: given up, or on the way.
func delivered(c *collector, own string) (ledger map[string]uint64, off int64, err error) {
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		before := ledger
		if ledger, err = c.ledger("file_open"); err != nil {
			return nil, 0, err
		}
		accepted, sent, err := records(own)
		if err != nil {
			return nil, 0, err
		}
		off = max(accepted, int64(ledger["reported"])) - sent
		// What two collections tell alike is all.
		if maps.Equal(before, ledger) && onTheWay(ledger) == 0 && off == 0 {
			break
		}
		time.Sleep(2 * time.Second)
	}
	return ledger, off, nil
}

// records are those that the pipeline took, and those that it delivered.
func records(own string) (accepted, sent int64, err error) {
	r, err := http.Get(own)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = r.Body.Close() }()
	return recordsOf(r.Body)
}

func recordsOf(page io.Reader) (accepted, sent int64, err error) {
	lines := bufio.NewScanner(page)
	for lines.Scan() {
		name, _, _ := strings.Cut(lines.Text(), "{")
		var sum *int64
		switch name {
		case "otelcol_receiver_accepted_log_records":
			sum = &accepted
		case "otelcol_exporter_sent_log_records":
			sum = &sent
		default:
			continue
		}
		n, err := strconv.ParseFloat(lines.Text()[strings.LastIndexByte(lines.Text(), ' ')+1:], 64)
		if err != nil {
			return 0, 0, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		*sum += int64(n)
	}
	return accepted, sent, lines.Err()
}
