//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// watched keeps the kernel's view of the watched files true while links are
// changed and files replaced.
type watched struct {
	root   *os.File // the host's root directory; nil if it cannot be opened
	prefix string   // of what the kernel calls paths below root
	paths  map[string]bpfWatch
	names  bpfNameFilter
	dirs   bpfNameFilter

	round uint64 // how often the paths were looked at

	kernel struct {
		paths, inodes      *ebpf.Map
		names, dirs, round *ebpf.Variable
	}
	put struct { // what is in the kernel now
		paths  map[string]bpfWatch
		inodes map[bpfInodeKey]bpfWatch
	}
}

func newWatched(o Options, c *ebpf.Collection) *watched {
	w := &watched{paths: levels(o.Watch), prefix: hostPath(o.RootPath)}
	w.root, _ = os.OpenFile(w.prefix, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	w.kernel.paths, w.kernel.inodes = c.Maps[bpfMapWatchedPaths], c.Maps[bpfMapWatchedInodes]
	w.kernel.names, w.kernel.dirs = c.Variables[bpfVarWatchedNames], c.Variables[bpfVarWatchedDirs]
	w.kernel.round = c.Variables[bpfVarMountsRound]
	return w
}

func (w *watched) Close() error {
	if w.root == nil {
		return nil
	}
	return w.root.Close()
}

// levels gives for each path what an open is worth, with what directories above it say.
func levels(list []Watch) map[string]bpfWatch {
	out := make(map[string]bpfWatch)
	for _, entry := range list {
		l := out[entry.Path]
		for op, wanted := range [event.Operations]bool{entry.Read, entry.Write} {
			if wanted {
				l.Level[op] = max(l.Level[op], uint8(entry.Severity)+1)
			}
		}
		out[entry.Path] = l
	}
	for p, l := range out {
		out[p] = inherit(l, out, p)
	}
	return out
}

// inherit adds to the level of p what the nearest directories above it say.
func inherit(l bpfWatch, from map[string]bpfWatch, p string) bpfWatch {
	for dir := parent(p); dir != ""; dir = parent(dir) {
		for op, level := range from[dir].Level {
			if l.Level[op] == 0 {
				l.Level[op] = level
			}
		}
	}
	return l
}

// higher is what a file is worth that is watched twice.
func higher(a, b bpfWatch) bpfWatch {
	for op := range a.Level {
		a.Level[op] = max(a.Level[op], b.Level[op])
	}
	return a
}

// parent returns the directory above p, with its slash, "" above the root.
func parent(p string) string {
	i := strings.LastIndexByte(strings.TrimSuffix(p, "/"), '/')
	if i < 0 || p == "/" {
		return ""
	}
	return p[:i+1]
}

// refresh looks where the watched paths lead now and tells the kernel.
func (w *watched) refresh() error {
	paths := maps.Clone(w.paths)
	inodes := make(map[bpfInodeKey]bpfWatch, len(w.paths))
	for p, level := range w.paths {
		to, inode, err := w.resolve(p)
		if err != nil {
			continue // not there, or not now
		}
		inodes[inode] = higher(inodes[inode], level)
		paths[to] = higher(paths[to], inherit(level, w.paths, to))
	}
	for p := range paths {
		w.addName(p)
		if !fits(p) {
			delete(paths, p) // its inode must do
		}
	}
	w.round++
	return errors.Join(
		w.kernel.names.Set(w.names), w.kernel.dirs.Set(w.dirs),
		update(w.kernel.paths, &w.put.paths, paths, watchKey),
		update(w.kernel.inodes, &w.put.inodes, inodes, func(k bpfInodeKey) bpfInodeKey { return k }),
		w.kernel.round.Set(w.round),
	)
}

// update makes the map in the kernel hold what is wanted.
func update[K comparable, R any](m *ebpf.Map, have *map[K]bpfWatch, want map[K]bpfWatch, raw func(K) R) error {
	var errs []error
	for k, v := range want {
		if was, ok := (*have)[k]; ok && was == v {
			continue
		}
		if err := m.Put(raw(k), v); err != nil {
			errs = append(errs, fmt.Errorf("watch %v: %w", k, err))
			delete(want, k)
		}
	}
	for k := range *have {
		if _, ok := want[k]; !ok {
			if err := m.Delete(raw(k)); err != nil {
				errs = append(errs, fmt.Errorf("no longer watch %v: %w", k, err))
			}
		}
	}
	*have = want
	return errors.Join(errs...)
}

// resolve follows the links in p as a process of the host would. It opens nothing:
// O_PATH gives no access and does not count as one.
func (w *watched) resolve(p string) (string, bpfInodeKey, error) {
	if w.root == nil || !strings.HasPrefix(p, "/") {
		return "", bpfInodeKey{}, os.ErrNotExist
	}
	fd, err := unix.Openat2(int(w.root.Fd()), p, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	if err != nil {
		return "", bpfInodeKey{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", bpfInodeKey{}, err
	}
	to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return "", bpfInodeKey{}, err
	}
	to = path.Clean("/" + strings.TrimPrefix(to, w.prefix))
	if strings.HasSuffix(p, "/") && to != "/" {
		to += "/"
	}
	// The kernel keeps the major number above 20 bits of minor; stat does not.
	dev := unix.Major(st.Dev)<<20 | unix.Minor(st.Dev)
	return to, bpfInodeKey{Inode: st.Ino, Dev: dev}, nil
}

// addName lets opens of p pass the filter.
func (w *watched) addName(p string) {
	if p == "/" {
		w.names.addAll()
		return
	}
	if strings.HasSuffix(p, "/") {
		w.dirs.add(path.Base(p))
		return
	}
	w.names.add(path.Base(p))
}

// add lets names like this one pass the kernel's filter; see bpf/policy.h.
func (f *bpfNameFilter) add(name string) {
	f.Lengths |= 1 << (len(name) % 64)
	if len(name) >= longName {
		return
	}
	var front [8]byte
	copy(front[:], name)
	bit := (binary.LittleEndian.Uint64(front[:]) ^ uint64(len(name))) * 0x9E3779B97F4A7C15 >> 52
	f.Bits[bit>>6] |= 1 << (bit & 63)
}

// addAll lets all names pass.
func (f *bpfNameFilter) addAll() {
	f.Lengths = ^uint64(0)
	for i := range f.Bits {
		f.Bits[i] = ^uint64(0)
	}
}

// longName is LONG_NAME in bpf/policy.h.
const longName = 32

// watchKey is the LPM key of a watched path: a file's ends with its NUL, so that
// it matches whole; a directory's does not, so that it matches all below.
func watchKey(p string) bpfPathKey {
	if rest, anywhere := strings.CutPrefix(p, "~/"); anywhere {
		return pathKey(rest + "\x00")
	}
	if strings.HasSuffix(p, "/") {
		return pathKey(p)
	}
	return pathKey(p + "\x00")
}

// fits tells whether the kernel can compare all of p, a file's with its NUL.
func fits(p string) bool {
	return len(p) < len(bpfPathKey{}.Path) || strings.HasSuffix(p, "/") && len(p) == len(bpfPathKey{}.Path)
}

func pathKey(p string) bpfPathKey {
	var k bpfPathKey
	k.Bits = uint32(copy(k.Path[:], p)) * 8
	return k
}
