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

// The exits come first: a process that is added before they are watched may never be removed.
func processHooks(_ Report) []hook {
	return []hook{
		{"process.exit", []way{one(bpfProgProcessExit)}},
		{"process.exec", []way{one(bpfProgProcessExec)}},
		{"process.fork", []way{one(bpfProgProcessFork)}},
		{"process.existing", []way{one(bpfProgProcessKnown)}},
	}
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
				program{name: bpfProgKeepArg, targets: calls("setfsuid", "setfsgid")},
			)},
			taxing(refused(bpfProgNoUidTp, bpfProgNoGidTp, bpfProgNoCapTp, bpfProgNoFsuidTp, bpfProgNoFsgidTp, exits)...),
		}},
	}
}

func kernelHooks(_ Report) []hook {
	modules := func(load, loadFile, unload string, at func(...string) []string) []program {
		return []program{
			{load, at("init_module"), nil},
			{loadFile, at("finit_module"), nil},
			{unload, at("delete_module"), nil},
		}
	}
	return []hook{
		{"kernel.module", []way{
			{programs: modules(bpfProgModInitFexit, bpfProgModFinitFexit, bpfProgModDelFexit, calls)},
			{programs: modules(bpfProgModInitKret, bpfProgModFinitKret, bpfProgModDelKret, calls)},
			taxing(modules(bpfProgModInitTp, bpfProgModFinitTp, bpfProgModDelTp, exits)...),
			{programs: []program{{name: bpfProgModLoadTp}, {name: bpfProgModFreeTp}}, successesOnly: true},
		}},
		{"kernel.bpf", []way{
			one(bpfProgBpfFexit, calls("bpf")...),
			{programs: []program{{name: bpfProgBpfKret, targets: calls("bpf")}, {name: bpfProgKeepArg, targets: calls("bpf")}}},
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
