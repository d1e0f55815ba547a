//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// gone finds the processes of which the kernel did not tell that they ended.
// Since Linux 7.0 a task can be preempted in the middle of a program, and the
// kernel skips the program for all that reach it meanwhile on the same CPU.
type gone struct {
	missed uint64 // runs of process programs that the kernel has skipped
	looked uint64 // as of when the processes were looked for
	round  uint32
	ended  [event.ProcessTypes]uint64
}

// find lets the kernel mark the processes that are there and removes the others,
// if since the last time it has skipped a program. Who removes a process counts it.
func (g *gone) find(s *Sensor) error {
	if g.missed == g.looked || !s.seesAll() {
		return nil
	}
	g.round++
	if err := s.maps.Variables[bpfVarProcessRound].Set(g.round); err != nil {
		return fmt.Errorf("begin to look for ended processes: %w", err)
	}
	for _, served := range s.serving {
		if served.name != bpfProgProcessKnown {
			continue
		}
		if err := served.run(); err != nil {
			return err
		}
		if err := g.remove(s.maps.Maps[bpfMapProcesses]); err != nil {
			return err
		}
		g.looked = g.missed
	}
	return nil
}

// seesAll is false where only the processes of a pid namespace can be walked over.
func (s *Sensor) seesAll() bool {
	for _, h := range s.hooks {
		if h.Name == "process.existing" {
			return h.Program != ""
		}
	}
	return false
}

// remove takes away what was not marked.
func (g *gone) remove(processes *ebpf.Map) error {
	var tgid uint32
	var p bpfProcess
	unmarked := make(map[uint32]uint32)
	all := processes.Iterate()
	for all.Next(&tgid, &p) {
		if p.Round != g.round {
			unmarked[tgid] = p.Type
		}
	}
	errs := []error{all.Err()}
	for tgid, as := range unmarked {
		err := processes.Delete(tgid)
		if err == nil {
			g.ended[as%uint32(event.ProcessTypes)]++
		} else if !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove an ended process: %w", err))
		}
	}
	return errors.Join(errs...)
}
