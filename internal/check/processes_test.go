package check

import (
	"fmt"
	"strconv"
	"strings"
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

// A process with many descriptors leaves the others their part, and gets what
// they do not need.
func TestTooManyDescriptors(t *testing.T) {
	files := map[string]string{"proc/1/comm": "many\n", "proc/2/comm": "few\n", "proc/3/comm": "some\n"}
	for pid, n := range []int{0, 20, 2, 4} {
		for fd := range n {
			files[fmt.Sprintf("proc/%d/fd/%d", pid, fd)] = fmt.Sprintf("-> socket:[%d]", 100*pid+fd)
		}
	}
	dir, err := newTree(t, files).host().OpenDir("proc")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, test := range []struct {
		left   int
		want   string
		enough bool
	}{
		{60, "20 2 4", true},
		{24, "12 2 4", false}, // 6 at first, and what the others leave
		{0, "0 0 0", false},
	} {
		r := processReader{proc: dir, left: test.left}
		all, large := r.all([]int{1, 2, 3, 4})
		enough := r.again(all, large)
		equal(t, fmt.Sprintf("that %d are enough", test.left), enough, test.enough)
		equal(t, "there is some left", r.left >= 0, true)
		var got []string
		for _, p := range all {
			got = append(got, strconv.Itoa(len(p.Sockets)))
		}
		equal(t, "sockets", strings.Join(got, " "), test.want)
	}
}
