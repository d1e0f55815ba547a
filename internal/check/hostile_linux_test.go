package check

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A watcher knows what the kernel saw being opened below a directory.
type watcher struct {
	fd   int
	dir  string
	dirs map[int32]string
}

func watch(t testing.TB, dir string) *watcher {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	w := &watcher{fd, dir, map[int32]string{}}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		// With the closing in between no two openings are told as one.
		wd, err := unix.InotifyAddWatch(fd, name, unix.IN_OPEN|unix.IN_CLOSE_NOWRITE)
		rel, relErr := filepath.Rel(dir, name)
		w.dirs[int32(wd)] = rel
		return errors.Join(err, relErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// opened returns what was, and how often, since it was asked last. Descriptors
// that only name something do not count.
func (w *watcher) opened(t testing.TB) map[string]int {
	t.Helper()
	opened := map[string]int{}
	b := make([]byte, 1<<20)
	for {
		n, err := unix.Read(w.fd, b)
		if err != nil || n == 0 {
			return opened
		}
		for at := 0; at < n; { // struct inotify_event: descriptor, mask, cookie, length, name
			wd, mask := int32(binary.NativeEndian.Uint32(b[at:])), binary.NativeEndian.Uint32(b[at+4:])
			size := int(binary.NativeEndian.Uint32(b[at+12:]))
			name := strings.TrimRight(string(b[at+16:at+16+size]), "\x00")
			at += 16 + size
			if mask&unix.IN_Q_OVERFLOW != 0 {
				t.Fatal("more was opened than could be counted")
			}
			// A directory's own watch tells of it, too.
			if mask&unix.IN_OPEN != 0 && (mask&unix.IN_ISDIR == 0 || name == "") {
				opened[filepath.Join(w.dirs[wd], name)]++
			}
		}
	}
}

// A spoiling is done to a file or a directory.
type spoiling struct {
	name string
	do   func(file string, isDir bool) error // nil takes all rights away: see asNobody
	// isGone says that it is as if nothing were there.
	isGone bool
}

func spoilings(outside string) []spoiling {
	return []spoiling{
		{"closed", nil, false},
		{"a FIFO", func(file string, _ bool) error { return syscall.Mkfifo(file, 0o666) }, false},
		{"a socket", func(file string, _ bool) error { return syscall.Mknod(file, syscall.S_IFSOCK|0o666, 0) }, false},
		{"a loop of links", func(file string, _ bool) error { return os.Symlink(filepath.Base(file), file) }, false},
		{"a loop of links through a directory", func(file string, _ bool) error {
			return os.Symlink("../"+filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), file)
		}, false},
		{"of the other kind", func(file string, isDir bool) error {
			if isDir {
				return os.WriteFile(file, []byte("x\n"), 0o644)
			}
			return os.Mkdir(file, 0o755)
		}, false},
		{"a line of 1 GB", func(file string, isDir bool) error {
			if isDir {
				return os.Symlink("none", file)
			}
			return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, 1<<30))
		}, false},
		{"a link out of the root", func(file string, _ bool) error {
			return os.Symlink(strings.Repeat("../", 20)+outside, file)
		}, true},
	}
}

// asNobody runs a check without the rights of root.
func asNobody(t testing.TB, c Check, h *Host) Outcome {
	result := make(chan Outcome)
	go func() {
		runtime.LockOSThread() // and with it the thread ends
		if os.Getuid() == 0 {
			_, _ = unix.SetfsuidRetUid(65534)
		}
		result <- one(t, c, h)
	}()
	return <-result
}

// A victim is a host, whole, of which one file after another is spoiled.
type victim struct {
	name    string
	tree    tree
	whole   map[string]Outcome         // by checks
	readers map[string]map[string]bool // checks by files
	judged  map[string]bool            // checks and files by which a rule fails
}

func (v *victim) host() *Host {
	h := at(v.tree.host())
	answered(v.name, h)
	return h
}

// TestNothingIsMadeUp spoils each file and each directory that a check opens,
// one after another and in all ways. The check says so; it makes no value up;
// no rule passes that would not with something bad in the file; other checks
// find what they found.
func TestNothingIsMadeUp(t *testing.T) {
	done, judged := map[string]bool{}, map[string]bool{}
	for _, name := range hostNames(t) {
		v := &victim{name, copyHost(t, name), map[string]Outcome{}, map[string]map[string]bool{}, judged}
		w := watch(t, v.tree.dir)
		w.opened(t) // to watch it
		files := map[string][]Check{}
		for _, c := range All() {
			v.whole[c.ID] = one(t, anew(c), v.host())
			for file := range w.opened(t) {
				if v.readers[file] == nil {
					v.readers[file] = map[string]bool{}
				}
				v.readers[file][c.ID] = true
				if key := kindOf(c.ID, file); file != "." && !done[key] { // more of a kind show nothing new
					done[key] = true
					files[file] = append(files[file], c)
				}
			}
		}
		for file, checks := range files {
			v.spoil(t, file, checks)
		}
	}
	for key := range done {
		if check, file, _ := strings.Cut(key, " "); !judged[key] && len(anew(Check{ID: check}).Rules) > 0 && !isHarmless(check, file) {
			t.Errorf("no rule of %s fails whatever is in %s", check, file)
		}
	}
}

var digits = regexp.MustCompile(`[0-9]+`)

// kindOf is the same for files that a check reads by the same lines of code.
func kindOf(check, file string) string {
	switch dir := filepath.Dir(file); {
	case check == "setuid" && !strings.Contains(filepath.Base(file), "."):
		file = "any"
	case strings.HasPrefix(file, "proc/sys/"):
		file = "proc/sys"
	case strings.HasPrefix(file, "var/lib/dpkg/info/"), strings.HasPrefix(dir, "usr/lib/systemd/system"):
		file = dir + filepath.Ext(file)
	default:
		file = digits.ReplaceAllString(file, "N")
	}
	return check + " " + file
}

func (v *victim) spoil(t *testing.T, file string, checks []Check) {
	t.Helper()
	full := filepath.Join(v.tree.dir, file)
	info, err := os.Lstat(full)
	if err != nil {
		t.Fatal(err)
	}
	mayFail := v.withEvil(t, file, checks)
	gone := map[string]Outcome{}
	restore := v.replace(t, full, info, func(string, bool) error { return nil })
	for _, c := range checks {
		gone[c.ID] = one(t, anew(c), v.host())
	}
	restore()
	v.whileRead(t, file, checks, mayFail)
	for _, s := range spoilings(v.outside(t, file)) {
		if s.name == "a loop of links through a directory" && filepath.Dir(file) == "." {
			continue // the root's name is not in the root
		}
		what := v.name + ": " + file + ", " + s.name
		restore := v.replace(t, full, info, s.do)
		for _, c := range checks {
			run := one
			if s.do == nil {
				run = asNobody
			}
			o := run(t, anew(c), v.host())
			isGone := asGone(c.ID, file, s, info.IsDir())
			if isGone && saysNoMore(o, gone[c.ID]) {
				continue
			}
			v.judge(t, what+": "+c.ID, file, c, o, mayFail[c.ID], !isGone && s.name != "a line of 1 GB")
		}
		if s.name == "a FIFO" && !info.IsDir() {
			v.others(t, what, file)
		}
		restore()
	}
}

// asGone says whether a check takes what was done for the absence of the file:
// what is no directory has nothing in it, and cron, sudo and others leave out
// what is no file.
func asGone(check, file string, s spoiling, isDir bool) bool {
	isOther := slices.Contains([]string{"a FIFO", "a socket", "of the other kind"}, s.name)
	switch {
	case s.isGone, isDir && (isOther || s.name == "a line of 1 GB"):
		return true
	case check == "sudo" || check == "account":
		return isOther && strings.Contains(file, "/sudoers.d/") // as sudo does
	case check == "setuid":
		return isDir // which only root may enter, or is none
	case check == "crontab":
		isLoop := strings.HasPrefix(s.name, "a loop")
		return (isOther || isLoop || s.name == "closed") && (strings.Contains(file, "/cron") || strings.Contains(file, "/periodic/"))
	}
	return false
}

// saysNoMore says whether an outcome has nothing that another has not, but for
// its status.
func saysNoMore(o, than Outcome) bool {
	for rule, pass := range verdicts(o) {
		if other, ok := verdicts(than)[rule]; !ok || other != pass {
			return false
		}
	}
	return !slices.ContainsFunc(o.Points, func(p Point) bool { return !contains(than.Points, p) })
}

// outside is a file, or a directory, that no check may see.
func (v *victim) outside(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(v.tree.dir, file))
	dir := t.TempDir()
	if err != nil {
		return dir
	}
	for _, e := range evils {
		if ok, _ := path.Match(e.file, file); ok {
			b = []byte(e.content)
		}
	}
	name := filepath.Join(dir, "outside")
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// spoiledFS does something to a file while it is read.
type spoiledFS struct {
	*Root
	file  string
	spoil func(fs.File) fs.File
	read  *bool
}

func (s spoiledFS) Open(name string) (fs.File, error) {
	f, err := s.Root.Open(name)
	if at, resolveErr := s.resolve("open", name, true); err == nil && resolveErr == nil && at == s.file {
		*s.read = true
		return s.spoil(f), nil
	}
	return f, err
}

// A shortFile ends where it was cut off after it had been opened.
type shortFile struct {
	fs.File
	half io.Reader
}

func (f shortFile) Read(b []byte) (int, error) { return f.half.Read(b) }

// whileRead spoils a file that has been opened.
func (v *victim) whileRead(t *testing.T, file string, checks []Check, mayFail map[string][]string) {
	t.Helper()
	for kind, spoil := range map[string]func(fs.File) fs.File{
		"gone while it is read": func(f fs.File) fs.File { return faultyFile{f, syscall.ESTALE} },
		"cut short while it is read": func(f fs.File) fs.File {
			info, err := f.Stat()
			if err != nil || isKernels(file) {
				return f // of the kernel's nobody knows how much there is
			}
			return shortFile{f, io.LimitReader(f, info.Size()/2)}
		},
	} {
		for _, c := range checks {
			h, read := v.host(), false
			h.fs = spoiledFS{h.fs.(*Root), file, spoil, &read}
			o := one(t, anew(c), h)
			if read && (kind != "cut short while it is read" || !isKernels(file)) {
				v.judge(t, v.name+": "+file+", "+kind+": "+c.ID, file, c, o, mayFail[c.ID], true)
			}
		}
	}
}

// replace puts something in a file's place, or takes all rights of it away. What
// it returns takes that back.
func (v *victim) replace(t testing.TB, full string, info fs.FileInfo, do func(string, bool) error) (restore func()) {
	t.Helper()
	try := func(errs ...error) {
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	if do == nil {
		try(os.Chmod(full, 0))
		return func() { try(os.Chmod(full, info.Mode().Perm())) }
	}
	was := filepath.Join(t.TempDir(), "was")
	try(os.Rename(full, was), do(full, info != nil && info.IsDir()))
	if now, err := os.Lstat(full); err == nil && now.Mode().IsRegular() && info != nil {
		try(os.Chmod(full, info.Mode().Perm()))
	}
	return func() { try(os.RemoveAll(full), os.Rename(was, full)) }
}

func (v *victim) judge(t *testing.T, what, file string, c Check, o Outcome, mayFail []string, unreadable bool) {
	t.Helper()
	wellFormed(t, what, o)
	whole := v.whole[c.ID]
	if o.Err != nil && strings.Contains(o.Err.Error(), "panic") {
		t.Errorf("%s: %v", what, o.Err)
	}
	if unreadable && o.Status != Unreadable && o.Status != Error && !isAside(c.ID, file) {
		t.Errorf("%s: status %v", what, o.Status)
	}
	for _, p := range o.Points {
		if unreadable && !isAside(c.ID, file) && !contains(whole.Points, p) {
			t.Errorf("%s: made up %v", what, p)
		}
	}
	passed := verdicts(whole)
	for rule, pass := range verdicts(o) {
		if rule == "crontab.private" && strings.HasSuffix(what, "closed: crontab") {
			continue // it is private
		}
		if pass && (!passed[rule] || slices.Contains(mayFail, rule)) {
			t.Errorf("%s: %s passes", what, rule)
		}
	}
}

// others says that what was done to a file is nothing to the checks that do not
// read it.
func (v *victim) others(t *testing.T, what, file string) {
	t.Helper()
	for _, c := range All() {
		if v.readers[file][c.ID] || looksAt(c.ID, file) {
			continue
		}
		if diff := cmp.Diff(shown(v.whole[c.ID]), shown(one(t, anew(c), v.host()))); diff != "" {
			t.Errorf("%s: %s changed:\n%s", what, c.ID, diff)
		}
	}
}

// looksAt knows the files of which a check asks no more than what they are.
func looksAt(check, file string) bool {
	switch check {
	case "package_count":
		return strings.HasPrefix(file, "var/lib/dpkg/info/")
	}
	return false
}

// withEvil puts into a file, or a directory, what no rule should pass with. It
// returns the rules that fail for it: they cannot pass without it.
func (v *victim) withEvil(t *testing.T, file string, checks []Check) map[string][]string {
	t.Helper()
	failing := map[string][]string{}
	for _, e := range evils {
		if ok, err := path.Match(e.file, file); !ok || err != nil {
			continue
		}
		full := filepath.Join(v.tree.dir, file, e.entry)
		put := func(file string, _ bool) error { return os.WriteFile(file, []byte(e.content), 0o644) }
		restore := func() { _ = os.Remove(full) }
		if e.entry != "" {
			if err := put(full, false); err != nil {
				t.Fatal(err)
			}
		} else {
			restore = v.replace(t, full, nil, put)
		}
		for _, c := range checks {
			passed := verdicts(v.whole[c.ID])
			for rule, pass := range verdicts(one(t, anew(c), v.host())) {
				v.judged[kindOf(c.ID, file)] = v.judged[kindOf(c.ID, file)] || !pass
				if !pass && passed[rule] {
					failing[c.ID] = append(failing[c.ID], rule)
				}
			}
		}
		restore()
	}
	return failing
}

// isHarmless knows the kinds of files by whose content alone no rule of a check
// fails.
func isHarmless(check, file string) bool {
	switch check {
	case "crontab", "firewall", "service", "setuid", "search_path": // modes, what the kernel says, links
		return !strings.HasPrefix(file, "etc/login") && !strings.HasPrefix(file, "etc/environment") && !strings.HasSuffix(file, "cgroup.events")
	case "account":
		return file == "etc/hostname" || file == "etc/shadow" || strings.HasPrefix(file, "etc/sudoers")
	case "sudo":
		return file == "etc/hostname"
	case "auditd", "ports": // who runs, and of which package
		return !strings.HasPrefix(file, "proc/N/net/")
	case "authorized_keys":
		return !strings.HasSuffix(file, "authorized_keys")
	case "sshd":
		return strings.HasPrefix(file, "usr/share/crypto-policies")
	case "selinux":
		return file == "proc/filesystems"
	case "secure_boot":
		return !strings.Contains(file, "efivars/")
	}
	return file == "run/openrc/softlevel"
}

// evils are what no rule should pass with, by the files they are put into, or
// the directories in which an entry is made of them.
var evils = []struct{ file, entry, content string }{
	{"etc/passwd", "", "root:x:0:0::/:/bin/sh\nx:x:0:0::/:/bin/sh\nx:y:0:0::/:/bin/sh\nsys:x:5:77777::/:/bin/sh\nalice:x:1000:42::/home/alice:/bin/sh\n" +
		"ubuntu:x:1000:42::/home/ubuntu:/bin/sh\n"},
	{"etc/group", "", "root:x:0:\nroot:x:0:\nshadow:x:42:alice,ubuntu,root,ec2-user\ndocker:x:998:alice\n"},
	{"etc/shadow", "", "evil::99999:0:99999:0:9999::\nold:abcdefghijklm:99999:0:99999:0:9999::\n"},
	{"etc/login.defs", "", "UMASK 000\nPASS_MAX_DAYS 99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 0\nENCRYPT_METHOD MD5\nENV_PATH PATH=.:/bin\nUID_MIN 5000\n"},
	{"etc/environment", "", "PATH=.:/bin\n"},
	{"etc/sudoers", "", evilSudoers},
	{"etc/sudoers.d", "evil", evilSudoers},
	{"etc/sudoers.d/*", "", evilSudoers},
	{"etc/ssh/sshd_config.d", "00-evil.conf", evilSSHD},
	{"etc/ssh/sshd_config.d/*", "", evilSSHD},
	{"etc/ssh/sshd_config", "", evilSSHD},
	{"etc/selinux/config", "", "SELINUX=disabled\n"},
	{"proc/1/mountinfo", "", "1 0 8:1 / / rw - ext4 x rw\n2 1 8:2 / /tmp rw - ext4 x rw\n3 1 8:3 / /dev/shm rw - ext4 x rw\n4 1 8:4 / /home rw - ext4 x rw\n"},
	{"proc/1/net/*", "", netHeader + kernelLine("0.0.0.0:23", "0A", 1) + kernelLine("0.0.0.0:2375", "0A", 1) + kernelLine("0.0.0.0:69", "07", 1)},
	{"proc/sys/kernel/tainted", "", "4111\n"},
	{"proc/sys/*/*", "", "-1\n"},
	{"proc/sys/*/*/*", "", "-1\n"},
	{"proc/sys/*/*/*/*", "", "-1\n"},
	{"proc/sys/*/*/*/*/*", "", "-1\n"},
	{"sys/kernel/security/lsm", "", "capability"},
	{"sys/kernel/security/lockdown", "", "[none] integrity"},
	{"sys/kernel/security/apparmor/profiles", "", "a (complain)\nb (unconfined)\n"},
	{"sys/module/apparmor/parameters/enabled", "", "N\n"},
	{"sys/module/module/parameters/sig_enforce", "", "N\n"},
	{"sys/fs/selinux/enforce", "", "0"},
	{"sys/fs/cgroup/system.slice/*/cgroup.events", "", "populated 1\n"},
	{"sys/firmware/efi/efivars/SecureBoot*", "", "\x06\x00\x00\x00\x00"},
	{"sys/firmware/efi/efivars/SetupMode*", "", "\x06\x00\x00\x00\x01"},
	{"*/.ssh/authorized_keys", "", evilKey},
	{"home/*/.ssh/authorized_keys", "", evilKey},
	{"var/lib/dpkg/status", "", "Package: x\n"},
	{"var/lib/dpkg/info/*.list", "", "/x\n"},
	{"lib/apk/db/installed", "", "P:x\n"},
}

const (
	evilSudoers = "Defaults !use_pty, !authenticate, timestamp_timeout=-1\nALL ALL=(ALL) NOPASSWD: ALL\n"
	evilSSHD    = "PermitRootLogin yes\nPermitEmptyPasswords yes\nPermitUserEnvironment yes\nHostbasedAuthentication yes\nIgnoreRhosts no\n" +
		"GSSAPIAuthentication yes\nStrictModes no\nUsePAM no\nLogLevel QUIET\nLoginGraceTime 0\nMaxAuthTries 9\nMaxSessions 99\n" +
		"MaxStartups 99:1:99\nCiphers 3des-cbc\nMACs hmac-md5\nKexAlgorithms diffie-hellman-group1-sha1\nClientAliveCountMax 0\nPasswordAuthentication yes\n"
	evilKey = "ssh-dss AAAAB3NzaC1kc3MAAAAIAQAAAAAAAAA= x\n"
)

// A directory that others may enter and this process may not list can hold
// anything.
func TestSetuidInAClosedDirectory(t *testing.T) {
	h := setuidTree(t)
	if err := os.Remove(filepath.Join(h.dir, "tmp/.x/back")); err != nil {
		t.Fatal(err)
	}
	if got := verdicts(one(t, setuid(), h.host())); !got["setuid.protected"] {
		t.Error("it does not pass while all can be seen")
	}
	h.write("opt/closed/x", "")
	h.chmod("opt/closed", 0o311)
	o := asNobody(t, setuid(), h.host())
	equal(t, "status", o.Status, Unreadable)
	equal(t, "answers", len(o.Results), 0)
	equal(t, "files are shown", len(o.Points) > 2, true)
	h.chmod("opt/closed", 0o755)
}
