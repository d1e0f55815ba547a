package receiver

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
)

func (w *writer) module(e *event.Event, p *process.Process) said {
	m := &e.Module
	s := said{"ebpfsecurity.kernel.module_load", plog.SeverityNumberWarn}
	w.user(e, p)
	if m.Action == event.Unload {
		s.name = "ebpfsecurity.kernel.module_unload"
		w.did(e, "unloaded", "unload")
	} else {
		w.did(e, "loaded", "load")
	}
	module, path := string(m.Name), string(m.Path)
	switch {
	case module != "":
		w.body.is("the kernel module ").quote(module)
	case path != "":
		w.body.is("the kernel module ").quote(path)
	default:
		w.body.is("a kernel module")
	}
	w.because(e)
	w.by(e, p)
	w.a.str("ebpfsecurity.kernel.module.name", module)
	if m.Action != event.Unload {
		w.a.str("file.path", path)
	}
	return s
}

func (w *writer) bpf(e *event.Event, p *process.Process) said {
	program, kind := string(e.BPF.Name), indexed(programTypes, e.BPF.Type, "")
	w.user(e, p)
	w.did(e, "loaded", "load").is("a BPF program of type ", kind)
	if program != "" {
		w.body.is(" called ").quote(program)
	}
	w.because(e)
	w.by(e, p)
	w.a.str("ebpfsecurity.bpf.program.name", program)
	w.a.str("ebpfsecurity.bpf.program.type", kind)
	if e.BPF.ID != 0 {
		w.a.num("ebpfsecurity.bpf.program.id", int64(e.BPF.ID))
	}
	return said{"ebpfsecurity.kernel.bpf_load", plog.SeverityNumberWarn}
}

func (w *writer) ptrace(e *event.Event, p *process.Process) said {
	request := ptraceRequest(e.Ptrace.Request)
	w.user(e, p)
	if e.Ptrace.Target == 0 {
		w.did(e, "gave", "give").is("its parent hold of it with ", request)
	} else {
		w.did(e, "took", "take").is("hold of process ").num(uint64(e.Ptrace.Target)).is(" with ", request)
		w.a.num("ebpfsecurity.ptrace.target.pid", int64(e.Ptrace.Target))
	}
	w.because(e)
	w.by(e, p)
	w.a.str("ebpfsecurity.ptrace.request", request)
	return said{"ebpfsecurity.process.ptrace", plog.SeverityNumberWarn}
}

func (w *writer) namespace(e *event.Event, p *process.Process) said {
	call := name(e.Namespace.Call, event.NamespaceCalls)
	w.args = flagNames(e.Namespace.Flags&allNamespaces, namespaces, w.args[:0])
	w.user(e, p)
	w.did(e, "changed", "change").is("namespaces with ", call)
	for i, kind := range w.args {
		if i == 0 {
			w.body.is(": ", kind)
		} else {
			w.body.is(", ", kind)
		}
	}
	w.because(e)
	w.by(e, p)
	w.a.str("ebpfsecurity.namespace.call", call)
	w.a.list("ebpfsecurity.namespace.types", w.args)
	return said{"ebpfsecurity.namespace.change", plog.SeverityNumberWarn}
}

func (w *writer) mount(e *event.Event, p *process.Process) said {
	m := &e.Mount
	device, kind, target := string(m.Device), string(m.Type), string(m.Target)
	w.user(e, p)
	w.did(e, "mounted", "mount")
	if device == "" {
		w.body.is("something")
	} else {
		w.body.quote(device)
	}
	if kind != "" {
		w.body.is(" of type ").quote(kind)
	}
	if target != "" {
		w.body.is(" on ").quote(target)
	}
	w.because(e)
	w.by(e, p)
	w.a.str("system.device", device)
	w.a.str("system.filesystem.type", kind)
	w.a.str("system.filesystem.mountpoint", target)
	w.args = flagNames(m.Flags, mountFlags, w.args[:0])
	w.a.list("ebpfsecurity.mount.flags", w.args)
	return said{"ebpfsecurity.filesystem.mount", plog.SeverityNumberWarn}
}
