package process

import (
	"strings"
	"testing"
)

const (
	id1 = "4c01db0b339c8e4a6d2f1f3a3d5b1c5f0d1b7c6a9e8f7d6c5b4a392817060504"
	id2 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	uid = "2c48913c-b29f-11e7-9350-020968147796"
)

func TestCgroupPaths(t *testing.T) {
	slice := strings.ReplaceAll(uid, "-", "_")
	static := "8d5a2f5c1e0b4f7a9c3d6e8f0a1b2c3d"
	for _, test := range []struct{ name, path, container, pod string }{
		{"root", "/", "", ""},
		{"service", "/system.slice/sshd.service", "", ""},
		{"session", "/user.slice/user-1000.slice/session-3.scope", "", ""},
		{"docker, cgroupfs", "/docker/" + id1, id1, ""},
		{"docker, systemd", "/system.slice/docker-" + id1 + ".scope", id1, ""},
		{"docker with init.scope inside", "/system.slice/docker-" + id1 + ".scope/init.scope", id1, ""},
		{"docker, rootless", "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + id1 + ".scope", id1, ""},
		{"docker in docker", "/docker/" + id1 + "/docker/" + id2, id2, ""},
		{"ECS", "/ecs/5f8c6f54-3a8f-4d4a-9a4e-0f5d5a4ccf11/" + id1, id1, ""},
		{"containerd by ctr", "/default/" + id1, id1, ""},
		{"nerdctl", "/system.slice/nerdctl-" + id1 + ".scope", id1, ""},
		{"a scope of the id alone", "/machine.slice/" + id1 + ".scope", id1, ""},
		{
			"containerd, systemd, burstable",
			"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + slice + ".slice/cri-containerd-" + id1 + ".scope",
			id1, uid,
		},
		{
			"containerd, systemd, guaranteed",
			"/kubepods.slice/kubepods-pod" + slice + ".slice/cri-containerd-" + id1 + ".scope", id1, uid,
		},
		{"containerd, cgroupfs", "/kubepods/burstable/pod" + uid + "/" + id1, id1, uid},
		{"containerd, cgroupfs, guaranteed", "/kubepods/pod" + uid + "/" + id1, id1, uid},
		{
			"containerd whose driver is not the kubelet's",
			"/system.slice/containerd.service/kubepods-burstable-pod" + slice + ".slice:cri-containerd:" + id1, id1, uid,
		},
		{"the same at the top", "/kubepods-besteffort-pod" + slice + ".slice:cri-containerd:" + id1, id1, uid},
		{
			"dockershim",
			"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + slice + ".slice/docker-" + id1 + ".scope",
			id1, uid,
		},
		{"CRI-O, systemd", "/kubepods.slice/kubepods-pod" + slice + ".slice/crio-" + id1 + ".scope", id1, uid},
		{"CRI-O with crun", "/kubepods.slice/kubepods-pod" + slice + ".slice/crio-" + id1 + ".scope/container", id1, uid},
		{"CRI-O, cgroupfs", "/kubepods/besteffort/pod" + uid + "/crio-" + id1, id1, uid},
		{"CRI-O's monitor", "/system.slice/crio-conmon-" + id1 + ".scope", "", ""},
		{"CRI-O's monitor in the pod", "/kubepods.slice/kubepods-pod" + slice + ".slice/crio-conmon-" + id1 + ".scope", "", uid},
		{"podman, systemd", "/machine.slice/libpod-" + id1 + ".scope", id1, ""},
		{"podman with crun", "/machine.slice/libpod-" + id1 + ".scope/container", id1, ""},
		{"podman, cgroupfs", "/libpod_parent/libpod-" + id1, id1, ""},
		{
			"podman, rootless",
			"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id1 + ".scope/container", id1, "",
		},
		{"podman's monitor", "/machine.slice/libpod-conmon-" + id1 + ".scope", "", ""},
		{"podman's pod", "/machine.slice/machine-libpod_pod_" + id2 + ".slice/libpod-" + id1 + ".scope/container", id1, ""},
		{"podman's pod, cgroupfs", "/libpod_parent/" + id2 + "/libpod-" + id1, id1, ""},
		{"podman's monitor of a pod", "/libpod_parent/" + id2 + "/conmon", "", ""},
		{"podman's health check", "/system.slice/" + id1 + "-5f3a.service", "", ""},
		{
			"kind",
			"/docker/" + id1 + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/" +
				"kubelet-kubepods-burstable-pod" + slice + ".slice/cri-containerd-" + id2 + ".scope", id2, uid,
		},
		{"docker in a pod", "/kubepods/burstable/pod" + uid + "/" + id1 + "/docker/" + id2, id2, uid},
		{"static pod", "/kubepods/burstable/pod" + static + "/" + id1, id1, static},
		{"static pod, systemd", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + static + ".slice/crio-" + id1 + ".scope", id1, static},
		{"the pod itself", "/kubepods/burstable/pod" + uid, "", uid},
		{"a pod outside of kubepods", "/user.slice/pod" + uid, "", ""},
		{"too short", "/docker/" + id1[1:], "", ""},
		{"too long", "/docker/0" + id1, "", ""},
		{"not hexadecimal", "/docker/g" + id1[1:], "", ""},
		{"upper case", "/docker/" + strings.ToUpper(id1), "", ""},
		{"broken uid", "/kubepods/pod" + uid[1:], "", ""},
		{"uid with dashes elsewhere", "/kubepods/pod2c48913cb-29f-11e7-9350-020968147796", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			container, pod := ids(test.path)
			check(t, "container", container, test.container)
			check(t, "pod", pod, test.pod)
		})
	}
}

func FuzzCgroupPath(f *testing.F) {
	f.Add("/kubepods/burstable/pod" + uid + "/" + id1)
	f.Add("/system.slice/containerd.service/kubepods-pod_.slice:cri-containerd:" + id1)
	f.Add("/libpod_parent/" + id1 + "/libpod-" + id2 + ".scope/container")
	f.Add("-.scope/:/pod\xff")
	f.Fuzz(func(t *testing.T, path string) {
		container, pod := ids(path)
		if container != "" && (len(container) != 64 || !isHex(container) || !strings.Contains(path, container)) {
			t.Errorf("container %q", container)
		}
		if pod != "" && len(pod) != 32 && !isUUID(pod) {
			t.Errorf("pod %q", pod)
		}
		if g := newCgroup(path); g.path[0] != '/' {
			t.Errorf("path %q", g.path)
		}
	})
}
