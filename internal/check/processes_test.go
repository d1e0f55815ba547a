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
