package check

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const dpkgTestStatus = `Package: openssh-server
Status: install ok installed
Architecture: amd64
Multi-Arch: foreign
Version: 1:9.2p1-2
Description: secure shell
 Package: not-one
 .
 Version: 0

Package: libc6
Status: hold ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-9

Package: removed
Status: deinstall ok config-files
Version: 1

Package: broken
Status: install reinstreq half-installed
Version: 1

Package: coreutils
Status: install ok half-configured
Version: 9.1-1
`

// dpkgTree is a host with three packages, of which the last was unpacked at
// noon. A list newer than that is of one that is no longer there.
func dpkgTree(t testing.TB) tree {
	h := newTree(t, map[string]string{
		"var/lib/dpkg/status":                   dpkgTestStatus,
		"var/lib/dpkg/info/openssh-server.list": "/.\n/usr\n/usr/sbin\n/usr/sbin/sshd\n",
		"var/lib/dpkg/info/libc6:amd64.list":    "/lib/x86_64-linux-gnu/libc.so.6\n",
		"var/lib/dpkg/info/coreutils.list":      "/bin/ls\n/usr/bin/diverted\n/usr/bin/env",
		"var/lib/dpkg/info/removed.list":        "/etc/removed.conf\n/usr/sbin/sshd\n",
		"var/lib/dpkg/diversions":               "/usr/bin/diverted\n/usr/bin/diverted.old\nopenssh-server\n/only\n/two\n",
	})
	for name, hour := range map[string]int{"openssh-server": 11, "libc6:amd64": 12, "coreutils": 10, "removed": 13} {
		h.touch("var/lib/dpkg/info/"+name+".list", time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC))
	}
	return h
}

func (h tree) touch(name string, at time.Time) {
	h.Helper()
	if err := os.Chtimes(filepath.Join(h.dir, name), at, at); err != nil {
		h.Fatal(err)
	}
}

func TestPackagesOfDpkg(t *testing.T) {
	expect(t, one(t, packages(), dpkgTree(t).host()), `
		package_count{package_type="dpkg"} 3
		last_patch_time{package_type="dpkg"} 1.7673552e+09
		status ok`)
}

func TestPackagesOfDistroless(t *testing.T) {
	h := newTree(t, map[string]string{
		"var/lib/dpkg/status.d/base":         "Package: base-files\nVersion: 12\n",
		"var/lib/dpkg/status.d/base.md5sums": "Package: no\n",
		"var/lib/dpkg/status.d/libssl3":      "Package: libssl3\nVersion: 3.0.11",
	})
	expect(t, one(t, packages(), h.host()), `
		package_count{package_type="dpkg"} 2
		status ok`)
}

func TestPackagesOfRPM(t *testing.T) {
	h := newTree(t, nil)
	for _, suffix := range []string{"", "-wal"} {
		h.write("var/lib/rpm/rpmdb.sqlite"+suffix, unzipped(t, "rpmdb.sqlite"+suffix))
	}
	o := one(t, packages(), h.host())
	equal(t, "packages", value(t, o, metricPackageCount, "package_type", "rpm"), 3)
	// rpm -qa tells the time of each.
	last := 0.0
	for line := range strings.Lines(unzipped(t, "rpm-qa")) {
		seconds, err := strconv.ParseFloat(strings.Fields(line)[2], 64)
		equal(t, "error", err, nil)
		last = max(last, seconds)
	}
	equal(t, "last patch", value(t, o, metricLastPatch, "package_type", "rpm"), last)
}

func TestPackagesOfOtherRPMs(t *testing.T) {
	for _, name := range []string{"Packages", "Packages.db"} {
		h := newTree(t, map[string]string{"usr/lib/sysimage/rpm/" + name: unzipped(t, name)})
		o := one(t, packages(), h.host())
		equal(t, name, value(t, o, metricPackageCount, "package_type", "rpm"), 3)
	}
}

// unzipped returns what internal/rpmdb/testdata/make.sh made.
func unzipped(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open("../rpmdb/testdata/" + name + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const apkTestDB = `C:Q1abc=
P:musl
V:1.2.4-r2
A:x86_64
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
R:libc.musl-x86_64.so.1

P:busybox
V:1.36.1-r5
F:
R:init
F:bin
M:0:0:755
R:busybox`

func TestPackagesOfApk(t *testing.T) {
	for _, dir := range []string{"lib/apk/db/", "usr/lib/apk/db/"} {
		h := newTree(t, map[string]string{dir + "installed": apkTestDB})
		h.touch(dir+"installed", time.Unix(1700000000, 0))
		expect(t, one(t, packages(), h.host()), `
			package_count{package_type="apk"} 2
			last_patch_time{package_type="apk"} 1.7e+09
			status ok`)
	}
}

func pacmanTree(t testing.TB) tree {
	return newTree(t, map[string]string{
		"var/lib/pacman/local/ALPM_DB_VERSION":    "9\n",
		"var/lib/pacman/local/bash-5.2-1/desc":    "%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n%INSTALLDATE%\n1700000001\n\n%DESC%\n%NAME%\n",
		"var/lib/pacman/local/bash-5.2-1/files":   "%FILES%\nusr/\nusr/bin/\nusr/bin/bash\n\n%BACKUP%\netc/bash.bashrc\tabc\n",
		"var/lib/pacman/local/empty-1-1/desc":     "%NAME%\nempty\n\n%VERSION%\n1-1\n\n%INSTALLDATE%\n1700000000\n",
		"var/lib/pacman/local/unfinished-1/mtree": "",
	})
}

func TestPackagesOfPacman(t *testing.T) {
	expect(t, one(t, packages(), pacmanTree(t).host()), `
		package_count{package_type="pacman"} 2
		last_patch_time{package_type="pacman"} 1.700000001e+09
		status ok`)
}

// One database that cannot be read takes nothing from the others.
func TestPackagesUnreadable(t *testing.T) {
	h := newTree(t, map[string]string{"lib/apk/db/installed": apkTestDB, "var/lib/dpkg/status/": "", "var/lib/rpm/rpmdb.sqlite": "SQLite format 3\x00 and no more than that"})
	h.touch("lib/apk/db/installed", time.Unix(1700000000, 0))
	expect(t, one(t, packages(), h.host()), `
		package_count{package_type="apk"} 2
		last_patch_time{package_type="apk"} 1.7e+09
		status error`)
	expect(t, one(t, packages(), newTree(t, nil).host()), "status ok")
}

func TestOwners(t *testing.T) {
	none := pkg{}
	for _, test := range []struct {
		name string
		tree tree
		want map[string]pkg
	}{
		{"dpkg", dpkgTree(t), map[string]pkg{
			"/usr/sbin/sshd":        {"openssh-server", "1:9.2p1-2"},
			"/usr/bin/ls":           {"coreutils", "9.1-1"}, // its list says /bin/ls
			"/usr/bin/env":          {"coreutils", "9.1-1"},
			"/usr/bin/diverted":     none,
			"/usr/bin/diverted.old": {"coreutils", "9.1-1"},
			"/etc/removed.conf":     none,
			"/opt/own":              none,
		}},
		{"rpm", newTree(t, map[string]string{"var/lib/rpm/Packages": unzipped(t, "Packages")}), map[string]pkg{
			"/usr/bin/small": {"small", "1.0-1"}, "/usr/bin/large": {"large", "3:2.5-1"}, "/usr/local/bin/small": none,
		}},
		{"apk", newTree(t, map[string]string{"lib/apk/db/installed": apkTestDB}), map[string]pkg{
			"/bin/busybox": {"busybox", "1.36.1-r5"}, "/init": {"busybox", "1.36.1-r5"}, "/usr/lib/ld-musl-x86_64.so.1": {"musl", "1.2.4-r2"}, "/bin/other": none,
		}},
		{"pacman", pacmanTree(t), map[string]pkg{"/usr/bin/bash": {"bash", "5.2-1"}, "/etc/bash.bashrc": none}},
		{"none", newTree(t, nil), map[string]pkg{"/usr/bin/bash": none}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var paths []string
			for p := range test.want {
				paths = append(paths, p)
			}
			all, err := test.tree.host().owners(paths)
			equal(t, "error", err, nil)
			got := map[string]pkg{}
			for _, p := range paths {
				got[p] = all[p]
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(pkg{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzDpkg(f *testing.F) {
	f.Add([]byte(dpkgTestStatus))
	f.Add([]byte("\n:\nStatus: a\nPackage\n\tx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := dpkgStatus{installed: map[string]pkg{}}
		_ = scanLines(strings.NewReader(string(b)), 0, func(line []byte) bool {
			s.line(line)
			return true
		})
		s.end()
		for key, p := range s.installed {
			if key == "" || p.name == "" {
				t.Errorf("%q is %v", key, p)
			}
		}
		parseDiversions(b).of("/usr/bin/x", "x")
	})
}

func FuzzApk(f *testing.F) {
	f.Add([]byte(apkTestDB))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := apkReader{each: func(pkg) {}, file: func(_ pkg, path string) {
			if path[0] != '/' {
				t.Errorf("%q is no path", path)
			}
		}}
		_ = scanLines(strings.NewReader(string(b)), 0, func(line []byte) bool {
			r.line(line)
			return true
		})
		r.end()
	})
}

func FuzzPacman(f *testing.F) {
	f.Add([]byte("%NAME%\na\n\n%FILES%\nb\nc\n%\n%%\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { parsePacman(b) })
}
