//go:build linux && host

package check

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestHostSSHD compares with what sshd -T says.
func TestHostSSHD(t *testing.T) {
	program, err := exec.LookPath("sshd")
	if err != nil {
		t.Fatal(err)
	}
	if program, err = filepath.Abs(program); err != nil { // or sshd refuses to run
		t.Fatal(err)
	}
	for _, test := range sshdCases {
		t.Run(test.name, func(t *testing.T) {
			h := sshdTree(t, test.config)
			says := sshdSays(t, h, program)
			ours := effective(one(t, sshd(), h.host()))
			compareOptions(t, says, ours)
			for _, line := range strings.Split(test.want, "; ") {
				if line != "" && !slices.Contains(says, line) {
					t.Errorf("sshd does not say %q", line)
				}
			}
		})
	}
}

// compareOptions wants the same options from both.
func compareOptions(t *testing.T, says, ours []string) {
	t.Helper()
	for i, line := range says { // as the manual calls it
		says[i] = strings.ReplaceAll(line, "without-password", "prohibit-password")
	}
	equal(t, "what we say and sshd does not", without(ours, says), "")
	known := map[string]bool{}
	for _, line := range ours {
		known[strings.Split(line, " ")[0]] = true
	}
	says = slices.DeleteFunc(slices.Clone(says), func(line string) bool {
		key := strings.Split(line, " ")[0]
		return !known[key] && dependsOnVersion(key)
	})
	equal(t, "what sshd says and we do not", without(says, ours), "")
}

// dependsOnVersion tells the options whose defaults the check does not know.
func dependsOnVersion(key string) bool {
	return strings.HasSuffix(key, "algorithms") || strings.HasPrefix(key, "gssapi") || strings.HasPrefix(key, "kerberos") ||
		strings.HasPrefix(key, "persource") || slices.Contains([]string{
		"ciphers", "macs", "hostkey", "ipqos", "pidfile", "modulifile", "xauthlocation", "requiredrsasize", "permitlisten",
		"pubkeyauthoptions", "unusedconnectiontimeout", "exposeauthinfo", "securitykeyprovider", "channeltimeout",
	}, key)
}

// sshdSays runs sshd where the tree's files are in the place of the host's.
func sshdSays(t *testing.T, h tree, program string) []string {
	t.Helper()
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	h.write("etc/passwd", string(passwd)+"sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin\n")
	key := filepath.Join(h.dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	script := fmt.Sprintf("mount -t tmpfs run /run; mkdir -m 755 /run/sshd; "+
		"%s -T -f /etc/ssh/sshd_config -h %s 2> /run/err || { cat /run/err; exit 1; }", program, key)
	out := inPlaceOf(t, h, []string{"etc/passwd", "etc/ssh"}, script)
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}
