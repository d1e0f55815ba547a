//go:build linux && host

package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHostKeys compares keys of all kinds with what ssh-keygen shows of them.
func TestHostKeys(t *testing.T) {
	dir := t.TempDir()
	var file strings.Builder
	for i, args := range []string{"rsa -b 1024", "rsa -b 4096", "ed25519", "ecdsa -b 521", "dsa"} {
		key := filepath.Join(dir, fmt.Sprint(i))
		output(t, "ssh-keygen", append(strings.Fields("-q -f "+key+" -C comment -t "+args), "-N", "")...)
		b, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		file.Write(b)
		file.WriteString(`no-pty,command="a \"b\" c",from="*.example.org" ` + string(b))
	}
	file.WriteString("# comment\nnot a key\n")
	name := filepath.Join(dir, "authorized_keys")
	if err := os.WriteFile(name, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(output(t, "ssh-keygen", "-l", "-f", name)) {
		fields := strings.Fields(line) // bits, fingerprint, comment, (KIND)
		if kind := fields[3]; kind != "(RSA)" && kind != "(DSA)" {
			fields[0] = "0"
		}
		want = append(want, fields[0]+" "+fields[1])
	}
	for _, k := range parseAuthorizedKeys([]byte(file.String())) {
		got = append(got, fmt.Sprintf("%d %s", k.bits, k.fingerprint))
	}
	equal(t, "keys", strings.Join(got, "\n"), strings.Join(want, "\n"))
	equal(t, "number of keys", len(got), 10)
}
