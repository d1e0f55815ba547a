//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// ownIDs reads the calling thread's credentials.
func ownIDs() (ids event.IDs, bounding uint64, err error) {
	status, err := readFile("/proc/thread-self/status")
	for line := range strings.Lines(status) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch name {
		case "Uid":
			_, err = fmt.Sscan(rest, &ids.UID, &ids.EUID, &ids.SUID, &ids.FSUID)
		case "Gid":
			_, err = fmt.Sscan(rest, &ids.GID, &ids.EGID, &ids.SGID, &ids.FSGID)
		case "CapPrm":
			_, err = fmt.Sscanf(rest, "%x", &ids.Permitted)
		case "CapEff":
			_, err = fmt.Sscanf(rest, "%x", &ids.Effective)
		case "CapBnd":
			_, err = fmt.Sscanf(rest, "%x", &bounding)
		}
		if err != nil {
			return ids, bounding, fmt.Errorf("%q: %w", line, err)
		}
	}
	return ids, bounding, err
}

// callsTold text…: makes the calls as "calls" does, and tells the credentials before the first and after each.
var _ = can("callsTold", func(texts []string) (string, error) {
	var states []event.IDs
	for i := -1; i < len(texts); i++ {
		if i >= 0 {
			if _, err := deeds["calls"](texts[i : i+1]); err != nil {
				return "", err
			}
		}
		ids, _, err := ownIDs()
		if err != nil {
			return "", err
		}
		states = append(states, ids)
	}
	out, err := json.Marshal(states)
	return string(out), err
})

// refusedCall tells whether the kernel refused a call that did not change the credentials.
func refusedCall(text string, now event.IDs) bool {
	var id int64
	if n, _ := fmt.Sscanf(text, "setfsuid %d", &id); n == 1 {
		return id >= 0 && id != int64(now.FSUID)
	}
	if n, _ := fmt.Sscanf(text, "setfsgid %d", &id); n == 1 {
		return id >= 0 && id != int64(now.FSGID)
	}
	return strings.HasSuffix(text, "= EPERM") && !strings.HasPrefix(text, "setgroups")
}

func TestKernelRecordsOfPrivilegeCalls(t *testing.T) {
	reportEachWay(t, privilegeHookNames, func(t *testing.T, r *reporting) {
		for _, c := range privilegeCalls {
			t.Run(c.name, func(t *testing.T) {
				h := startHelper(t)
				h.do("calls", c.before...)
				var states []event.IDs
				got := r.during(t, event.Privilege, func() {
					fatal(t, json.Unmarshal([]byte(h.do("callsTold", c.calls...)), &states))
				})
				var want []event.PrivilegeEvent
				for i, call := range c.calls {
					p := event.PrivilegeEvent{Old: states[i], New: states[i+1]}
					if p.Old != p.New || refusedCall(call, p.Old) {
						want = append(want, p)
					}
				}
				samePrivileges(t, h, got, want, c.want)
			})
		}
	})
}

// samePrivileges wants these changes of credentials, in this order, and as many gains and failures as were counted.
func samePrivileges(t *testing.T, h *helper, got []event.Event, want []event.PrivilegeEvent, counted Counts) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records instead of %d: %+v", len(got), len(want), got)
	}
	var families [event.Escalations][event.Results]uint64
	for i, e := range got {
		p := e.Privilege
		if p.Old != want[i].Old || p.New != want[i].New {
			t.Errorf("record %d: got  %+v\nwant %+v", i, p, want[i])
		}
		if refused := want[i].Old == want[i].New; refused != (e.Errno == uint32(syscall.EPERM)) || e.Errno != 0 && !refused {
			t.Errorf("record %d: errno %d", i, e.Errno)
		}
		if e.Errno != 0 {
			families[p.Family][event.Failure]++
		} else if p.Gained {
			families[p.Family][event.Success]++
		}
		a := e.Actor
		if a.UID != p.Old.UID || a.EUID != p.Old.EUID || a.GID != p.Old.GID || a.EGID != p.Old.EGID {
			t.Errorf("record %d: the actor is %+v", i, a)
		}
		if h != nil && int(a.PID) != h.cmd.Process.Pid {
			t.Errorf("record %d: of %d instead of %d", i, a.PID, h.cmd.Process.Pid)
		}
	}
	if families != counted.Escalation {
		t.Errorf("told %v, counted %v", families, counted.Escalation)
	}
}

func TestKernelRecordsOfPrivilegeByExec(t *testing.T) {
	needRoot(t)
	_, all, err := ownIDs()
	fatal(t, err)
	user := event.IDs{UID: 1000, EUID: 1000, SUID: 1000, FSUID: 1000, GID: 1000, EGID: 1000, SGID: 1000, FSGID: 1000}
	as := func(change func(*event.IDs)) event.IDs { ids := user; change(&ids); return ids }
	toRoot := as(func(i *event.IDs) { i.EUID, i.SUID, i.FSUID, i.Permitted, i.Effective = 0, 0, 0, all, all })
	toGroup := as(func(i *event.IDs) { i.EGID, i.SGID, i.FSGID = 42, 42, 42 })
	toRaw := as(func(i *event.IDs) { i.Permitted, i.Effective = 0x2000, 0x2000 })
	both := toRoot
	both.EGID, both.SGID, both.FSGID = 42, 42, 42
	counted := func(family event.Escalation) Counts { return gained(2, family) }
	for _, c := range []struct {
		name string
		path func(*testing.T) string
		to   event.IDs
		want Counts
	}{
		{"set-uid root", owned(0, 0, 0o4755), toRoot, counted(event.Setuid)},
		{"set-gid", owned(0, 42, 0o2755), toGroup, counted(event.Setgid)},
		{"set-uid and set-gid", owned(0, 42, 0o6755), both, counted(event.Setuid)},
		{"with capabilities", capable, toRaw, counted(event.Capset)},
		{"any program", systemProgram, user, Counts{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			reportEachWay(t, privilegeHookNames, func(t *testing.T, r *reporting) {
				h, path := startHelper(t), c.path(t)
				h.do("calls", asUser...)
				got := r.during(t, event.Privilege, func() { h.do("exec", "2", path) })
				var want []event.PrivilegeEvent
				if c.to != user {
					want = []event.PrivilegeEvent{{Old: user, New: c.to}, {Old: user, New: c.to}}
				}
				samePrivileges(t, nil, got, want, c.want)
				for _, e := range got {
					if int(e.Actor.ParentPID) != h.cmd.Process.Pid {
						t.Errorf("by a child of %d", e.Actor.ParentPID)
					}
				}
			})
		})
	}
}

func TestKernelRecordsOfPrivilegeFiltered(t *testing.T) {
	needRoot(t)
	o := Options{Process: true, Privilege: true, SyscallTracepoints: true, Cgroup: testCgroupID(), Report: allRecords()}
	o.Report.Exclude.Users = []uint32{1000}
	s := Open(o)
	defer s.Close()
	mustServe(t, s.Hooks())
	h := startHelper(t)
	h.do("calls", "setresuid 1000 1000 0")
	h.do("calls", "setresuid -1 0 -1", "setresuid -1 1000 -1")
	l, err := s.Ledger()
	fatal(t, err)
	p := l[event.Privilege]
	t.Logf("%v, process %d", p, os.Getpid())
	if p[event.Observed] != 3 || p[event.Filtered] < 1 || p[event.Filtered] > 2 {
		t.Errorf("observed %d and filtered %d", p[event.Observed], p[event.Filtered])
	}
}
