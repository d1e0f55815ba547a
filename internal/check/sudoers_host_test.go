//go:build linux && host

package check

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asks are commands, as whom they are to run, that sudo is asked about.
var asks = []string{
	"-u root /bin/ls", "-u root /bin/cat", "-u root /bin/sh", "-u bob /bin/ls",
	"-u root /bin/ls a,b:c=d", "-u root /bin/ls abc",
}

// inPlaceOf runs a script where files of a tree are in the place of the host's.
func inPlaceOf(t *testing.T, h tree, files []string, script string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("set -eu\n")
	for _, name := range files {
		fmt.Fprintf(&b, "mount --bind %s/%s /%s\n", h.dir, name, name)
	}
	out, err := exec.Command("unshare", "--mount", "sh", "-c", b.String()+script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestHostSudo compares with what sudo itself answers.
func TestHostSudo(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	ls, err := os.ReadFile("/bin/ls")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum224(ls)
	digest := base64.StdEncoding.EncodeToString(sum[:])
	for _, test := range sudoCases {
		t.Run(test.name, func(t *testing.T) {
			text := strings.ReplaceAll(test.sudoers, strings.Repeat("A", 38)+"==", digest)
			h := sudoTree(t, map[string]string{"etc/sudoers": text})
			if err := os.WriteFile(filepath.Join(h.dir, "etc/hostname"), []byte(name), 0o644); err != nil {
				t.Fatal(err)
			}
			h.chmod("etc/sudoers", 0o440)
			want := sudoSays(t, h)
			equal(t, "who may, by sudo", want, test.want)
			equal(t, "who may", mayUse(t, h.host()), want)
		})
	}
}

// TestHostSudoFiles compares what sudo makes of files that it does not trust, or
// that are none.
func TestHostSudoFiles(t *testing.T) {
	chown := func(h tree, name string, uid, gid int) error { return os.Chown(filepath.Join(h.dir, name), uid, gid) }
	chmod := func(h tree, name string, mode os.FileMode) error { return os.Chmod(filepath.Join(h.dir, name), mode) }
	const file, dir, main = "etc/sudoers.d/bob", "etc/sudoers.d", "etc/sudoers"
	for name, change := range map[string]func(h tree) error{
		"as they should be":              func(tree) error { return nil },
		"a user's file":                  func(h tree) error { return chown(h, file, 1002, 0) },
		"a file that all may write":      func(h tree) error { return chmod(h, file, 0o666) },
		"a file that root's group may":   func(h tree) error { return chmod(h, file, 0o660) },
		"a file that another group may":  func(h tree) error { return errors.Join(chown(h, file, 0, 50), chmod(h, file, 0o660)) },
		"another group's file":           func(h tree) error { return errors.Join(chown(h, file, 0, 50), chmod(h, file, 0o640)) },
		"a file that all may read":       func(h tree) error { return chmod(h, file, 0o644) },
		"a directory all may write":      func(h tree) error { return chmod(h, dir, 0o777) },
		"a directory root's group may":   func(h tree) error { return chmod(h, dir, 0o775) },
		"a directory another group may":  func(h tree) error { return errors.Join(chown(h, dir, 0, 50), chmod(h, dir, 0o775)) },
		"a user's directory":             func(h tree) error { return chown(h, dir, 1001, 0) },
		"all may write sudoers":          func(h tree) error { return chmod(h, main, 0o666) },
		"root's group may write sudoers": func(h tree) error { return chmod(h, main, 0o660) },
		"a user's sudoers":               func(h tree) error { return chown(h, main, 1001, 0) },
		"a FIFO":                         func(h tree) error { return syscall.Mkfifo(filepath.Join(h.dir, dir, "a"), 0o440) },
		"a directory in it":              func(h tree) error { return os.Mkdir(filepath.Join(h.dir, dir, "a"), 0o750) },
		"a link":                         func(h tree) error { return os.Symlink("bob", filepath.Join(h.dir, dir, "a")) },
		"a link to nothing":              func(h tree) error { return os.Symlink("none", filepath.Join(h.dir, dir, "a")) },
	} {
		t.Run(name, func(t *testing.T) {
			h := sudoTree(t, map[string]string{
				main: "carol ALL=ALL\n@includedir /etc/sudoers.d\n@include /etc/sudoers.d/none\n", file: "bob ALL=ALL\n",
			})
			h.roots = false
			h.chmod(main, 0o440)
			h.chmod(file, 0o440)
			if err := change(h); err != nil {
				t.Fatal(err)
			}
			equal(t, "who may", mayUse(t, h.host()), sudoSays(t, h, "etc/sudoers.d"))
		})
	}
}

// sudoSays are those whom sudo lets run at least one of the commands.
func sudoSays(t *testing.T, h tree, more ...string) string {
	t.Helper()
	var script strings.Builder
	for _, user := range []string{"alice", "bob", "carol"} {
		fmt.Fprintf(&script, "if false")
		for _, ask := range asks {
			fmt.Fprintf(&script, " || sudo -n -l -U %s %s > /dev/null 2>&1", user, ask)
		}
		fmt.Fprintf(&script, "; then echo %s; fi\n", user)
	}
	files := append(more, "etc/passwd", "etc/group", "etc/sudoers")
	return strings.Join(strings.Fields(inPlaceOf(t, h, files, script.String())), " ")
}
