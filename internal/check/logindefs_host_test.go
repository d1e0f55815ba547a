//go:build linux && host

package check

import (
	"os"
	"path/filepath"
	"testing"
)

// TestHostUmask lets useradd make homes: what is strict to us must not be open
// to others.
func TestHostUmask(t *testing.T) {
	for _, mask := range []string{"027", "0027", "077", "27", "77", "0x17", "022", "0o27"} {
		h := newTree(t, map[string]string{
			"etc/passwd": "", "etc/shadow": "", "etc/group": "", "etc/gshadow": "", "home/": "",
			"etc/login.defs": "UMASK " + mask + "\nCREATE_HOME yes\n",
		})
		output(t, "useradd", "--prefix", h.dir, "--create-home", "someone")
		info, err := os.Stat(filepath.Join(h.dir, "home/someone"))
		if err != nil {
			t.Fatal(err)
		}
		strict := verdicts(one(t, loginDefs(), h.host()))["login_defs.umask"]
		if strict && info.Mode()&0o027 != 0 {
			t.Errorf("UMASK %s is strict to us, and useradd makes a home with %v", mask, info.Mode())
		}
		if mask[0] == '0' && mask[1] != 'x' {
			equal(t, mask+" is strict", strict, info.Mode()&0o027 == 0)
		}
	}
}
