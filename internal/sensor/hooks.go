//go:build linux && (amd64 || arm64)

package sensor

import (
	"slices"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A hook is one thing to watch and the ways to watch it, best first. The first
// way of which all programs load and attach wins.
type hook struct {
	name string
	ways []way
}

// A way is the programs that together serve a hook.
type way struct {
	programs []program
	// companions tell more of what programs report. They are attached in this order, up to the first that fails.
	companions []program
	// taxing ways use tracepoints under syscalls/, which slow every syscall.
	taxing bool
	// successesOnly ways do not see attempts that failed.
	successesOnly bool
}

// A program is attached to each of its targets, or to the one that the object
// states if there are none. Of optional targets those that the kernel has are used.
type program struct {
	name     string
	targets  []string
	optional []string
}

func one(name string, targets ...string) way { return way{programs: []program{{name, targets, nil}}} }

func all(names ...string) way {
	var w way
	for _, n := range names {
		w.programs = append(w.programs, program{name: n})
	}
	return w
}

func taxing(programs ...program) way { return way{programs: programs, taxing: true} }

// calls are the kernel's functions that begin the system calls of these names.
func calls(names ...string) []string { return prefixed(syscallPrefix, names) }

// begins are the tracepoints at the begin of the system calls of these names.
func begins(names ...string) []string { return prefixed("sys_enter_", names) }

// exits are the tracepoints at the end of the system calls of these names.
func exits(names ...string) []string { return prefixed("sys_exit_", names) }

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}

// The calls that change ids, without those that never fail (setfs*).
var (
	uidCalls = []string{"setuid", "setreuid", "setresuid"}
	gidCalls = []string{"setgid", "setregid", "setresgid"}
)

// with adds companions to a way if they are wanted.
func (w way) with(wanted bool, companions ...string) way {
	if wanted {
		w.companions = all(companions...).programs
	}
	return w
}

// The exits come first: a process that is added before they are watched may never be removed.
func processHooks(r Report) []hook {
	hooks := []hook{
		{"process.exit", []way{one(bpfProgProcessExit)}},
		{"process.exec", []way{one(bpfProgProcessExec)}},
		{"process.fork", []way{one(bpfProgProcessFork)}},
		{"process.existing", []way{one(bpfProgProcessKnown)}},
	}
	for _, h := range []struct {
		class event.Class
		hook  hook
	}{{event.Exec, execFailures()}, {event.Ptrace, ptraceHook()}, {event.Namespace, namespaceHook()}} {
		if r.Classes[h.class] {
			hooks = append(hooks, h.hook)
		}
	}
	return hooks
}

func execFailures() hook {
	return hook{"process.failure", []way{
		one(bpfProgExecNoFexit, calls("execve", "execveat")...).with(true, bpfProgExecEndFentry, bpfProgExecOpenFexit),
		one(bpfProgExecNoKret, calls("execve", "execveat")...).with(true, bpfProgExecEndKprobe, bpfProgExecOpenKprob),
		taxing(program{name: bpfProgExecNoTp, targets: exits("execve", "execveat")}),
	}}
}

func ptraceHook() hook {
	return hook{"process.ptrace", []way{
		one(bpfProgPtraceFexit, calls("ptrace")...),
		keeping(program{name: bpfProgPtraceKret, targets: calls("ptrace")}, "ptrace"),
		taxing(program{name: bpfProgPtraceTp, targets: exits("ptrace")}),
	}}
}

func namespaceHook() hook {
	ways := func(exit, setns, unshare string, begin, end func(...string) []string) []program {
		return []program{
			{exit, end("setns", "unshare"), nil},
			{setns, begin("setns"), nil},
			{unshare, begin("unshare"), nil},
		}
	}
	return hook{"process.namespace", []way{
		{programs: ways(bpfProgNsFexit, bpfProgSetnsFentry, bpfProgUnshareFentry, calls, calls)},
		{programs: ways(bpfProgNsKret, bpfProgSetnsKprobe, bpfProgUnshareKprobe, calls, calls)},
		taxing(ways(bpfProgNsTp, bpfProgSetnsTp, bpfProgUnshareTp, begins, exits)...),
	}}
}

// keeping is a way that keeps the arguments of a call until p runs at its end.
func keeping(p program, call string) way {
	return way{programs: []program{p, {name: bpfProgKeepArgs, targets: calls(call)}}}
}

func networkHooks(r Report) []hook {
	hooks := []hook{
		{"network.tcp", []way{all(bpfProgTcpState, bpfProgTcpStateElse)}},
		{"network.udp", []way{
			all(bpfProgUdpOut4Fexit, bpfProgUdpOut6Fexit, bpfProgUdpInFentry, bpfProgUdpEnd4Fentry, bpfProgUdpEnd6Fentry),
			all(bpfProgUdpSend4, bpfProgUdpSend6, bpfProgUdpConn4, bpfProgUdpConn6, bpfProgUdpRecv4, bpfProgUdpRecv6, bpfProgUdpEnd),
		}},
		{"network.error", []way{one(bpfProgUdpErrorTp), one(bpfProgUdpErrorFent)}},
		{"network.existing", []way{one(bpfProgSocketsKnown)}},
	}
	if r.Classes[event.Accept] || r.Classes[event.Close] { // whoever accepts owns what is closed
		hooks = slices.Insert(hooks, 1, hook{"network.accept", []way{
			one(bpfProgAcceptFexit),
			one(bpfProgAcceptFexit4), // until Linux 6.9
			one(bpfProgAcceptKret, "inet_csk_accept"),
			taxing(program{name: bpfProgAcceptTp, targets: exits("accept", "accept4")}),
		}})
	}
	return hooks
}

func fileHooks(r Report) []hook {
	hooks := []hook{{"file.open", []way{
		one(bpfProgOpenFentry),
		one(bpfProgOpenKprobe),
		taxing(program{bpfProgOpenExit, exits("openat", "openat2", "open_by_handle_at"), exits("open", "creat")}),
	}}}
	if r.Classes[event.Mount] {
		hooks = append(hooks, mountHook())
	}
	if r.FailedOpens && r.Classes[event.FileOpen] {
		h := hook{name: "file.failure"}
		for _, f := range []string{"do_filp_open", "do_file_open"} { // until and since Linux 7
			h.ways = append(h.ways, one(bpfProgNopenFexit, f))
		}
		for _, f := range []string{"do_filp_open", "do_file_open"} {
			h.ways = append(h.ways, way{programs: []program{{bpfProgNopenKret, []string{f}, nil}, {bpfProgNopenKprobe, []string{f}, nil}}})
		}
		hooks = append(hooks, h)
	}
	return hooks
}

func mountHook() hook {
	trampolines := way{programs: []program{{bpfProgMountFexit, calls("mount"), nil}, {bpfProgMoveFexit, calls("move_mount"), nil}}}
	kprobes := keeping(program{name: bpfProgMountKret, targets: calls("mount")}, "mount")
	kprobes.programs = append(kprobes.programs, program{name: bpfProgMoveKret, targets: calls("move_mount")})
	return hook{"file.mount", []way{
		trampolines.with(true, bpfProgMountInFentry, bpfProgMoveInFentry),
		kprobes.with(true, bpfProgMountInKprobe, bpfProgMoveInKprobe),
		taxing(program{bpfProgMountTp, exits("mount"), nil}, program{bpfProgMoveTp, exits("move_mount"), nil}),
	}}
}

func privilegeHooks(_ Report) []hook {
	ids := append(append([]string{"setfsuid", "setfsgid", "capset"}, uidCalls...), gidCalls...)
	refused := func(uid, gid, capset, fsuid, fsgid string, at func(...string) []string) []program {
		return []program{
			{uid, at(uidCalls...), nil},
			{gid, at(gidCalls...), nil},
			{capset, at("capset"), nil},
			{fsuid, at("setfsuid"), nil},
			{fsgid, at("setfsgid"), nil},
		}
	}
	return []hook{
		{"privilege.change", []way{
			one(bpfProgCredFentry),
			one(bpfProgCredKprobe),
			taxing(
				program{name: bpfProgCredTp, targets: exits(ids...)},
				program{name: bpfProgCredExec}, program{name: bpfProgCredFork}, program{name: bpfProgCredExit},
				program{name: bpfProgCredKnown},
			),
		}},
		{"privilege.failure", []way{
			{programs: refused(bpfProgNoUidFexit, bpfProgNoGidFexit, bpfProgNoCapFexit, bpfProgNoFsuidFexit, bpfProgNoFsgidFexit, calls)},
			{programs: append(
				refused(bpfProgNoUidKret, bpfProgNoGidKret, bpfProgNoCapKret, bpfProgNoFsuidKret, bpfProgNoFsgidKret, calls),
				program{name: bpfProgKeepArgs, targets: calls("setfsuid", "setfsgid")},
			)},
			taxing(refused(bpfProgNoUidTp, bpfProgNoGidTp, bpfProgNoCapTp, bpfProgNoFsuidTp, bpfProgNoFsgidTp, exits)...),
		}},
	}
}

func kernelHooks(r Report) []hook {
	modules := func(load, loadFile, unload string, at func(...string) []string) []program {
		return []program{
			{load, at("init_module"), nil},
			{loadFile, at("finit_module"), nil},
			{unload, at("delete_module"), nil},
		}
	}
	named := func(more ...string) []string {
		return append([]string{bpfProgModNameLoad, bpfProgModNameFree}, more...)
	}
	module, bpf := r.Classes[event.Module], r.Classes[event.BPF]
	return []hook{
		{"kernel.module", []way{
			way{programs: modules(bpfProgModInitFexit, bpfProgModFinitFexit, bpfProgModDelFexit, calls)}.with(module, named(bpfProgModFileFentry)...),
			way{programs: modules(bpfProgModInitKret, bpfProgModFinitKret, bpfProgModDelKret, calls)}.with(module, named(bpfProgModFileKprobe)...),
			taxing(modules(bpfProgModInitTp, bpfProgModFinitTp, bpfProgModDelTp, exits)...).with(module, named()...),
			{programs: []program{{name: bpfProgModLoadTp}, {name: bpfProgModFreeTp}}, successesOnly: true},
		}},
		{"kernel.bpf", []way{
			one(bpfProgBpfFexit, calls("bpf")...).with(bpf, bpfProgBpfProgFentry),
			keeping(program{name: bpfProgBpfKret, targets: calls("bpf")}, "bpf").with(bpf, bpfProgBpfProgKprobe),
			taxing(program{name: bpfProgBpfTp, targets: exits("bpf")}),
		}},
	}
}

// hooksFor lists the hooks that o asks for.
func hooksFor(o Options) []hook {
	var hooks []hook
	for _, probe := range []struct {
		on    bool
		hooks func(Report) []hook
	}{
		{o.Process, processHooks},
		{o.Network, networkHooks},
		{o.File, fileHooks},
		{o.Privilege, privilegeHooks},
		{o.Kernel, kernelHooks},
	} {
		if probe.on {
			hooks = append(hooks, probe.hooks(o.Report)...)
		}
	}
	return hooks
}
