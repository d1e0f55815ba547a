package check

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

func TestVersionsAreRemembered(t *testing.T) {
	h := portsTree(t)
	now := time.Now()
	v := newVersions()
	find := func() pkg {
		host := h.host()
		host.Now = func() time.Time { return now }
		p := host.executables().of(Process{PID: 2, Exe: "/usr/sbin/sshd"})
		found, err := v.find(t.Context(), host, map[string]program{p.key: p})
		equal(t, "error", err, nil)
		return found[p.key]
	}
	equal(t, "version", find(), pkg{"openssh-server", "1:9.2p1-2"})
	h.write("var/lib/dpkg/status", strings.ReplaceAll(dpkgTestStatus, "9.2p1-2", "9.2p1-3"))
	now = now.Add(versionTTL - time.Second)
	equal(t, "version a moment before its end", find(), pkg{"openssh-server", "1:9.2p1-2"})
	now = now.Add(time.Second)
	equal(t, "version after five minutes", find(), pkg{"openssh-server", "1:9.2p1-3"})

	h.write("var/lib/dpkg/info/openssh-server.list", "")
	now = now.Add(versionTTL)
	equal(t, "version of no package's file", find(), pkg{})
	h.write("var/lib/dpkg/info/openssh-server.list", "/usr/sbin/sshd\n")
	now = now.Add(versionTTL - time.Second)
	equal(t, "not found, and remembered", find(), pkg{})
	now = now.Add(time.Second)
	equal(t, "found in the end", find(), pkg{"openssh-server", "1:9.2p1-3"})
}

func TestVersionsAreBounded(t *testing.T) {
	v := newVersions()
	for i := range maxVersions + 1 {
		v.known[string(rune(i))] = versioned{until: time.Now().Add(time.Hour)}
	}
	v.forget(time.Now())
	equal(t, "versions", len(v.known), 0)
}

// A slowFS is a file system that does not answer until it is told to.
type slowFS struct {
	fstest.MapFS
	answer chan struct{}
}

func (s slowFS) Open(name string) (fs.File, error) {
	<-s.answer
	return s.MapFS.Open(name)
}

func TestProgramThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := slowFS{fstest.MapFS{}, make(chan struct{})}
		h := NewHost(slow, DefaultOptions())
		v := newVersions()
		p := program{path: "/p", isHosts: true}
		for range maxUnended {
			start := time.Now()
			_, ok := v.read(t.Context(), h, p)
			equal(t, "an answer", ok, false)
			equal(t, "time", time.Since(start), versionTime)
		}
		start := time.Now()
		_, ok := v.read(t.Context(), h, p)
		equal(t, "an answer", ok, false)
		equal(t, "time of one more", time.Since(start), 0)
		close(slow.answer)
		synctest.Wait()
		equal(t, "reads", len(v.reading), 0)
	})
}

func TestVersionsEndWithTheCheck(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := portsTree(t).host()
	p := h.executables().of(Process{PID: 2, Exe: "/usr/sbin/sshd"})
	_, err := newVersions().find(ctx, h, map[string]program{p.key: p})
	equal(t, "error", err, context.Canceled)
}

// TestInspectGo reads this program.
func TestInspectGo(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := hostAt(t, "/")
	p := program{pid: -1, path: exe, isHosts: true}
	equal(t, "name", h.inspect(p).name, "check.test")
	p.isHosts = false
	equal(t, "name of what is not there", h.inspect(p), pkg{})
}

func TestGoProgram(t *testing.T) {
	for _, test := range []struct {
		path, version, revision string
		want                    pkg
	}{
		{"github.com/prometheus/node_exporter", "v1.8.0", "abc", pkg{"node_exporter", "v1.8.0"}},
		{"example.org/server/v2", "(devel)", "0123456789", pkg{"server", "0123456789"}},
		{"k8s.io/kubernetes/cmd/kubelet", "", "", pkg{"kubelet", ""}},
		{"v2", "(devel)", "", pkg{"v2", ""}},
	} {
		info := &debug.BuildInfo{Path: test.path, Main: debug.Module{Version: test.version}}
		if test.revision != "" {
			info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: test.revision}}
		}
		equal(t, test.path, goProgram(info), test.want)
	}
}

func TestFindVersion(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nginx", "nginx version: \x00nginx/1.22.1\x00", "1.22.1"},
		{"sshd", "OpenSSH_9.2p1 Debian", ""},
		{"OpenSSH", "x\x00OpenSSH_9.2p1 Debian", "9.2p1"},
		{"lighttpd", "server: lighttpd/1.4.69\r\n", "1.4.69"},
		{"redis-server", "Redis-Server v7.0.15-rc1", "7.0.15-rc1"},
		{"postgres", "postgres version 15.6.", "15.6"},
		{"x", "box/1.2", ""},
		{"a.c", "abc/1.2", ""},
		{"one", "one/1", ""},
		{"", "/1.2", ""},
		{strings.Repeat("n", 65), strings.Repeat("n", 65) + "/1.2", ""},
	} {
		equal(t, test.name+" in "+test.text, findVersion(test.name, []byte(test.text)), test.want)
	}
}

func TestBudget(t *testing.T) {
	b := &budget{bytes.NewReader(make([]byte, 100)), 60}
	n, err := b.ReadAt(make([]byte, 50), 10)
	equal(t, "bytes", n, 50)
	equal(t, "error", err, nil)
	_, err = b.ReadAt(make([]byte, 11), 0)
	equal(t, "error", err, io.ErrUnexpectedEOF)
	n, _ = b.ReadAt(make([]byte, 10), 0)
	equal(t, "bytes", n, 10)
}

// counted tells how much was read of it.
type counted struct {
	io.ReaderAt
	n *int
}

func (c counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	*c.n += n
	return n, err
}

func FuzzInspect(f *testing.F) {
	f.Add("server", []byte("\x7fELF\x02\x01\x01\x00server/1.2"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		n := 0
		found := inspectFile(name, counted{bytes.NewReader(b), &n})
		if len(Text(found.version)) > maxText || n > 2*inspectRead {
			t.Errorf("%q after %d bytes", found.version, n)
		}
	})
}
