package main

import (
	"fmt"
	"os"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/cure"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

type options struct {
	root, btf string
	never     bool // no programs that slow every syscall
}

// A report is what there is to say about a host.
type report struct {
	Host host `json:"host"`
	// Records says why there are no log records of events, "" if there are.
	Records string  `json:"records"`
	Hooks   []hook  `json:"hooks"`
	Checks  []state `json:"checks"`
	// Missing is what the sensor does not see, in one line each.
	Missing []string `json:"missing"`
}

// A hook is one thing that is watched, and what serves it.
type hook struct {
	Name    string    `json:"name"`
	Program string    `json:"program"` // "none" if none
	Slows   bool      `json:"slows_syscalls"`
	Tried   []attempt `json:"tried"`
	Cure    string    `json:"cure,omitempty"`
}

// An attempt is a program that could not be used, and why.
type attempt struct {
	Program string `json:"program"`
	// Companion says that the hook is served without it, and tells less.
	Companion bool   `json:"companion,omitempty"`
	Refusal   string `json:"refusal"`
}

// A state is how a check went.
type state struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// examine looks at the host. What it puts into the kernel is gone afterwards.
func examine(o options) *report {
	r := &report{Host: lookAt(o), Missing: []string{}}
	s := sensor.Open(o.everything())
	if err := s.Reports(); err != nil {
		r.Records = cure.Line(err)
		r.miss("log records of events: %s", r.Records)
	}
	here := cure.Look()
	for _, h := range s.Hooks() {
		r.addHook(h, here)
	}
	if err := s.Close(); err != nil {
		r.miss("the programs cannot be removed: %s", cure.Line(err))
	}
	for _, c := range r.Host.Capabilities {
		if c.Needed && !c.Held {
			r.miss("%s, %s", c.Name, c.For)
		}
	}
	r.runChecks(o.root)
	return r
}

func (r *report) miss(format string, args ...any) {
	r.Missing = append(r.Missing, fmt.Sprintf(format, args...))
}

// everything is all that a receiver may be told to watch.
func (o options) everything() sensor.Options {
	const ring = 1 << 16
	report := sensor.Report{FailedOpens: true, MissingExecs: true}
	for class := range report.Classes {
		report.Classes[class] = true
	}
	for priority := range report.Rings {
		report.Rings[priority] = ring
	}
	return sensor.Options{
		Process: true, Network: true, File: true, Privilege: true, Kernel: true,
		Watch:    []sensor.Watch{{Path: "/etc/shadow", Severity: event.Critical, Read: true, Write: true}},
		RootPath: o.root, BTF: o.btf, SyscallTracepoints: !o.never,
		Report: report,
	}
}

func (r *report) addHook(h sensor.Hook, here cure.Host) {
	out := hook{Name: h.Name, Program: h.Program, Slows: h.SyscallTracepoints, Tried: []attempt{}}
	for _, a := range h.Tried {
		if a.Err != nil {
			out.Tried = append(out.Tried, attempt{a.Program, a.Companion, cure.Line(a.Err)})
		}
	}
	if h.Program == "" {
		out.Program = "none"
		out.Cure = here.For(h.Err)
		if h.Tried == nil {
			out.Tried = []attempt{{"all", false, cure.Line(h.Err)}}
		}
		r.miss("the hook %s", h.Name)
	}
	r.Hooks = append(r.Hooks, out)
}

// runChecks runs each check once.
func (r *report) runChecks(root string) {
	dir, err := check.OpenRoot(root)
	if err != nil {
		r.miss("the host's configuration: %s", cure.Line(err))
		return
	}
	// dir stays open: a check that hangs may read from it, and the process ends soon.
	prepare := func(h *check.Host) {
		check.Prepare(h)
		h.Legacy = sensor.Iptables{}
	}
	ran := make(chan check.Outcome)
	stopped := make(chan struct{})
	o := check.DefaultOptions()
	o.Interval, o.SlowInterval = time.Hour, time.Hour // once
	runner := check.NewRunner(dir, o, prepare, func(o check.Outcome, _ []check.Change) {
		select {
		case ran <- o:
		case <-stopped:
		}
	})
	runner.Start()
	for range check.All() {
		r.addCheck(<-ran)
	}
	close(stopped)
	runner.Close()
}

func (r *report) addCheck(o check.Outcome) {
	s := state{Name: o.Check, Status: o.Status.String()}
	if o.Err != nil {
		s.Reason = cure.Line(o.Err)
	}
	if o.Status != check.OK {
		r.miss("the check %s, or a part of it: %s", o.Check, s.Status)
	}
	r.Checks = append(r.Checks, s)
}

// exists says whether there is a file of this name.
func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
