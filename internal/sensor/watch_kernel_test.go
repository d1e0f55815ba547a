//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelFileWatched changes where watched paths lead, and asks whose opens count.
func TestKernelFileWatched(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	fatal(t, makeFiles(dir))
	link := dir + "/link"
	s := Open(Options{
		File: true, SyscallTracepoints: true, // without Cgroup: nobody else opens these
		Watch: []Watch{{link, event.Critical, true, true}, {dir + "/none/", event.Info, true, true}},
	})
	t.Cleanup(func() { fatal(t, s.Close()) })
	mustServe(t, s.Hooks())
	h := startHelper(t)
	byHelper := func(name string) func() {
		return func() { h.do("open", dir+"/"+name) }
	}

	same(t, s.counted(t, byHelper("link")), secret.times(200))
	same(t, s.counted(t, byHelper("target")), secret.times(200))
	same(t, s.counted(t, byHelper("xsecret")), nothing.times(200))
	same(t, s.counted(t, func() { opens(link, os.O_RDONLY)("", 200) }), nothing.times(200)) // the sensor's own

	fatal(t, os.Remove(link))
	fatal(t, os.Symlink("xsecret", link))
	s.counted(t, func() {}) // looks where the link leads now
	same(t, s.counted(t, byHelper("link")), secret.times(200))
	same(t, s.counted(t, byHelper("xsecret")), secret.times(200))
	same(t, s.counted(t, byHelper("target")), nothing.times(200))

	fatal(t, os.Mkdir(dir+"/none", 0o755))
	fatal(t, os.WriteFile(dir+"/none/file", nil, 0o600))
	same(t, s.counted(t, byHelper("none/file")), looked.times(200))
	fatal(t, os.Rename(dir+"/none", dir+"/elsewhere/none"))
	same(t, s.counted(t, byHelper("elsewhere/none/file")), nothing.times(200))
}

var _ = can("open", func(args []string) (string, error) {
	return "", caught(func() { opens(args[0], os.O_RDONLY)("", 200) })
})
