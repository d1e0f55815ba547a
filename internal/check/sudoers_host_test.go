//go:build linux && host

package check

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// sudoSays are those whom sudo lets run at least one of the commands.
func sudoSays(t *testing.T, h tree) string {
	t.Helper()
	var script strings.Builder
	for _, user := range []string{"alice", "bob", "carol"} {
		fmt.Fprintf(&script, "if false")
		for _, ask := range asks {
			fmt.Fprintf(&script, " || sudo -n -l -U %s %s > /dev/null 2>&1", user, ask)
		}
		fmt.Fprintf(&script, "; then echo %s; fi\n", user)
	}
	files := []string{"etc/passwd", "etc/group", "etc/sudoers"}
	return strings.Join(strings.Fields(inPlaceOf(t, h, files, script.String())), " ")
}
