package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProcesses(t *testing.T) {
	h := newTree(t, map[string]string{
		"proc/1/comm":  "init\n",
		"proc/1/exe":   "-> /sbin/init",
		"proc/1/fd/0":  "-> /dev/null",
		"proc/1/fd/3":  "-> socket:[77]",
		"proc/1/fd/4":  "-> socket:[x]",
		"proc/1/fd/5":  "-> socket:[78]",
		"proc/2/comm":  "kthreadd\n",
		"proc/3/fd/":   "",
		"proc/sys/":    "",
		"proc/version": "Linux",
	}).host()
	all, err := h.Processes()
	equal(t, "error", err, nil)
	want := []Process{{PID: 1, Name: "init", Exe: "/sbin/init", Sockets: []uint64{77, 78}}, {PID: 2, Name: "kthreadd"}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
}

func TestProcessesWithoutProc(t *testing.T) {
	if _, err := newTree(t, nil).host().Processes(); err == nil {
		t.Error("processes without /proc")
	}
}

func TestTooManyDescriptors(t *testing.T) {
	h := newTree(t, map[string]string{
		"proc/1/comm": "many\n", "proc/1/fd/0": "-> socket:[1]", "proc/1/fd/1": "-> socket:[2]", "proc/1/fd/2": "-> socket:[3]",
		"proc/2/comm": "last\n", "proc/2/fd/0": "-> socket:[4]",
	}).host()
	dir, err := h.OpenDir("proc")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	left := 2
	p, ok := readProcess(dir, 1, &left)
	equal(t, "there", ok, true)
	equal(t, "sockets", len(p.Sockets), 2)
	equal(t, "left", left, 0)
	p, ok = readProcess(dir, 2, &left)
	equal(t, "the next is there", ok, true)
	equal(t, "its sockets", len(p.Sockets), 0)
}
