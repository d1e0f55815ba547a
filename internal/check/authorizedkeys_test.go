package check

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// keysTree has accounts of the user who runs the test, so that the files are
// their own.
func keysTree(t testing.TB, sshdConfig string) tree {
	uid := os.Getuid()
	return newTree(t, map[string]string{
		"etc/passwd": fmt.Sprintf("root:x:0:0::/root:/bin/sh\nalice:x:%[1]d:%[1]d::/home/alice:/bin/sh\nbob:x:%[1]d:%[1]d::/home/bob/:/bin/sh\n"+
			"none:x:%[1]d:%[1]d::/nonexistent:/bin/sh\nfile:x:%[1]d:%[1]d::/etc/passwd:/bin/sh\n", uid),
		"etc/ssh/sshd_config":             sshdConfig,
		"home/alice/.ssh/authorized_keys": testED25519 + " alice\n",
		"home/bob/.ssh/authorized_keys2":  "# none\n" + `command="secret" ` + testRSA + "\n" + testED25519 + "\n",
		"etc/ssh/keys/alice":              testRSA + "\n",
	})
}

func TestAuthorizedKeys(t *testing.T) {
	expect(t, one(t, authorizedKeys(), keysTree(t, "Port 22\n").host()), `
		authorized_keys{username="alice",file="/home/alice/.ssh/authorized_keys"} 1
		authorized_keys{username="bob",file="/home/bob/.ssh/authorized_keys2"} 2
		authorized_keys.protected pass (none)
		authorized_keys.strong fail (/home/bob/.ssh/authorized_keys2)
		status ok`)
	expect(t, one(t, authorizedKeys(), keysTree(t, "AuthorizedKeysFile /etc/ssh/keys/%u %h/.ssh/authorized_keys\n").host()), `
		authorized_keys{username="alice",file="/etc/ssh/keys/alice"} 1
		authorized_keys{username="alice",file="/home/alice/.ssh/authorized_keys"} 1
		authorized_keys.protected pass (none)
		authorized_keys.strong fail (/etc/ssh/keys/alice)
		status ok`)
	expect(t, one(t, authorizedKeys(), keysTree(t, "AuthorizedKeysFile none\nMatch User alice\nAuthorizedKeysFile /etc/ssh/keys/%u\n").host()), `
		authorized_keys{username="alice",file="/etc/ssh/keys/alice"} 1
		authorized_keys.protected pass (none)
		authorized_keys.strong fail (/etc/ssh/keys/alice)
		status ok`)
	expect(t, one(t, authorizedKeys(), keysTree(t, "AuthorizedKeysFile none\n").host()), `
		authorized_keys.protected pass (none)
		authorized_keys.strong pass (none)
		status ok`)
}

func TestAuthorizedKeysThatOthersWrite(t *testing.T) {
	for _, name := range []string{"home/alice/.ssh/authorized_keys", "home/alice/.ssh", "home/alice"} {
		h := keysTree(t, "")
		h.chmod(name, 0o775)
		equal(t, name, verdicts(one(t, authorizedKeys(), h.host()))["authorized_keys.protected"], false)
	}
	h := keysTree(t, "")
	h.write("tmp/keys/alice", testED25519+"\n")
	h.write("home/alice/.ssh/authorized_keys2", "-> /tmp/keys/alice")
	equal(t, "a link", verdicts(one(t, authorizedKeys(), h.host()))["authorized_keys.protected"], true)
	h.chmod("tmp", 0o777)
	equal(t, "a link to below /tmp", verdicts(one(t, authorizedKeys(), h.host()))["authorized_keys.protected"], false)
	h = keysTree(t, "")
	h.chmod("home", 0o777) // is above the home, and not the account's
	equal(t, "home", verdicts(one(t, authorizedKeys(), h.host()))["authorized_keys.protected"], true)
}

// A key that was added is seen, and what it may do is not told.
func TestAuthorizedKeysDrift(t *testing.T) {
	h := keysTree(t, "")
	var b baseline
	b.compare(one(t, authorizedKeys(), h.host()))
	h.write("home/alice/.ssh/authorized_keys", testED25519+"\n"+testRSA+"\n")
	h.write("home/bob/.ssh/authorized_keys2", `command="other" `+testRSA+"\n"+testED25519+"\n")
	var got []string
	for _, c := range b.compare(one(t, authorizedKeys(), h.host())) {
		got = append(got, string(c.Kind)+" "+c.Item+": "+c.Old+" > "+c.New)
	}
	want := []string{
		"added authorized_keys.alice." + testRSAIs + ":  > ssh-rsa 1024",
		"changed authorized_keys.bob." + testRSAIs + ": ssh-rsa 1024 command > ssh-rsa 1024 command",
	}
	for _, line := range want {
		if !strings.Contains(strings.Join(got, "\n"), line) {
			t.Errorf("%q is not among %q", line, got)
		}
	}
}

// A user's FIFO takes the user's keys only, and a flood of keys is cut.
func TestAuthorizedKeysOfHostileUsers(t *testing.T) {
	h := keysTree(t, "")
	if err := syscall.Mkfifo(filepath.Join(h.dir, "home/alice/.ssh/authorized_keys2"), 0o666); err != nil {
		t.Fatal(err)
	}
	var flood strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&flood, "ssh-x %s\n", flooded(i))
	}
	h.write("home/bob/.ssh/authorized_keys", flood.String())
	o := one(t, authorizedKeys(), h.host())
	equal(t, "status", o.Status, Unreadable)
	equal(t, "alice's", value(t, o, metricAuthorizedKeys, "username", "alice"), 1)
	equal(t, "bob's", value(t, o, metricAuthorizedKeys, "file", "/home/bob/.ssh/authorized_keys"), 3000)
	equal(t, "overflow", o.Overflow, 3000-maxKeysShown)
}

// flooded is a key of no known kind.
func flooded(i int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf([]byte("\x00\x00\x00\x05ssh-x"), "%d", i))
}
