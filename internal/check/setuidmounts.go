package check

import (
	"path"
	"slices"
	"strings"
)

// mountsToSkip are the points of mounts on which set-uid does nothing, that are
// not on this host's disks, that are containers', or that show again what is
// elsewhere.
func mountsToSkip(all []mount) map[string]bool {
	skip, whole := map[string]bool{}, map[string]bool{}
	for _, m := range all {
		if m.point == "/" {
			whole[m.device+m.root] = true
		}
	}
	for _, m := range visible(all) {
		if m.point != "/" && (m.has("nosuid") || isRemoteOrKernels(m.kind) || m.isContainers() || m.isPartOf(whole)) {
			skip[m.point] = true
			continue
		}
		whole[m.device+m.root] = true
	}
	return skip
}

// isPartOf says whether what is mounted, or a directory above it, is one of
// those that are looked at.
func (m mount) isPartOf(whole map[string]bool) bool {
	for dir := m.root; ; dir = path.Dir(dir) {
		if whole[m.device+dir] {
			return true
		}
		if dir == path.Dir(dir) {
			return false
		}
	}
}

// visible leaves out mounts that later ones hide, at their points or above. The
// root may come late: what is mounted before it has been moved into it.
func visible(all []mount) []mount {
	var seen []mount
	later := map[string]bool{}
	for _, m := range slices.Backward(all) {
		hidden := later[m.point]
		for dir := path.Dir(m.point); dir != "/" && dir != "."; dir = path.Dir(dir) {
			hidden = hidden || later[dir]
		}
		later[m.point] = true
		if !hidden {
			seen = append(seen, m)
		}
	}
	slices.Reverse(seen)
	return seen
}

// belowSkipped are the points of mounts that are not to be skipped, and that one
// gets to only through one that is.
func belowSkipped(all []mount, skip map[string]bool) []string {
	points := map[string]bool{}
	for _, m := range all {
		points[m.point] = true
	}
	var below []string
	for _, m := range visible(all) {
		dir := path.Dir(m.point)
		for dir != "/" && !points[dir] {
			dir = path.Dir(dir)
		}
		if skip[dir] && !skip[m.point] {
			below = append(below, m.point)
		}
	}
	return below
}

// isContainers says whether a mount is the root of a container. Extensions of
// the system are put over its own directories by an overlay, too.
func (m mount) isContainers() bool {
	return m.kind == "overlay" && !slices.Contains([]string{"/usr", "/opt", "/etc"}, m.point)
}

// isRemoteOrKernels knows the kinds of file systems that can hang, start
// something, or have no files of their own.
func isRemoteOrKernels(kind string) bool {
	base, _, _ := strings.Cut(kind, ".")
	switch base {
	case "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "lustre", "afs", "coda", "orangefs", "beegfs", "gpfs",
		"9p", "virtiofs", "vboxsf", "fuse", "autofs",
		"proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf",
		"pstore", "efivarfs", "configfs", "mqueue", "hugetlbfs", "binfmt_misc", "nsfs", "fusectl", "rpc_pipefs", "selinuxfs":
		return true
	}
	return false
}
