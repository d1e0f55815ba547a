//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// Count reads all counters, with one call for those of all CPUs, and looks
// where the watched files are now. Counts are returned even beside an error.
// It is not safe for concurrent use.
func (s *Sensor) Count() (Counts, error) {
	if s.maps == nil {
		return Counts{}, nil
	}
	missed, err := s.missed()
	if err == nil {
		err = s.gone.find(s)
	}
	if err := s.maps.Maps[bpfMapCounters].Lookup(uint32(0), &s.perCPU); err != nil {
		return Counts{}, fmt.Errorf("read counters: %w", err)
	}
	t := sum(s.perCPU)
	for as, n := range s.gone.ended {
		t.Exit[as] += n
		t.Active[as] -= int64(n)
	}
	if missed > t.Caught { // which is younger, and may be ahead
		s.lost = max(s.lost, missed-t.Caught)
	}
	return Counts{
		Exec: t.Exec, Exit: t.Exit, Active: t.Active,
		Connect: t.Connect, ConnectActive: t.ConnectActive, ConnectError: t.ConnectError,
		FileAccess: t.FileAccess, Escalation: t.Escalation, Module: t.Module, BPF: t.Bpf,
		Untracked: t.Untracked, Ledger: ledger(&t.Ledger), Missed: s.lost,
	}, errors.Join(err, s.watched.refresh())
}

// sum adds up the copies of all CPUs. All fields are 64 bits wide and wrap as one.
func sum(perCPU []bpfCounts) bpfCounts {
	var total bpfCounts
	t := words(&total)
	for i := range perCPU {
		for j, n := range words(&perCPU[i]) {
			t[j] += n
		}
	}
	return total
}

func words(c *bpfCounts) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(c)), unsafe.Sizeof(*c)/8)
}

// missed is how often the kernel did not run a program because it was running on
// that CPU already (bpf_prog_info.recursion_misses, Linux 5.12).
func (s *Sensor) missed() (uint64, error) {
	var total uint64
	s.gone.missed = 0
	for _, served := range s.serving {
		stats, err := served.program.Stats()
		if err != nil {
			return total, fmt.Errorf("read statistics of %s: %w", served.name, err)
		}
		if served.name != bpfProgTcpStateElse { // does nothing where it is skipped
			total += stats.RecursionMisses
		}
		if strings.HasPrefix(served.hook, "process.") {
			s.gone.missed += stats.RecursionMisses
		}
	}
	return total, nil
}
