package process

import "strings"

// A cgroup is what its path tells.
type cgroup struct {
	path, container, pod string
}

func newCgroup(path string) *cgroup {
	path = text([]byte(path), maxPath)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	c := &cgroup{path: path}
	c.container, c.pod = ids(path)
	return c
}

// ids finds the container and the pod that a cgroup's path names. Of nested
// ones it is the innermost. Engines name a container's cgroup (and the drivers
// of systemd and cgroupfs differ):
//
//	docker-ID.scope             /docker/ID
//	cri-containerd-ID.scope     /kubepods/burstable/podUID/ID    pods.slice:cri-containerd:ID
//	crio-ID.scope               crio-ID
//	libpod-ID.scope/container   /libpod_parent/libpod-ID
func ids(path string) (container, pod string) {
	before, inKubepods := "", false
	for element := range strings.SplitSeq(path, "/") {
		inKubepods = inKubepods || strings.Contains(element, "kubepods")
		for part := range strings.SplitSeq(element, ":") {
			if id := podOf(part, inKubepods); id != "" {
				pod = id
			}
		}
		// A pod of podman has an id like a container's.
		if id := containerOf(element); id != "" && (before != "libpod_parent" || strings.Contains(element, "-")) {
			container = id
		}
		before = element
	}
	return container, pod
}

// containerOf returns the container that an element of a path names.
func containerOf(element string) string {
	element = strings.TrimSuffix(element, ".scope")
	element = element[strings.LastIndexByte(element, ':')+1:]
	at := strings.LastIndexByte(element, '-')
	if strings.HasSuffix(element[:max(at, 0)], "conmon") {
		return "" // podman's and CRI-O's monitor of the container, a process of the host
	}
	if id := element[at+1:]; len(id) == 64 && isHex(id) {
		return id
	}
	return ""
}

// podOf returns the pod that an element of a path names: pod<uid> below
// kubepods, or kubepods-burstable-pod<uid>.slice with _ for - in the uid.
func podOf(element string, inKubepods bool) string {
	element = strings.TrimSuffix(element, ".slice")
	uid, ok := strings.CutPrefix(element, "pod")
	if at := strings.LastIndex(element, "-pod"); !ok && at >= 0 {
		uid, ok = element[at+len("-pod"):], true
	}
	if !ok || !inKubepods {
		return ""
	}
	uid = strings.ReplaceAll(uid, "_", "-")
	if isUUID(uid) || len(uid) == 32 && isHex(uid) {
		return uid // 32 digits are the hash of a static pod's file
	}
	return ""
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') {
			return false
		}
	}
	return isHex(strings.ReplaceAll(s, "-", ""))
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}
