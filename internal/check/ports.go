package check

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const metricPorts = "linux.security.ports_use_info"

func ports() Check {
	known := newVersions()
	return Check{
		ID:       "ports",
		Category: Network,
		Reads:    "/proc/1/net/{tcp,tcp6,udp,udp6}, /proc/PID/fd, and the package or the file of each program",
		Metrics:  []string{metricPorts},
		Rules: []Rule{
			{
				"ports.cleartext", High, 1, "",
				"Telnet, FTP, rsh and the like show passwords to whoever sees the network.",
				"Stop the service and use SSH, or let it listen on a loopback address only.",
			},
			{
				"ports.container_api", Critical, 1, "",
				"Whoever reaches Docker's port without TLS is root on the host.",
				"Remove tcp://…:2375 from dockerd's hosts, or make it a loopback address.",
			},
			{
				"ports.writable_directory", Critical, 1, "",
				"What listens and was put where everybody writes is hardly the administrator's.",
				"Find out who put the program there, and stop it.",
			},
			{
				"ports.replaced_program", Medium, 1, "",
				"What runs is not what is installed: an upgrade's fixes work only after a restart.",
				"Restart the service.",
			},
		},
		Run: func(ctx context.Context, h *Host, f *Findings) error { return runPorts(ctx, h, f, known) },
	}
}

func runPorts(ctx context.Context, h *Host, f *Findings, known *versions) error {
	sockets, err := h.listeners()
	f.Problem(err)
	if len(sockets) == 0 && err != nil {
		return nil
	}
	all, ownedErr := h.owned(sockets)
	f.Problem(ownedErr)
	all = h.stillThere(all)
	programs := map[string]program{}
	for _, o := range all {
		for _, p := range o.by {
			if p.path != "" {
				programs[p.key] = p.program
			}
		}
	}
	packages, findErr := known.find(ctx, h, programs)
	f.Problem(findErr)
	showPorts(f, all, packages)
	judgePorts(f, all, err == nil, ownedErr == nil)
	low, high := h.ephemeral()
	watchPorts(f, all, packages, low, high, ownedErr == nil)
	return ctx.Err()
}

// An owned is a socket and who has it open.
type owned struct {
	listener
	by []owner
}

type owner struct {
	process string
	program
}

// owned finds the processes of sockets. Those that run the same are one.
func (h *Host) owned(sockets []listener) ([]owned, error) {
	processes, err := h.Processes()
	programs := h.executables()
	all := make([]owned, len(sockets))
	at := make(map[uint64]int, len(sockets))
	for i, s := range sockets {
		all[i].listener = s
		at[s.inode] = i
	}
	for _, p := range processes {
		var who *owner
		for _, inode := range slices.Compact(p.Sockets) {
			i, ok := at[inode]
			if !ok {
				continue
			}
			if who == nil {
				who = &owner{p.Name, programs.of(p)}
			}
			if !slices.ContainsFunc(all[i].by, who.isLike) {
				all[i].by = append(all[i].by, *who)
			}
		}
	}
	return all, err
}

// stillThere leaves out sockets of nobody that were closed while /proc was read.
func (h *Host) stillThere(all []owned) []owned {
	isNobodys := func(s owned) bool { return len(s.by) == 0 }
	if !slices.ContainsFunc(all, isNobodys) {
		return all
	}
	sockets, err := h.listeners()
	if err != nil {
		return all
	}
	there := map[listener]bool{}
	for _, s := range sockets {
		there[s] = true
	}
	return slices.DeleteFunc(all, func(s owned) bool { return isNobodys(s) && !there[s.listener] })
}

func (o *owner) isLike(other owner) bool { return o.process == other.process && o.key == other.key }

// showPorts names a process that cannot be seen, or is the kernel's, unknown.
func showPorts(f *Findings, all []owned, packages map[string]pkg) {
	for _, s := range all {
		by := s.by
		if len(by) == 0 {
			by = []owner{{process: unknown}}
		}
		for _, o := range by {
			p := packages[o.key]
			f.Point(metricPorts, 1, "protocol", s.protocol,
				"local_ip", s.local.Addr().String(), "local_port", strconv.Itoa(int(s.local.Port())),
				"state", s.state, "process", o.process, "exe_path", o.path, "version", p.version, "app_name", o.app(p))
		}
	}
}

// app is the name of a package, or of a program without one.
func (o *owner) app(p pkg) string {
	switch {
	case p.name != "":
		return p.name
	case o.path != "":
		return o.path[strings.LastIndexByte(o.path, '/')+1:]
	default:
		return o.process
	}
}

// judgePorts passes nothing that may be wrong with a socket, or an owner of one,
// that could not be seen.
func judgePorts(f *Findings, all []owned, seenSockets, seenOwners bool) {
	judge := func(rule string, seen bool, bad func(s owned) bool) {
		var found []string
		for _, s := range all {
			if bad(s) && !slices.Contains(found, s.String()) {
				found = append(found, s.String())
			}
		}
		f.JudgeNone("ports."+rule, found, seen)
	}
	judge("cleartext", seenSockets, func(s owned) bool { return s.isOpen() && s.isCleartext() })
	judge("container_api", seenSockets, func(s owned) bool { return s.isOpen() && !s.isUDP() && s.local.Port() == 2375 })
	judge("writable_directory", seenSockets && seenOwners, func(s owned) bool {
		return slices.ContainsFunc(s.by, func(o owner) bool { return isWritableByAll(o.path) })
	})
	judge("replaced_program", seenSockets && seenOwners, func(s owned) bool {
		return slices.ContainsFunc(s.by, func(o owner) bool { return o.isDeleted })
	})
}

// isWritableByAll knows the directories, and programs in memory.
func isWritableByAll(path string) bool {
	for _, dir := range []string{"/tmp/", "/var/tmp/", "/dev/shm/", "/memfd:"} {
		if strings.HasPrefix(path, dir) {
			return true
		}
	}
	return false
}

func (l listener) String() string { return l.protocol + " " + l.local.String() }

func (l listener) isUDP() bool { return isUDP(l.protocol) }

// isOpen says whether other hosts can reach it.
func (l listener) isOpen() bool { return !l.local.Addr().Unmap().IsLoopback() }

func (l listener) isCleartext() bool {
	const ftp, telnet, tftp, finger, exec, login, shell = 21, 23, 69, 79, 512, 513, 514
	if l.isUDP() {
		return l.local.Port() == tftp
	}
	return slices.Contains([]uint16{ftp, telnet, finger, exec, login, shell}, l.local.Port())
}

// watchPorts leaves out the ports from which any program asks over UDP.
func watchPorts(f *Findings, all []owned, packages map[string]pkg, low, high uint16, seenOwners bool) {
	users, unsure := map[string][]string{}, map[string]bool{}
	var order []string
	for _, s := range all {
		if port := s.local.Port(); s.isUDP() && port >= low && port <= high {
			continue
		}
		name := s.String()
		if _, ok := users[name]; !ok {
			order = append(order, name)
		}
		users[name] = append(users[name], s.users(packages)...)
		unsure[name] = unsure[name] || len(s.by) == 0 && !seenOwners ||
			slices.ContainsFunc(s.by, func(o owner) bool { return packages[o.key].version == unknown })
	}
	for _, name := range order {
		watch := f.Watch
		if unsure[name] {
			watch = f.Unsure
		}
		slices.Sort(users[name])
		watch("ports."+name, listed(slices.Compact(users[name])))
	}
}

// users are the programs that have a socket.
func (o *owned) users(packages map[string]pkg) []string {
	var all []string
	for _, by := range o.by {
		all = append(all, strings.TrimSpace(by.process+" "+by.path+" "+packages[by.key].version))
	}
	return all
}

// ephemeral are the ports that the kernel gives to who asks for any.
func (h *Host) ephemeral() (low, high uint16) {
	low, high = 32768, 60999
	line, err := h.Line("proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		_, _ = fmt.Sscan(line, &low, &high)
	}
	return low, high
}
