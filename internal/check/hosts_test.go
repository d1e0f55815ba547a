package check

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.FromSlash(name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("not as in %s (-want +got):\n%s", name, diff)
	}
}

// written is when the files of all hosts in testdata were.
var written = time.Date(2025, 5, 1, 12, 0, 0, 0, time.UTC)

// copyHost makes a host of a tree in testdata. Git keeps no more of a mode than
// who may execute, and the umask is any: what differs is in testdata/modes.
func copyHost(t testing.TB, name string) tree {
	t.Helper()
	h, from := tree{TB: t, dir: t.TempDir()}, filepath.Join("testdata", "hosts", name)
	err := filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		to := filepath.Join(h.dir, rel)
		switch {
		case d.IsDir():
			return errors.Join(os.MkdirAll(to, 0o755), os.Chmod(to, 0o755))
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(file)
			return errors.Join(err, os.Symlink(target, to))
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(file)
		return errors.Join(err, os.WriteFile(to, b, 0o600), os.Chmod(to, info.Mode().Perm()&0o111|0o444), os.Chtimes(to, written, written))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modesOf(t, name) {
		m.apply(h)
	}
	return h
}

// A modeOf is a line of testdata/modes: mode, owner, group, and path of a file
// that is there, or of a socket that is to be made.
type modeOf struct {
	mode     uint32
	uid, gid uint32
	path     string
	isSocket bool
}

func modesOf(t testing.TB, name string) []modeOf {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "modes", name))
	if err != nil {
		t.Fatal(err)
	}
	var all []modeOf
	for line := range lines(b) {
		var m modeOf
		if _, err := fmt.Sscanf(line, "%o %d:%d", &m.mode, &m.uid, &m.gid); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		m.path, m.isSocket = strings.CutSuffix(strings.SplitN(line, " ", 3)[2], " socket")
		all = append(all, m)
	}
	return all
}

func (m modeOf) apply(h tree) {
	h.Helper()
	to := filepath.Join(h.dir, m.path)
	if m.isSocket {
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), syscall.Mknod(to, syscall.S_IFSOCK, 0)); err != nil {
			h.Fatal(err)
		}
	}
	if err := syscall.Chmod(to, m.mode); err != nil {
		h.Fatal(err)
	}
}

// at is a day in the life of all hosts in testdata.
func at(h *Host) *Host {
	h.Now = func() time.Time { return time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC) }
	return h
}

func hostNames(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", "hosts"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// An owned host's files have the owners of testdata/modes, or are root's,
// whoever runs the test.
type ownedFS struct {
	*Root
	owners map[string]syscall.Stat_t
}

func (r ownedFS) of(name string, info fs.FileInfo, err error) (fs.FileInfo, error) {
	if err == nil {
		stat := info.Sys().(*syscall.Stat_t)
		stat.Uid, stat.Gid = r.owners[name].Uid, r.owners[name].Gid
	}
	return info, err
}

func (r ownedFS) Stat(name string) (fs.FileInfo, error) {
	info, err := r.Root.Stat(name)
	return r.of(name, info, err)
}

func (r ownedFS) Lstat(name string) (fs.FileInfo, error) {
	info, err := r.Root.Lstat(name)
	return r.of(name, info, err)
}

// hostOf is the host of a tree as its root sees it, with what its kernel and its
// systemd say.
func hostOf(t testing.TB, name string, h tree) *Host {
	t.Helper()
	host := at(h.host())
	owners := map[string]syscall.Stat_t{}
	for _, m := range modesOf(t, name) {
		owners[m.path] = syscall.Stat_t{Uid: m.uid, Gid: m.gid}
	}
	host.fs = ownedFS{host.fs.(*Root), owners}
	answered(name, host)
	return host
}

// answered gives hosts in testdata what is no file.
func answered(name string, h *Host) {
	switch name {
	case "debian12":
		h.Filter = fakeFilter{chains: []Chain{chain("inet", "filter", "input", "input", "filter", 4, true)}}
		h.Audit = fakeAudit{AuditState: AuditState{Enabled: 1, PID: 700, Rules: 3}}
	case "ubuntu":
		h.Filter = fakeFilter{chains: []Chain{
			chain("ip", "filter", "INPUT", "input", "filter", 6, true), chain("ip", "filter", "ufw-before-input", "", "", 12, false),
		}}
		h.Audit = fakeAudit{}
		h.Systemd = fakeSystemd{all: []Service{
			{Name: "cups.service", Active: true, Running: true, State: "enabled"},
			{Name: "fstrim.service", State: "static"},
			{Name: "graphical.target", State: "static"},
			{Name: "multi-user.target", Active: true, State: "static"},
			{Name: "ssh.service", Active: true, Running: true, State: "disabled"},
			{Name: "ufw.service", Active: true, State: "enabled"},
		}}
	case "rhel9":
		h.Filter = fakeFilter{chains: []Chain{chain("inet", "firewalld", "filter_INPUT", "input", "filter", 9, false)}}
		h.Audit = fakeAudit{AuditState: AuditState{Enabled: 2, PID: 650, Rules: 41}}
	case "alpine":
		h.Filter, h.Legacy = fakeFilter{}, fakeLegacy{"ip": true}
		h.Audit = fakeAudit{err: syscall.EPERM}
	}
}

func TestHosts(t *testing.T) {
	for _, name := range hostNames(t) {
		host := hostOf(t, name, copyHost(t, name))
		for _, c := range All() {
			t.Run(name+"/"+c.ID, func(t *testing.T) {
				golden(t, "testdata/golden/"+name+"/"+c.ID+".txt", asRoots(c.ID, host, shown(one(t, c, host))))
			})
		}
	}
}

// asRoots makes what whoever runs the test owns root's, where a check sees the
// owner without hostOf.
func asRoots(check string, host *Host, shown string) string {
	if check != "setuid" && check != "search_path" {
		return shown
	}
	names := host.names()
	owner, group := names.user(uint32(os.Getuid())), names.group(uint32(os.Getgid()))
	return strings.NewReplacer(fmt.Sprintf("owner=%q", owner), `owner="root"`, fmt.Sprintf("group=%q", group), `group="root"`).Replace(shown)
}
