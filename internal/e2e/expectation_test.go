//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// An expectation is what an object must have: fields by their paths.
type expectation struct {
	what      string
	ecs, ocsf fields
}

type fields map[string]any

// and adds more, unless they are there.
func (f fields) and(more fields) fields {
	for path, v := range more {
		if _, there := f[path]; !there {
			f[path] = v
		}
	}
	return f
}

// expectations of what everything did, as a process of this number on the host.
func (o *outlet) expectations(f *facts, pid int) (all []expectation) {
	o.Helper()
	load := filepath.Join(o.dir, "load")
	add := func(what string, ecs, ocsf fields) {
		all = append(all, expectation{what, ecs, ocsf})
	}
	add("a program", fields{
		"event.action": "exec", "event.outcome": "success", "process.vpid": f.Ran, "process.executable": o.runs, "process.name": "runs",
		"process.args": ranWith, "process.args_count": len(ranWith), "process.command_line": strings.Join(ranWith, " "),
		"process.parent.pid": pid, "process.parent.executable": load, "user.id": "0", "container.id": o.container,
		"ebpfsecurity.process.type": "container",
	}, fields{
		"type_uid": 100701, "status": "Success", "process.namespace_pid": f.Ran, "process.path": o.runs, "process.file.name": "runs",
		"process.cmd_line": strings.Join(ranWith, " "), "unmapped.process.command_args": ranWith, "actor.process.pid": pid,
		"actor.process.path": load, "actor.user.uid": "0", "process.user.uid": "0", "process.container.uid": o.container,
	})
	ecs, ocsf := o.notRun(load)
	add("a program that may not be run", ecs, ocsf)
	for _, e := range []struct {
		what   string
		pid    int
		code   any
		signal any
	}{{"its end", f.Ran, 0, nil}, {"an end with a code", f.Exited, 3, nil}, {"an end by a signal", f.Killed, nil, "SIGKILL"}} {
		add(e.what, fields{
			"event.action": "exit", "process.vpid": e.pid, "process.exit_code": e.code, "ebpfsecurity.process.exit.signal": e.signal,
		}, fields{
			"type_uid": 100702, "process.namespace_pid": e.pid, "actor.process.namespace_pid": e.pid, "exit_code": e.code,
			"unmapped.ebpfsecurity.process.exit.signal": e.signal,
		})
	}
	add("a process that lets itself be traced",
		fields{"event.action": "ptrace", "process.vpid": f.Traced, "ebpfsecurity.ptrace.request": "PTRACE_TRACEME"},
		fields{"type_uid": 100703, "actor.process.namespace_pid": f.Traced, "process.namespace_pid": f.Traced})
	for what, e := range o.rest(f) {
		add(what, e.ecs.and(fields{
			"process.pid": pid, "process.vpid": f.Self, "process.executable": load, "user.id": "0", "container.id": o.container,
		}), e.ocsf.and(fields{
			"actor.process.pid": pid, "actor.process.namespace_pid": f.Self, "actor.process.path": load, "actor.user.uid": "0",
			"actor.process.container.uid": o.container,
		}))
	}
	return all
}

// rest is what the load did itself.
func (o *outlet) rest(f *facts) map[string]expectation {
	o.Helper()
	info, err := os.Stat(o.watched)
	fatal(o, err)
	inode := strconv.FormatUint(info.Sys().(*syscall.Stat_t).Ino, 10)
	const here = "127.0.0.1"
	opened := func(operation string) expectation {
		return expectation{"", fields{
			"event.action": "open", "file.path": o.watched, "file.name": "file", "file.inode": inode, "log.level": "error",
			"ebpfsecurity.file.operation": operation,
		}, fields{
			"type_uid": 100114, "file.path": o.watched, "file.name": "file", "file.uid": inode, "severity": "High",
			"unmapped.ebpfsecurity.file.operation": operation,
		}}
	}
	connection := func(action string, kind int, way, flow string) expectation {
		return expectation{"", fields{
			"event.action": action, "network.direction": way, "network.transport": "tcp", "network.type": "ipv4",
			"source.ip": here, "source.port": f.Caller, "destination.ip": here, "destination.port": f.Listener,
			"related.ip": []string{here, here},
		}, fields{
			"type_uid": kind, "connection_info.direction": flow, "connection_info.protocol_num": 6, "connection_info.protocol_ver_id": 4,
			"src_endpoint.ip": here, "src_endpoint.port": f.Caller, "dst_endpoint.ip": here, "dst_endpoint.port": f.Listener,
		}}
	}
	user := func(before, now string) expectation {
		return expectation{"", fields{
			"event.action": "change-privilege", "user.id": before, "user.effective.id": now, "process.user.id": now,
			"ebpfsecurity.privilege.family": "setuid",
		}, fields{"type_uid": 100705, "actor.user.uid": before, "process.user.uid": now}}
	}
	group := func(now string, before int) expectation {
		return expectation{"", fields{
			"event.action": "change-privilege", "process.group.id": now, "ebpfsecurity.previous.group.id": before,
			"ebpfsecurity.privilege.family": "setgid",
		}, fields{"type_uid": 100799, "activity_name": "Set Group ID", "unmapped.ebpfsecurity.previous.group.id": before}}
	}
	return map[string]expectation{
		"an open to read":          opened("read"),
		"an open to write":         opened("write"),
		"a connection":             connection("connect", 400101, "egress", "Outbound"),
		"the other end of it":      connection("accept", 400101, "ingress", "Inbound"),
		"its end":                  connection("close", 400102, "egress", "Outbound"),
		"the end of the other end": connection("close", 400102, "ingress", "Inbound"),
		"a connection refused": {"", fields{
			"event.action": "connect", "event.outcome": "failure", "error.type": "ECONNREFUSED", "destination.port": f.Refused,
		}, fields{"type_uid": 400105, "status": "Failure", "status_code": "ECONNREFUSED", "dst_endpoint.port": f.Refused}},
		"a datagram": {"", fields{
			"event.action": "send", "network.transport": "udp", "destination.ip": here, "destination.port": f.Receiver,
		}, fields{"type_uid": 400106, "connection_info.protocol_num": 17, "dst_endpoint.ip": here, "dst_endpoint.port": f.Receiver}},
		"another user":  user("0", "65534"),
		"root again":    user("65534", "0"),
		"another group": group("65534", 0),
		"root's group":  group("0", nobody),
		"a trace of nobody": {"", fields{
			"event.action": "ptrace", "event.outcome": "failure", "error.type": "ESRCH", "ebpfsecurity.ptrace.target.pid": 999_999_999,
		}, fields{"type_uid": 100703, "status_code": "ESRCH", "process.pid": 999_999_999}},
		"a namespace": {"", fields{
			"event.action": "change-namespace", "ebpfsecurity.namespace.call": "unshare", "ebpfsecurity.namespace.types": []string{"uts"},
		}, fields{"type_uid": 100304, "kernel.system_call": "unshare", "unmapped.ebpfsecurity.namespace.types": []string{"uts"}}},
		"a mount": o.mounted(),
		"a BPF program": {"", fields{
			"event.action": "load-bpf", "event.outcome": "failure", "error.type": "E2BIG",
		}, fields{"type_uid": 100201, "status_code": "E2BIG", "driver.file.type": "BPF program"}},
	}
}

// notRun is a program that may not be run. The last choice for its hook knows no more.
func (o *outlet) notRun(load string) (ecs, ocsf fields) {
	ecs = fields{"event.action": "exec", "event.outcome": "failure", "error.type": "EACCES", "ebpfsecurity.outcome": "denied"}
	ocsf = fields{
		"type_uid": 100701, "status": "Failure", "status_code": "EACCES", "status_detail": "denied", "actor.process.path": load,
	}
	if o.serves("process.failure", "exec_no_tp") {
		return ecs, ocsf
	}
	notes, args := filepath.Join(o.dir, "notes"), []string{"notes", "-x"}
	return ecs.and(fields{"file.path": notes, "file.name": "notes", "ebpfsecurity.exec.args": args}), ocsf.and(fields{
		"process.file.path": notes, "process.name": "notes", "unmapped.ebpfsecurity.exec.args": args,
	})
}

// mounted is a mount without flags. The last choice for its hook knows no more.
func (o *outlet) mounted() expectation {
	e := expectation{
		"",
		fields{"event.action": "mount", "event.outcome": "success", "ebpfsecurity.mount.flags": nil},
		fields{"type_uid": 100112, "status": "Success", "unmapped.ebpfsecurity.mount.flags": nil},
	}
	if o.serves("file.mount", "mount_tp") {
		return e
	}
	mountpoint := filepath.Join(o.dir, "mnt")
	e.ecs.and(fields{"volume.device_name": "none", "volume.file_system_type": "tmpfs", "volume.mount_name": mountpoint})
	e.ocsf.and(fields{"file.path": mountpoint, "file.name": "mnt", "file.volume": "none", "unmapped.system.filesystem.type": "tmpfs"})
	return e
}

// serves tells whether this kernel has this program serve the hook: docs/limits.md tells what it misses.
func (o *outlet) serves(hook, program string) bool {
	_, ok := value(o.page(), `security_ebpf_hook_attached{hook="`+hook+`",program="`+program+`"}`)
	return ok
}
