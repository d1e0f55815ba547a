//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// platform is what a sensor holds on Linux; all nil if nothing could be loaded.
type platform struct {
	maps    *ebpf.Collection
	serving []serving
	watched *watched
	perCPU  []bpfCounts
	gone    gone
	lost    uint64 // what no program counted, when last looked at

	rings      *rings // nil if there are no records
	noRecords  error  // why not
	rates      [event.KernelClasses]uint32
	undecoded  atomic.Uint64
	ledgerLock sync.Mutex
	ledgerCPUs []bpfCounts
}

// Open puts what o asks for into the kernel. It always returns a sensor; what
// could not be served is told by Hooks.
func Open(o Options) *Sensor { return open(o, hooksFor(o)) }

// open serves these hooks, of the object as changed: tests choose both.
func open(o Options, hooks []hook, change ...func(*ebpf.CollectionSpec)) *Sensor {
	s := &Sensor{since: time.Now()}
	l, err := newLoader(o, change)
	if err != nil {
		s.noRecords = err
		for _, h := range hooks {
			s.hooks = append(s.hooks, Hook{Name: h.name, Err: err})
		}
		return s
	}
	s.maps = l.shared
	s.openRings(o.Report)
	s.perCPU = make([]bpfCounts, ebpf.MustPossibleCPU())
	s.watched = newWatched(o, l.shared)
	_ = s.watched.refresh() // Count tries again, and tells
	l.identifySelf()
	for _, h := range hooks {
		s.hooks = append(s.hooks, l.serve(h))
	}
	l.countExisting(s.hooks)
	s.serving = l.serving
	s.since = time.Now()
	debug.FreeOSMemory() // the kernel's types were tens of megabytes
	return s
}

// newLoader creates the maps and fills in the settings.
func newLoader(o Options, change []func(*ebpf.CollectionSpec)) (*loader, error) {
	memlock := rlimit.RemoveMemlock() // does nothing since Linux 5.11
	spec, err := loadBpf()
	if err != nil {
		return nil, fmt.Errorf("read BPF object: %w", err)
	}
	l := &loader{spec: spec, cache: btf.NewCache(), taxing: o.SyscallTracepoints, cgroup: cgroup2Root(o.RootPath)}
	if l.types, err = kernelTypes(o.BTF, l.cache); err != nil {
		return nil, err
	}
	if err := configure(spec, o); err != nil {
		return nil, err
	}
	if err := configureReport(spec, o); err != nil {
		return nil, err
	}
	for _, do := range change {
		do(spec)
	}
	mapsOnly := spec.Copy()
	clear(mapsOnly.Programs)
	if l.shared, err = ebpf.NewCollection(mapsOnly); err != nil {
		if memlock != nil {
			memlock = fmt.Errorf("raise the limit of locked memory (before Linux 5.11, needs CAP_SYS_RESOURCE): %w", memlock)
		}
		return nil, fmt.Errorf("create BPF maps: %w", errors.Join(explain(err), memlock))
	}
	if err := errors.Join(fill(l.shared, o), fillFilters(l.shared, o.Report)); err != nil {
		l.shared.Close()
		return nil, err
	}
	return l, nil
}

// kernelTypes reads BTF (CONFIG_DEBUG_INFO_BTF), without which no program can find its way.
func kernelTypes(file string, cache *btf.Cache) (types *btf.Spec, err error) {
	if file == "" {
		types, err = cache.Kernel()
	} else {
		types, err = btf.LoadSpec(file)
	}
	if err != nil {
		return nil, fmt.Errorf("read the kernel's type information (BTF): %w", err)
	}
	return types, nil
}

// configure sets what must be known before the maps exist.
func configure(spec *ebpf.CollectionSpec, o Options) error {
	tasks := maxTasks(o.RootPath)
	spec.Maps[bpfMapProcesses].MaxEntries = tasks
	spec.Maps[bpfMapSeenCreds].MaxEntries = tasks
	spec.Maps[bpfMapExecBuffers].MaxEntries = uint32(ebpf.MustPossibleCPU())
	for class, notes := range map[event.Class]string{
		event.Module: bpfMapModuleNotes, event.BPF: bpfMapBpfNotes, event.Namespace: bpfMapNsNotes,
		event.Mount: bpfMapMountNotes, event.Exec: bpfMapExecNotes,
	} {
		if !o.Report.Classes[class] {
			spec.Maps[notes].MaxEntries = 1
		}
	}
	for name, value := range map[string]any{
		bpfVarNrInitModule:   int64(unix.SYS_INIT_MODULE),
		bpfVarNrFinitModule:  int64(unix.SYS_FINIT_MODULE),
		bpfVarNrDeleteModule: int64(unix.SYS_DELETE_MODULE),
		bpfVarOnlyCgroup:     o.Cgroup,
		bpfVarOnlyNetns:      o.NetNS,
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set BPF constant %s: %w", name, err)
		}
	}
	return nil
}

// identifySelf finds the process's number outside all pid namespaces, and the host's mounts.
func (l *loader) identifySelf() {
	_ = l.shared.Variables[bpfVarSelfTgid].Set(uint32(os.Getpid())) // if all else fails
	served, err := l.attach("", program{name: bpfProgSelfKnown})
	for _, s := range served {
		if err == nil {
			_ = s.run()
		}
		_ = s.Close()
	}
}

// countExisting lets the iterators add what is older than the sensor. A hook
// whose iterator fails is not served.
func (l *loader) countExisting(hooks []Hook) {
	for i := range hooks {
		if hooks[i].Program == bpfProgUdpSend4 {
			_ = l.shared.Variables[bpfVarUdpByCookie].Set(uint32(1))
		}
	}
	for _, s := range l.serving {
		var err error
		switch s.name {
		case bpfProgSocketsKnown: // first to find the listening ports
			err = errors.Join(s.run(), l.shared.Variables[bpfVarKnownPass].Set(uint32(1)), s.run())
		case bpfProgProcessKnown:
			err = errors.Join(s.run(), inHostPIDNamespace())
		case bpfProgCredKnown:
			err = s.run()
		}
		for i := range hooks {
			if err != nil && hooks[i].Name == s.hook {
				hooks[i].fail(err)
			}
		}
	}
}

// fail says that what served the hook does not.
func (h *Hook) fail(err error) {
	for i, a := range h.Tried {
		if a.Program == h.Program {
			h.Tried[i].Err = err
		}
	}
	h.Program, h.Err = "", err
}

// Close removes everything from the kernel. It may be called more than once.
func (s *Sensor) Close() error {
	var errs []error
	for _, served := range s.serving {
		errs = append(errs, served.Close())
	}
	s.serving = nil
	if s.watched != nil {
		errs = append(errs, s.watched.Close())
	}
	if s.rings != nil {
		s.rings.close()
	}
	if s.maps != nil {
		s.maps.Close()
	}
	s.maps, s.watched, s.rings, s.noRecords = nil, nil, nil, errors.New("the sensor is closed")
	return errors.Join(errs...)
}

// inHostPIDNamespace returns an error if this process sees not all others.
func inHostPIDNamespace() error {
	const initial = "pid:[4026531836]" // PROC_PID_INIT_INO in linux/proc_ns.h
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err == nil && ns != initial {
		err = errors.New("needs the host's pid namespace (hostPID: true, --pid=host) to see the processes that run already")
	}
	return err
}

func hostPath(root string, elem ...string) string {
	return filepath.Join(append([]string{"/", root}, elem...)...)
}
