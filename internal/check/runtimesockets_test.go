package check

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// socket makes one, and goes on without who listens.
func (h tree) socket(name string, mode os.FileMode) {
	h.Helper()
	h.write(filepath.Dir(name)+"/", "")
	at := filepath.Join(h.dir, name)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		h.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		h.Fatal(err)
	}
	h.chmod(name, mode)
}

func TestContainerSockets(t *testing.T) {
	gid := os.Getgid()
	h := newTree(t, map[string]string{
		"etc/passwd": fmt.Sprintf("me:x:%d:9::/:\nyou:x:99:99::/:\n", os.Getuid()),
		"etc/group":  fmt.Sprintf("us:x:%d:you\n", gid),
		"var/run":    "-> ../run", "run/podman/podman.sock": "a file",
	})
	h.socket("run/docker.sock", 0o666)
	h.socket("run/containerd/containerd.sock", 0o660)
	h.socket("run/crio/crio.sock", 0o666)
	h.chmod("run/crio", 0o700) // nobody gets to it
	members := "pass (none)"
	if gid != 0 {
		members = "fail (you)"
	}
	expect(t, one(t, containerSockets(), h.host()), `
		container_socket_open{path="/run/docker.sock",owner="me",group="us",mode="0666"} 1
		container_socket_open{path="/run/containerd/containerd.sock",owner="me",group="us",mode="0660"} 0
		container_socket_open{path="/run/crio/crio.sock",owner="me",group="us",mode="0666"} 0
		container_socket.closed fail (/run/docker.sock)
		container_socket.group `+members+`
		status ok`)
}

func TestContainerSocketsOfNone(t *testing.T) {
	expect(t, one(t, containerSockets(), newTree(t, nil).host()), "status ok")
}

func TestMembersOf(t *testing.T) {
	h := newTree(t, nil)
	h.socket("s", 0o660)
	info, err := h.host().Lstat("s")
	equal(t, "error", err, nil)
	u := &users{accounts: []account{{name: "a", gid: 5}, {name: "b", gid: 6}}, groups: []group{{name: "g", gid: 5}}}
	u.member = membershipsOf(u.groups)
	_, gid, _ := ownerOf(info)
	names := accountNames{groups: map[uint32]string{gid: "g"}}
	want := 1
	if gid == 0 {
		want = 0 // root's group gives no rights
	}
	equal(t, "members", len(membersOf([]runtimeSocket{{"s", info, false}}, u, names)), want)
}
