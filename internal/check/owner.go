package check

import (
	"fmt"
	"io/fs"
	"strconv"
	"syscall"
)

// ownerOf returns the owner and the group of a file.
func ownerOf(info fs.FileInfo) (uid, gid uint32, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return s.Uid, s.Gid, true
}

// fileID tells a file from others with the same name, such as one of a container.
func fileID(info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprint(s.Dev, " ", s.Ino)
}

// accountNames are the names of users and groups by their numbers.
type accountNames struct {
	users, groups map[uint32]string
	// unsure says that a number may have a name that could not be read.
	unsure bool
}

// names reads them. Without its file a number is its own name.
func (h *Host) names() accountNames {
	n := accountNames{users: map[uint32]string{}, groups: map[uint32]string{}}
	passwd, passwdErr := h.ReadIfAny("etc/passwd")
	for _, a := range parsePasswd(passwd) {
		if _, ok := n.users[a.uid]; !ok {
			n.users[a.uid] = a.name
		}
	}
	groups, groupsErr := h.ReadIfAny("etc/group")
	for _, g := range parseGroup(groups) {
		if _, ok := n.groups[g.gid]; !ok {
			n.groups[g.gid] = g.name
		}
	}
	n.unsure = passwdErr != nil || groupsErr != nil
	return n
}

// watch watches a value with names in it.
func (n accountNames) watch(f *Findings, name, value string) {
	if n.unsure {
		f.Unsure(name, value)
		return
	}
	f.Watch(name, value)
}

func (n accountNames) user(uid uint32) string { return nameOf(n.users, uid) }

func (n accountNames) group(gid uint32) string { return nameOf(n.groups, gid) }

func nameOf(names map[uint32]string, id uint32) string {
	if name, ok := names[id]; ok {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// unixMode is a mode as chmod(1) writes it.
func unixMode(mode fs.FileMode) string {
	n := uint64(mode.Perm())
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if mode&flag != 0 {
			n |= bit
		}
	}
	return "0" + strconv.FormatUint(n, 8)
}
