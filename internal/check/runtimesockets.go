package check

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const metricRuntimeSocket = "linux.security.container_socket_open"

// runtimeSockets are those through which one starts containers, and so becomes
// root.
var runtimeSockets = [...]string{
	"/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock",
	"/run/crio/crio.sock", "/run/podman/podman.sock", "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket",
	"/var/lib/incus/unix.socket", "/run/buildkit/buildkitd.sock",
}

func containerSockets() Check {
	return Check{
		ID:       "container_socket",
		Category: Services,
		Reads:    "the owners, groups and modes of the sockets of Docker, containerd, CRI-O, Podman, LXD, Incus and BuildKit",
		Metrics:  []string{metricRuntimeSocket},
		Rules: []Rule{
			{
				"container_socket.closed", Critical, 1, "",
				"Whoever may open the socket starts a container with the host's disk in it, and is root.",
				"Run chmod o-rw for the socket, and correct what creates it.",
			},
			{
				"container_socket.group", Medium, 1, "",
				"The members of the socket's group are root without sudo, and without a trace in its log.",
				"Take the accounts out of the group, or use a runtime that runs without root.",
			},
		},
		Run: runContainerSockets,
	}
}

func runContainerSockets(_ context.Context, h *Host, f *Findings) error {
	sockets, err := h.runtimeSockets()
	f.Problem(err)
	if len(sockets) == 0 {
		return nil
	}
	names := h.names()
	var open []string
	for _, s := range sockets {
		uid, gid, _ := ownerOf(s.info)
		owner, group, mode := names.user(uid), names.group(gid), unixMode(s.info.Mode())
		f.Point(metricRuntimeSocket, asNumber(s.open), "path", s.path, "owner", owner, "group", group, "mode", mode)
		names.watch(f, "container_socket."+s.path, owner+" "+group+" "+mode)
		if s.open {
			open = append(open, s.path)
		}
	}
	f.JudgeNone("container_socket.closed", open, err == nil)
	u, usersErr := readUsers(h)
	if usersErr != nil {
		return usersErr
	}
	f.JudgeNone("container_socket.group", membersOf(sockets, u, names), err == nil)
	return nil
}

// A runtimeSocket is one that is there.
type runtimeSocket struct {
	path string
	info fs.FileInfo
	open bool // to anybody
}

// runtimeSockets returns an error for what could not be looked at.
func (h *Host) runtimeSockets() ([]runtimeSocket, error) {
	var all []runtimeSocket
	var errs []error
	for _, name := range runtimeSockets {
		info, err := h.Lstat(name)
		if err != nil {
			errs = append(errs, nothing(err))
			continue
		}
		if info.Mode().Type() != fs.ModeSocket || strings.HasPrefix(name, "/var/run/") && h.isLink("var/run") {
			continue
		}
		open := info.Mode()&0o002 != 0 && h.isReachableByAll(path.Dir(name))
		all = append(all, runtimeSocket{name, info, open})
	}
	return all, errors.Join(errs...)
}

// membersOf are the accounts whose group may open a socket. That of root has
// no more rights by it.
func membersOf(sockets []runtimeSocket, u *users, names accountNames) []string {
	var members []string
	for _, s := range sockets {
		_, gid, _ := ownerOf(s.info)
		if s.info.Mode()&0o020 != 0 && gid != 0 {
			members = append(members, u.inGroup(names.group(gid))...)
		}
	}
	return slices.Compact(sorted(members))
}

func (h *Host) isLink(name string) bool {
	info, err := h.Lstat(name)
	return err == nil && info.Mode().Type() == fs.ModeSymlink
}

// isReachableByAll says whether anybody may pass all directories of a path.
func (h *Host) isReachableByAll(dir string) bool {
	for ; dir != "/"; dir = path.Dir(dir) {
		if info, err := h.Stat(dir); err != nil || info.Mode()&0o001 == 0 {
			return false
		}
	}
	return true
}
