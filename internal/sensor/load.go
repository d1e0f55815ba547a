//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// A loader puts programs into the kernel, each alone, with the maps of all.
type loader struct {
	spec    *ebpf.CollectionSpec
	shared  *ebpf.Collection // the maps and variables
	types   *btf.Spec        // of the kernel
	cache   *btf.Cache       // of what else is looked up in them
	cgroup  string           // the root of the cgroup v2 hierarchy
	taxing  bool             // may ways be used that slow every syscall?
	serving []serving
}

// serving is a program in the kernel and what keeps it attached.
type serving struct {
	hook    string
	name    string
	program *ebpf.Program
	links   []io.Closer
}

func (s serving) Close() error {
	var errs []error
	for _, l := range s.links {
		errs = append(errs, l.Close())
	}
	return errors.Join(append(errs, s.program.Close())...)
}

// serve puts the first way that works into the kernel and tells of the others.
func (l *loader) serve(h hook) Hook {
	out := Hook{Name: h.name}
	for _, w := range h.ways {
		name := w.programs[0].name
		err := l.attachAll(h.name, w)
		out.Tried = append(out.Tried, Attempt{Program: name, Err: err})
		if err == nil {
			out.Program, out.SyscallTracepoints, out.SuccessesOnly = name, w.taxing, w.successesOnly
			out.Tried = append(out.Tried, l.accompany(h.name, w)...)
			break
		}
	}
	out.Err = refusals(out.Tried)
	return out
}

// refusals joins the reasons why what was tried could not be used.
func refusals(tried []Attempt) error {
	var errs []error
	for _, a := range tried {
		if a.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", a.Program, a.Err))
		}
	}
	return errors.Join(errs...)
}

// accompany attaches the companions of a way. What they would tell is missing if they fail.
func (l *loader) accompany(hook string, w way) (tried []Attempt) {
	for _, p := range w.companions {
		err := l.attachAll(hook, way{programs: []program{p}})
		tried = append(tried, Attempt{Program: p.name, Companion: true, Err: err})
		if err != nil {
			break
		}
	}
	return tried
}

func (l *loader) attachAll(hook string, w way) error {
	if w.taxing && !l.taxing {
		return errors.New("not allowed by syscall_tracepoints: never")
	}
	var done []serving
	for _, p := range w.programs {
		served, err := l.attach(hook, p)
		done = append(done, served...)
		if err != nil {
			for _, s := range done {
				err = errors.Join(err, s.Close())
			}
			return err
		}
	}
	l.serving = append(l.serving, done...)
	return nil
}

// attach loads p and attaches it to its targets. What it returns beside an error is to be closed.
func (l *loader) attach(hook string, p program) ([]serving, error) {
	spec := l.spec.Programs[p.name]
	targets := append(append([]string(nil), p.targets...), p.optional...)
	if len(targets) == 0 {
		targets = []string{spec.AttachTo}
	}
	var done []serving
	for i, target := range targets {
		// A tracing program is bound to its target when it is loaded, others when attached.
		if i == 0 || spec.Type == ebpf.Tracing {
			prog, err := l.load(spec, target)
			if err != nil {
				return done, about(target, "load", err)
			}
			done = append(done, serving{hook: hook, name: spec.Name, program: prog})
		}
		s := &done[len(done)-1]
		lnk, err := l.link(s.program, spec, target)
		if err == nil {
			s.links = append(s.links, lnk)
		} else if i < len(p.targets) || len(p.targets) == 0 || !errors.Is(err, os.ErrNotExist) {
			return done, about(target, "attach", err)
		}
	}
	return done, nil
}

func about(target, step string, err error) error {
	if target == "" {
		return fmt.Errorf("%s: %w", step, explain(err))
	}
	return fmt.Errorf("%s: %s: %w", target, step, explain(err))
}

// load loads one program for one target, so that what the verifier refuses costs only that.
func (l *loader) load(spec *ebpf.ProgramSpec, target string) (*ebpf.Program, error) {
	spec = spec.Copy()
	spec.AttachTo = target
	alone := &ebpf.CollectionSpec{
		Maps:      l.spec.Maps,
		Programs:  map[string]*ebpf.ProgramSpec{spec.Name: spec},
		Types:     l.spec.Types,
		ByteOrder: l.spec.ByteOrder,
	}
	coll, err := ebpf.NewCollectionWithOptions(alone, ebpf.CollectionOptions{
		MapReplacements: l.shared.Maps,
		Cache:           l.cache,
		Programs:        ebpf.ProgramOptions{KernelTypes: l.types},
	})
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	return coll.DetachProgram(spec.Name), nil
}

func (l *loader) link(prog *ebpf.Program, spec *ebpf.ProgramSpec, target string) (io.Closer, error) {
	switch spec.Type {
	case ebpf.Kprobe:
		if spec.SectionName == "kretprobe" {
			return link.Kretprobe(target, prog, nil)
		}
		return link.Kprobe(target, prog, nil)
	case ebpf.TracePoint:
		return link.Tracepoint("syscalls", target, prog, nil)
	case ebpf.CGroupSock, ebpf.CGroupSockAddr:
		if l.cgroup == "" {
			return nil, errors.New("no cgroup v2 hierarchy is mounted")
		}
		return link.AttachCgroup(link.CgroupOptions{Path: l.cgroup, Attach: spec.AttachType, Program: prog})
	case ebpf.Tracing:
		if spec.AttachType == ebpf.AttachTraceIter {
			return link.AttachIter(link.IterOptions{Program: prog})
		}
		return link.AttachTracing(link.TracingOptions{Program: prog})
	}
	return nil, fmt.Errorf("no rule for program type %s", spec.Type)
}

// run reads an iterator once, for what its program does meanwhile.
func (s serving) run() error {
	r, err := s.links[0].(*link.Iter).Open()
	if err != nil {
		return fmt.Errorf("open iterator %s: %w", s.name, err)
	}
	if err = errors.Join(drain(r), r.Close()); err != nil {
		return fmt.Errorf("read iterator %s: %w", s.name, err)
	}
	return nil
}

// drain reads an iterator to its end. After each million of tasks or files the kernel wants to be
// asked to go on.
func drain(r io.Reader) error {
	for {
		if _, err := io.Copy(io.Discard, r); !errors.Is(err, unix.EAGAIN) {
			return err
		}
	}
}

// isRefusal tells whether the verifier refused a program, for which it uses EACCES too.
func isRefusal(err error) bool {
	var refusal *ebpf.VerifierError
	return errors.As(err, &refusal)
}

// explain replaces what misleads: the library takes every EPERM for a memlock limit.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return errors.New("operation not permitted: needs CAP_BPF and CAP_PERFMON (CAP_NET_ADMIN for cgroups), and a kernel that allows this type of program")
	case errors.Is(err, unix.EACCES) && !isRefusal(err):
		return fmt.Errorf("kernel.perf_event_paranoid wants CAP_SYS_ADMIN: %w", err)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("not on this kernel, or tracefs is not mounted: %w", err)
	}
	return err
}
