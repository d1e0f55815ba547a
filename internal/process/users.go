package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	maxNamesFile = 8 << 20 // bytes of /etc/passwd and of /etc/group that are read
	maxNames     = 65536   // in each
	maxName      = 256     // bytes of one
	namesAge     = 10 * time.Second
)

// names are those of users and groups by number.
type names struct {
	users, groups map[uint32]string
}

// users knows the names in the host's /etc. Other sources of names are not
// asked: they are programs.
type users struct {
	etc     string
	current atomic.Pointer[names]
	passwd  namesFile
	group   namesFile
	used    chan struct{} // holds one if names were asked for since they were read
	stats   *counters
}

func newUsers(root string, stats *counters) *users {
	u := &users{etc: filepath.Join(root, "etc"), used: make(chan struct{}, 1), stats: stats}
	u.current.Store(&names{})
	u.refresh()
	return u
}

// names never waits: what it returns may be some seconds old.
func (u *users) names() *names {
	select {
	case u.used <- struct{}{}:
	default:
	}
	return u.current.Load()
}

// keep reads the files again when they are used and have changed, at most
// every namesAge.
func (u *users) keep(stop <-chan struct{}) {
	wait := time.NewTimer(namesAge)
	defer wait.Stop()
	for {
		select {
		case <-stop:
			return
		case <-wait.C:
		}
		select {
		case <-stop:
			return
		case <-u.used:
		}
		u.refresh()
		wait.Reset(namesAge)
	}
}

func (u *users) refresh() {
	dir, err := os.OpenRoot(u.etc)
	if err != nil {
		return
	}
	defer func() { _ = dir.Close() }()
	old := u.current.Load()
	n := &names{
		users:  u.passwd.read(dir, "passwd", old.users),
		groups: u.group.read(dir, "group", old.groups),
	}
	u.current.Store(n)
	u.stats.users.Store(uint64(len(n.users)))
	u.stats.groups.Store(uint64(len(n.groups)))
	u.stats.namesDropped.Store(u.passwd.dropped + u.group.dropped)
}

// A namesFile is /etc/passwd or /etc/group as it was when it was read.
type namesFile struct {
	info    os.FileInfo
	dropped uint64
}

// read returns old if the file has not changed.
func (f *namesFile) read(dir *os.Root, name string, old map[uint32]string) map[uint32]string {
	info, err := dir.Stat(name)
	if err != nil || f.isSame(info) {
		return old
	}
	f.info = info
	var n map[uint32]string
	n, f.dropped = parseNames(readFile(dir, name, maxNamesFile))
	return n
}

func (f *namesFile) isSame(info os.FileInfo) bool {
	return f.info != nil && os.SameFile(f.info, info) &&
		f.info.Size() == info.Size() && f.info.ModTime().Equal(info.ModTime())
}

// parseNames reads passwd(5) or group(5): name, password and number, with
// colons between. It returns how many names did not fit.
func parseNames(b []byte) (n map[uint32]string, dropped uint64) {
	n = map[uint32]string{}
	for line := range bytes.Lines(b) {
		fields := bytes.SplitN(bytes.TrimSuffix(line, []byte("\n")), []byte(":"), 4)
		if len(fields) < 3 {
			continue
		}
		number, err := strconv.ParseUint(string(fields[2]), 10, 32)
		if err != nil || len(fields[0]) == 0 {
			continue
		}
		id := uint32(number)
		if _, ok := n[id]; ok {
			continue // the C library takes the first, too
		}
		if len(n) == maxNames {
			dropped++
			continue
		}
		n[id] = text(fields[0], maxName)
	}
	return n, dropped
}
