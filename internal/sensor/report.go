//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// argsMax is ARGS_MAX in bpf/event.h.
const argsMax = 32767

// socketOwners is of how many TCP connections it is remembered who connected or accepted them.
const socketOwners = 16384

// wakeAt is the part of a ring that is filled before its reader is woken.
const wakeAt = 8

// configureReport sets what must be known of records before there are maps and
// programs. Without ring buffers (Linux 5.8) nothing is reported.
func configureReport(spec *ebpf.CollectionSpec, o Options) error {
	r := o.Report
	if err := features.HaveMapType(ebpf.RingBuf); errors.Is(err, ebpf.ErrNotSupported) {
		r = Report{}
		for _, name := range ringMaps {
			m := spec.Maps[name]
			m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Key, m.Value = ebpf.Array, 4, 4, 1, nil, nil
		}
	}
	size := func(p Priority) uint32 { return max(r.Rings[p], uint32(os.Getpagesize())) }
	var classes uint32
	for c, wanted := range r.Classes {
		if wanted {
			classes |= 1 << c
		}
	}
	if classes != 0 {
		for p, name := range ringMaps {
			spec.Maps[name].MaxEntries = size(Priority(p))
		}
	}
	if o.Network && (r.Classes[event.Connect] || r.Classes[event.Close]) {
		spec.Maps[bpfMapSocketOwners].MaxEntries = socketOwners
	}
	args := uint32(argsMax)
	if r.ArgsMax != 0 {
		args = min(args, r.ArgsMax)
	}
	for name, value := range map[string]any{
		bpfVarReportClasses: classes,
		bpfVarReportMissing: o.Report.MissingExecs,
		bpfVarArgsMax:       args,
		bpfVarWakeNormal:    uint64(size(Normal) / wakeAt),
		bpfVarWakeLow:       uint64(size(Low) / wakeAt),
		bpfVarFilters:       filterKinds(r),
		bpfVarHasCgroupV1:   hasCgroupV1(o.RootPath),
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set BPF constant %s: %w", name, err)
		}
	}
	return nil
}

var ringMaps = [Priorities]string{High: bpfMapRingHigh, Normal: bpfMapRingNormal, Low: bpfMapRingLow}

// openRings makes ready to read records.
func (s *Sensor) openRings(r Report) {
	if !r.any() {
		s.noRecords = errors.New("nothing is to be reported")
		return
	}
	if s.maps.Maps[bpfMapRingHigh].Type() != ebpf.RingBuf {
		s.noRecords = errors.New("this kernel has no ring buffer, which came with Linux 5.8: events are counted, not reported")
		return
	}
	s.rings, s.noRecords = newRings(s.maps)
}

func filterKinds(r Report) (kinds bpfFilterKind) {
	for _, f := range []struct {
		n    int
		kind bpfFilterKind
	}{
		{len(r.Exclude.Executables), bpfFilterKindFILTER_EXECUTABLE},
		{len(r.Exclude.Users), bpfFilterKindFILTER_USER},
		{len(r.Exclude.Paths), bpfFilterKindFILTER_PATH},
		{len(r.Exclude.Peers), bpfFilterKindFILTER_PEER},
		{len(r.Only.Executables), bpfFilterKindONLY_EXECUTABLE},
		{len(r.Only.Users), bpfFilterKindONLY_USER},
		{len(r.Only.Paths), bpfFilterKindONLY_PATH},
		{len(r.Only.Peers), bpfFilterKindONLY_PEER},
	} {
		if f.n > 0 {
			kinds |= f.kind
		}
	}
	return kinds
}

// fillFilters puts the lists of both filters into the kernel's tables, one entry for each thing.
func fillFilters(c *ebpf.Collection, r Report) error {
	executables, paths := make(entries[bpfPathKey]), make(entries[bpfPathKey])
	users, peers := make(entries[uint32]), make(entries[bpfPeerKey])
	for _, f := range []struct {
		filter Filter
		entry  bpfFilterEntry
	}{
		{r.Exclude, bpfFilterEntryENTRY_EXCLUDE},
		{r.Only, bpfFilterEntryENTRY_ONLY},
	} {
		for _, path := range f.filter.Executables {
			executables[watchKey(path)] |= f.entry
		}
		for _, path := range f.filter.Paths {
			paths[watchKey(path)] |= f.entry
		}
		for _, user := range f.filter.Users {
			users[user] |= f.entry
		}
		for _, peer := range f.filter.Peers {
			peers[peerKey(peer)] |= f.entry
		}
	}
	return errors.Join(
		executables.put(c.Maps[bpfMapExecutableFilters]), paths.put(c.Maps[bpfMapPathFilters]),
		users.put(c.Maps[bpfMapUserFilters]), peers.put(c.Maps[bpfMapPeerFilters]),
	)
}

// entries are those of one table of filters.
type entries[K comparable] map[K]bpfFilterEntry

func (e entries[K]) put(m *ebpf.Map) error {
	for key, entry := range e {
		if err := m.Put(key, entry); err != nil {
			return fmt.Errorf("filter with %d entries (there is room for %d): %w", len(e), m.MaxEntries(), err)
		}
	}
	return nil
}

// peerKey is the LPM key of a network, that of an IPv4 network as v4-mapped.
func peerKey(p netip.Prefix) bpfPeerKey {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	return bpfPeerKey{Bits: uint32(bits), Addr: p.Masked().Addr().As16()}
}

// hasCgroupV1 tells whether the controllers that container engines use are in a
// hierarchy of version 1, by /proc/cgroups (cgroups(7)).
func hasCgroupV1(root string) bool {
	raw, err := os.ReadFile(hostPath(root, "proc/cgroups"))
	if err != nil {
		return true // unknown
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && (fields[0] == "memory" || fields[0] == "pids") && fields[1] != "0" {
			return true
		}
	}
	return false
}
