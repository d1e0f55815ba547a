package process

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func TestWhatWasExecutedIsDescribed(t *testing.T) {
	table := newHost(t).table(Options{Ancestors: 4})
	shell := actor(100, 50, 1<<40|1)
	shell.Execs, shell.CWD = 2, 77
	e := execOf(shell, "/usr/bin/bash", "bash", "-c", "ls  x")
	e.Exec.TTY, e.Exec.Session, e.Exec.Flags = 136<<20|3, 99, event.ExecScript
	table.Exec(e)

	p := table.Describe(shell)
	check(t, "ExecID", p.ExecID, fmt.Sprintf("%016x%08x%08x", shell.Start, 100, 2))
	check(t, "ParentExecID", p.ParentExecID, "")
	check(t, "Path", p.Image.Path, "/usr/bin/bash")
	check(t, "Name", p.Image.Name, "bash")
	check(t, "CommandLine", p.Image.CommandLine, "bash -c ls  x")
	check(t, "CWD", p.CWD, "/home")
	check(t, "Interactive", p.Image.Interactive, true)
	check(t, "Session", p.Image.Session, 99)
	check(t, "Flags", p.Image.Flags, event.ExecScript)
	if want := []string{"bash", "-c", "ls  x"}; !slices.Equal(p.Image.Args, want) {
		t.Errorf("got arguments %q, want %q", p.Image.Args, want)
	}

	shell.CWD = 78
	check(t, "CWD after it moved", table.Describe(shell).CWD, "")
}

func TestForkedChildHasTheImageOfItsParentAndItsOwnExecID(t *testing.T) {
	table := newHost(t).table(Options{Ancestors: 4})
	parent := actor(100, 50, 7)
	parent.Execs = 1
	table.Exec(execOf(parent, "/usr/sbin/sshd", "sshd"))
	child := childOf(parent, actor(101, 60, 7))
	child.Execs = 1

	p := table.Describe(child)
	check(t, "ExecID", p.ExecID, identityOf(child).execID())
	check(t, "ParentExecID", p.ParentExecID, identityOf(parent).execID())
	check(t, "image", p.Image.Path, "/usr/sbin/sshd")
	check(t, "parent", p.Parent, p.Image)
	check(t, "PID of the image", p.Image.PID, 100)
}

func TestFailedExecIsNotRemembered(t *testing.T) {
	table := newHost(t).table(Options{})
	a := actor(100, 50, 7)
	e := execOf(a, "/bin/nothing")
	e.Errno = 2
	table.Exec(e)
	if img := table.Describe(a).Image; img != nil {
		t.Errorf("got %+v, want nothing", img)
	}
}

func TestAncestors(t *testing.T) {
	for _, test := range []struct {
		name       string
		generation int
		want       string
	}{
		{"none asked for", 0, "[]"},
		{"the nearest ones", 2, "[/bin/3 /bin/2]"},
		{"no more than there are", 16, "[/bin/3 /bin/2 /bin/1]"},
		{"no more than can be asked for", 99, "[/bin/3 /bin/2 /bin/1]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := newHost(t).table(Options{Ancestors: test.generation})
			last := lineage(table, 4)
			check(t, "ancestors", fmt.Sprint(paths(table.Describe(last).Ancestors)), test.want)
			check(t, "parent", table.Describe(last).Parent.Path, "/bin/3")
		})
	}
}

// lineage executes /bin/1 to /bin/n, each forked by the one before.
func lineage(table *Table, n uint64) *event.Actor {
	last := actor(1, 1, 0)
	for i := uint64(1); i <= n; i++ {
		a := childOf(last, actor(uint32(100+i), 50+i, i))
		table.Exec(execOf(a, fmt.Sprint("/bin/", i)))
		last = a
	}
	return last
}

func paths(images []*Image) []string {
	var p []string
	for _, img := range images {
		p = append(p, img.Path)
	}
	return p
}

func TestAncestorsThatComeRoundEnd(t *testing.T) {
	table := newHost(t).table(Options{Ancestors: 16})
	a, b := actor(10, 1, 1), actor(11, 2, 2)
	table.Exec(execOf(childOf(b, a), "/bin/a"))
	table.Exec(execOf(childOf(a, b), "/bin/b"))
	check(t, "ancestors", fmt.Sprint(paths(table.Describe(b).Ancestors)), "[/bin/a /bin/b]")

	table.Exec(execOf(childOf(a, a), "/bin/self"))
	check(t, "ancestors", fmt.Sprint(paths(table.Describe(a).Ancestors)), "[/bin/self]")
}

func TestUnknownImageIsAskedOfProc(t *testing.T) {
	h := newHost(t)
	h.process(100, "nginx", 50, "/usr/sbin/nginx", "nginx", "-g", "daemon off;")
	table := h.table(Options{})
	for _, image := range []uint64{0, 9} {
		a := actor(100, 50, image)
		p := table.Describe(a)
		if p.Image == nil {
			t.Fatal("nothing known")
		}
		check(t, "Path", p.Image.Path, "/usr/sbin/nginx")
		check(t, "CommandLine", p.Image.CommandLine, "nginx -g daemon off;")
		check(t, "ArgsTotal", p.Image.ArgsTotal, 21)
		check(t, "ExecID", p.Image.ExecID, p.ExecID)
		check(t, "Session", p.Image.Session, 6)
		check(t, "TTY", p.Image.TTY, 136<<20|1)
		check(t, "CWD", p.CWD, "")
		check(t, "the second answer", table.Describe(a).Image, p.Image)
	}
	check(t, "look-ups", table.Stats().Lookups, 2)
}

func TestProcIsNotBelieved(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*event.Actor)
	}{
		{"of a process that has the number now", func(a *event.Actor) { a.Start += 2 * tick }},
		{"of a process that had the number before", func(a *event.Actor) { a.Start -= 2 * tick }},
		{"when the kernel did not tell the start", func(a *event.Actor) { a.Start = 0 }},
		{"when it has executed something else since", func(a *event.Actor) { copy(a.Comm[:], "bash") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			h.process(100, "nginx", 50, "/usr/sbin/nginx", "nginx")
			a := actor(100, 50, 9)
			test.change(a)
			if img := h.table(Options{}).Describe(a).Image; img != nil {
				t.Errorf("got %+v, want nothing", img)
			}
		})
	}
}

func TestProcIsNotAskedForTheImageBeforeAnExec(t *testing.T) {
	h := newHost(t)
	h.process(100, "new", 50, "/bin/new", "new")
	table := h.table(Options{})
	a := actor(100, 50, 2)
	a.Execs = 5
	table.Exec(execOf(a, "/bin/new", "new"))
	before := actor(100, 50, 1)
	before.Execs = 4
	p := table.Describe(before)
	if p.Image != nil {
		t.Errorf("got %+v, want nothing", p.Image)
	}
	check(t, "ExecID", p.ExecID, identityOf(before).execID())
	child := childOf(before, actor(101, 60, 3))
	if p := table.Describe(child); p.Parent != nil {
		t.Errorf("got parent %+v, want nothing", p.Parent)
	}
}

func TestUnknownParentIsAskedOfProc(t *testing.T) {
	h := newHost(t)
	h.process(100, "sh", 50, "/bin/dash", "sh")
	table := h.table(Options{Ancestors: 2})
	p := table.Describe(childOf(actor(100, 50, 4), actor(101, 60, 5)))
	if p.Parent == nil {
		t.Fatal("parent not known")
	}
	check(t, "parent", p.Parent.Path, "/bin/dash")
	check(t, "PID of who executed it", p.Parent.PID, 0)
	check(t, "ParentExecID", p.ParentExecID, identity{50*tick + 1234567, 100, 0}.execID())
}

func TestProcessThatExecutesTwice(t *testing.T) {
	table := newHost(t).table(Options{Ancestors: 2})
	shell, a := actor(100, 50, 1), actor(101, 60, 1)
	table.Exec(execOf(shell, "/bin/sh"))
	childOf(shell, a)
	forked := table.Describe(a).ExecID
	for i, path := range []string{"/bin/env", "/bin/ls"} {
		a.Execs++
		a.Image = uint64(10 + i)
		table.Exec(execOf(a, path))
		p := table.Describe(a)
		check(t, "image", p.Image.Path, path)
		check(t, "ExecID", p.ExecID, identityOf(a).execID())
		check(t, "same ExecID", p.ExecID == forked, false)
		check(t, "ancestors", fmt.Sprint(paths(p.Ancestors)), "[/bin/sh]")
	}

	// The records of its exec were lost, and it is not there to ask any more.
	a.Execs++
	a.Image = 12
	p := table.Describe(a)
	check(t, "ExecID", p.ExecID, identityOf(a).execID())
	check(t, "parent", p.Parent.Path, "/bin/sh")
	if p.Image != nil {
		t.Errorf("got %+v, want nothing", p.Image)
	}
}

func TestNumberThatIsUsedAgain(t *testing.T) {
	table := newHost(t).table(Options{})
	first, second := actor(100, 50, 1), actor(100, 90, 2)
	table.Exec(execOf(first, "/bin/first"))
	table.Exec(execOf(second, "/bin/second"))
	one := table.Describe(first)
	check(t, "first", one.Image.Path, "/bin/first")
	id := one.ExecID
	two := table.Describe(second)
	check(t, "second", two.Image.Path, "/bin/second")
	check(t, "same ExecID", id == two.ExecID, false)
}

func TestUnknownProcessesAreNotAskedForAgainAtOnce(t *testing.T) {
	h := newHost(t)
	synctest.Test(t, func(t *testing.T) {
		table := New(Options{Root: h.root})
		defer func() { _ = table.Close() }()
		for range 100 {
			table.Describe(actor(100, 50, 9))
		}
		check(t, "look-ups", table.Stats().Lookups, 1)
		time.Sleep(askAgain)
		table.Describe(actor(100, 50, 9))
		check(t, "look-ups later", table.Stats().Lookups, 2)
	})
}

func TestFloodOfUnknownProcessesIsBounded(t *testing.T) {
	h := newHost(t)
	synctest.Test(t, func(t *testing.T) {
		table := New(Options{Root: h.root})
		defer func() { _ = table.Close() }()
		for pid := range uint32(lookupsPerSecond + 10) {
			table.Describe(actor(pid+1, 50, 9))
		}
		check(t, "look-ups", table.Stats().Lookups, lookupsPerSecond)
		check(t, "refused", table.Stats().LookupsRefused, 10)
		time.Sleep(time.Second)
		table.Describe(actor(99999, 50, 9))
		check(t, "look-ups later", table.Stats().Lookups, lookupsPerSecond+1)
	})
}

func TestStartLearnsWhatIsThere(t *testing.T) {
	h := newHost(t)
	h.process(100, "sshd", 50, "/usr/sbin/sshd", "sshd")
	h.process(101, "bash", 60, "/usr/bin/bash", "-bash")
	table := h.table(Options{Ancestors: 3})
	sshd, bash := actor(100, 50, 1), actor(101, 60, 2)
	childOf(sshd, bash).ParentImage = 0 // the kernel did not see the fork
	bash.CWD, bash.Type, bash.Execs = 5, event.Suspicious, 1
	err := table.Start(func(f func(*event.Actor)) error {
		f(bash)
		f(sshd)
		f(actor(102, 70, 3)) // ended since
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p := table.Describe(bash)
	check(t, "image", p.Image.Path, "/usr/bin/bash")
	check(t, "type", p.Image.Type, event.Suspicious)
	check(t, "CWD", p.CWD, "/work")
	check(t, "parent", p.Parent.Path, "/usr/sbin/sshd")
	check(t, "ancestors", fmt.Sprint(paths(p.Ancestors)), "[/usr/sbin/sshd]")

	ls := childOf(bash, actor(103, 80, 4))
	table.Exec(execOf(ls, "/bin/ls"))
	check(t, "ancestors of its child", fmt.Sprint(paths(table.Describe(ls).Ancestors)), "[/usr/bin/bash /usr/sbin/sshd]")
}

func TestCreatedIsByTheHostsClock(t *testing.T) {
	table := newHost(t).table(Options{})
	began := time.Now().Add(-time.Hour)
	a := &event.Actor{PID: 5, Start: uint64(began.Sub(bootTime(time.Now())))}
	first := table.Describe(a).Created
	if d := first.Sub(began).Abs(); d > time.Second {
		t.Errorf("is %v off", d)
	}
	check(t, "the second answer", table.Describe(a).Created, first)
}

func TestClockThatIsSet(t *testing.T) {
	now := time.Now()
	right := bootTime(now)
	for _, test := range []struct {
		name    string
		by      time.Duration
		correct bool
	}{
		{"by half a second is left alone", time.Second / 2, false},
		{"by an hour is followed", time.Hour, true},
		{"by an hour back is followed", -time.Hour, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := clock{boot: right.Add(-test.by), wall: now.Round(0).Add(-test.by), steady: now}
			off := c.at(0, now).Sub(right).Abs()
			check(t, "correct", off < time.Second/10, test.correct)
		})
	}
}

func BenchmarkDescribe(b *testing.B) {
	table := newHost(b).table(Options{Ancestors: 8})
	last := lineage(table, 8)
	child := childOf(last, actor(500, 90, last.Image))
	for name, a := range map[string]*event.Actor{"executed": last, "forked": child} {
		a.Cgroup = 42
		table.Cgroup(event.Cgroup{ID: 42, Path: "/system.slice/ssh.service"})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Describe(a)
			}
		})
	}
}

func BenchmarkExec(b *testing.B) {
	table := newHost(b).table(Options{Ancestors: 8})
	e := execOf(actor(1, 1, 1), "/usr/bin/ls", "ls", "-l", "/some/where")
	b.ReportAllocs()
	for b.Loop() {
		e.Actor.Image++
		e.Actor.PID++
		table.Exec(e)
	}
}
