package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// A story is what a check finds run after run, and what is told of it.
type story struct {
	*testing.T
	base baseline
	o    Options
}

// run lets a check find something and returns what is told, sorted.
func (s *story) run(find func(f *Findings)) string {
	s.Helper()
	c := Check{ID: "x", Rules: []Rule{{ID: "x.rule", Severity: High, Level: 1}}, Run: func(_ context.Context, _ *Host, f *Findings) error {
		find(f)
		return nil
	}}
	if s.o.Limit == 0 {
		s.o = DefaultOptions()
	}
	o := c.look(s.Context(), NewHost(fstest.MapFS{}, s.o))
	s.o.settle(&c, &o)
	var told []string
	for _, change := range s.base.compare(o) {
		told = append(told, strings.TrimSpace(fmt.Sprintf("%s %s %s>%s", change.Kind, change.Item, change.Old, change.New)))
	}
	return strings.Join(told, ", ")
}

// has watches names, which all have the same value, and may have a problem.
func has(problem error, names ...string) func(f *Findings) {
	return func(f *Findings) {
		for _, n := range names {
			f.Watch(n, "1")
		}
		f.Problem(problem)
	}
}

var errBlind = errors.New("something is unreadable")

// What could not be read before is not new when it can be read.
func TestDriftOfPartialFindings(t *testing.T) {
	names, problem := []string{"a"}, errors.New("b is unreadable")
	c := Check{ID: "x", Run: func(_ context.Context, _ *Host, f *Findings) error {
		for _, n := range names {
			f.Watch(n, "1")
		}
		f.Problem(problem)
		return nil
	}}
	var b baseline
	h := NewHost(fstest.MapFS{}, DefaultOptions())
	step := func(want string) {
		t.Helper()
		o := c.look(t.Context(), h)
		o.findings.Items = slices.Clone(o.findings.Items)
		var got []string
		for _, change := range b.compare(o) {
			got = append(got, string(change.Kind)+" "+change.Item)
		}
		equal(t, "changes", strings.Join(got, ", "), want)
	}
	step("")
	names = []string{"a", "c"}
	step("added c")
	names, problem = []string{"a", "b", "c"}, nil
	step("changed status")
	names, problem = []string{"a"}, errors.New("b and c are unreadable")
	step("changed status")
	names, problem = []string{"a", "b"}, nil
	step("removed c, changed status")
}

// A change of a file is seen within an interval, with what was and what is.
func TestDriftOfAHost(t *testing.T) {
	h := copyHost(t, "debian12")
	root, err := OpenRoot(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	synctest.Test(t, func(t *testing.T) {
		changes := make(chan Change, 100)
		r := NewRunner(root, DefaultOptions(), nil, each(func(c Change) { changes <- c }))
		r.Start()
		defer r.Close()
		pass(30 * time.Second)
		equal(t, "checks that have run", len(outcomes(r)), len(All()))
		equal(t, "changes of nothing", len(changes), 0)
		h.write("etc/ssh/sshd_config.d/00-new.conf", "PermitRootLogin yes\n")
		h.chmod("etc/passwd", 0o644)
		h.write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nroot2::0:0::/:/bin/sh\n")
		pass(time.Minute)
		close(changes)
		var seen []string
		for c := range changes {
			seen = append(seen, strings.Join([]string{c.Item, string(c.Kind), c.Old, c.New, string(c.Severity)}, "|"))
		}
		for _, want := range []string{
			"sshd.permitrootlogin|changed|no|yes|high",
			"account.uid_zero|changed|none|root2|critical",
			"account.user.root2|added||uid=0 gid=0 shell=/bin/sh home=/ groups=|medium",
			"account.access.root2|added||sudo=false password=empty|medium",
			"account.user.bob|removed|uid=1001 gid=1001 shell=/bin/bash home=/home/bob groups=docker,users||medium",
		} {
			if !slices.Contains(seen, want) {
				t.Errorf("no change %s", want)
			}
		}
		ratio := PassRatio(outcomes(r))
		equal(t, "the ratio is between none and all", ratio > 0 && ratio < 1, true)
	})
}

// Who makes something unreadable for a while cannot hide what he adds meanwhile.
func TestDriftBehindAnObstacle(t *testing.T) {
	s := &story{T: t}
	equal(t, "first", s.run(has(nil, "a", "b")), "")
	equal(t, "blind", s.run(has(errBlind, "a")), "changed status ok>error")
	equal(t, "seen again", s.run(has(nil, "a", "b", "evil")), "added evil >1, changed status error>ok")
	equal(t, "blind again", s.run(has(errBlind)), "changed status ok>error")
	equal(t, "gone meanwhile", s.run(has(nil, "a", "b")), "removed evil 1>, changed status error>ok")
}

// An item that is there, gone, and there again while something cannot be read is
// told of each time it comes; a run that is whole tells what is gone.
func TestDriftWhileBlind(t *testing.T) {
	s := &story{T: t}
	s.run(has(nil, "a"))
	s.run(has(errBlind, "a"))
	equal(t, "new", s.run(has(errBlind, "a", "b")), "added b >1")
	equal(t, "still there", s.run(has(errBlind, "b")), "")
	equal(t, "gone, perhaps", s.run(has(errBlind)), "")
	equal(t, "whole", s.run(has(nil, "a", "b")), "added b >1, changed status error>ok")
}

// What is remembered is bounded, whatever each of many runs finds.
func TestBaselineIsBounded(t *testing.T) {
	s := &story{T: t, o: DefaultOptions()}
	s.o.Limit = 10
	s.run(has(nil, "a"))
	for i := range 1000 {
		s.run(func(f *Findings) {
			for j := range 20 {
				f.Watch(fmt.Sprint(i, " ", j), "")
			}
			f.Problem(errBlind)
		})
		if n := len(s.base.items) + len(s.base.extra); n > 2*s.o.Limit+2 {
			t.Fatalf("%d items after %d runs", n, i)
		}
	}
}

// Changes beyond the limit are told as one, and what is pushed beyond it is not
// taken for gone.
func TestDriftBeyondTheLimit(t *testing.T) {
	s := &story{T: t, o: DefaultOptions()}
	s.o.Limit = 3
	s.run(has(nil, "a", "b", "c"))
	equal(t, "one more", s.run(has(nil, "0", "a", "b", "c")), "added 0 >1, added overflow >1 more")
	equal(t, "another in its place", s.run(has(nil, "0", "a", "b", "d")), "changed overflow 1 more>1 more")
	equal(t, "the same", s.run(has(nil, "0", "a", "b", "d")), "")
	equal(t, "one less", s.run(has(nil, "0", "b", "d")), "removed a 1>, removed overflow 1 more>")
	equal(t, "the same", s.run(has(nil, "0", "b", "d")), "")
}

// Of a flood of changes the worst are told, and how many there were.
func TestDriftOfAFlood(t *testing.T) {
	s := &story{T: t}
	s.run(func(f *Findings) { f.Judge("x.rule", true, "good") })
	var names []string
	for i := range 1500 {
		names = append(names, fmt.Sprint("line ", i))
	}
	told := s.run(func(f *Findings) {
		has(errBlind, names...)(f)
		f.Judge("x.rule", false, "bad")
	})
	changes := strings.Split(told, ", ")
	equal(t, "changes", len(changes), maxChanges+1)
	equal(t, "the status is first", changes[0], "changed status ok>error")
	equal(t, "then the rule", changes[1], "changed x.rule good>bad")
	equal(t, "the last", changes[maxChanges], fmt.Sprintf("changed changes >%d more", 1502-maxChanges))
	equal(t, "the flood is known", s.run(func(f *Findings) {
		has(errBlind, names...)(f)
		f.Judge("x.rule", false, "bad")
	}), "")
}

// Two things whose names look the same do not hide each other's changes.
func TestDriftOfTheSameName(t *testing.T) {
	s := &story{T: t}
	both := func(second string) func(f *Findings) {
		return func(f *Findings) {
			f.Watch("user a\xff", "1")
			f.Watch("user a\xfe", second)
		}
	}
	s.run(both("1"))
	equal(t, "the same", s.run(both("1")), "")
	equal(t, "the second changed", s.run(both("2")), "changed user a\uFFFD 1>1")
	equal(t, "another name", s.run(func(f *Findings) {
		f.Watch("user a\xff", "1")
		f.Watch("user a\xfd", "2")
	}), "changed user a\uFFFD 1>1")
}

// What cannot be seen for a moment has not changed; what it is then may have.
func TestDriftOfWhatIsUnsure(t *testing.T) {
	s := &story{T: t}
	is := func(value string) func(f *Findings) { return func(f *Findings) { f.Watch("a", value) } }
	unsure := func(f *Findings) { f.Unsure("a", unknown) }
	s.run(is("1"))
	equal(t, "unsure", s.run(unsure), "")
	equal(t, "as it was", s.run(is("1")), "")
	equal(t, "unsure again", s.run(unsure), "")
	equal(t, "otherwise", s.run(is("2")), "changed a 1>2")
	equal(t, "gone", s.run(func(*Findings) {}), "removed a 2>")
	equal(t, "new and unsure", s.run(unsure), "added a >unknown")
	equal(t, "known", s.run(is("3")), "changed a unknown>3")

	s = &story{T: t}
	s.run(func(f *Findings) { unsure(f); f.Problem(errBlind) })
	equal(t, "what was unsure from the beginning", s.run(is("1")), "changed status error>ok")
}

// A file that cannot be read for a moment is told as that, and as no other
// change: not when it comes back, either.
func TestDriftOfAMoment(t *testing.T) {
	h := copyHost(t, "debian12")
	files := []string{
		"etc/shadow", "etc/passwd", "etc/group", "etc/sudoers", "etc/sudoers.d/README", "etc/ssh/sshd_config", "etc/ssh/sshd_config.d/10-hardening.conf",
		"etc/crontab", "etc/cron.d/php", "etc/hosts.allow", "etc/login.defs", "proc/1/net/tcp", "proc/1/mountinfo", "var/lib/dpkg/status",
		"sys/kernel/security/apparmor/profiles", "sys/fs/cgroup/system.slice/ssh.service/cgroup.events", "usr/lib/systemd/system/ssh.service",
		"root/.ssh/authorized_keys", "proc/sys/kernel/kptr_restrict", "etc/os-release", "var/spool/cron/crontabs/alice", "etc/environment",
	}
	for _, file := range files {
		broken := &moment{Root: h.host().fs.(*Root), file: file}
		var told []Change
		r := newRunner(All(), broken, DefaultOptions(), func(h *Host) { answered("debian12", h) }, each(func(c Change) { told = append(told, c) }))
		step := func(err error) []string {
			broken.err, told = err, nil
			r.runAll(t.Context(), Normal)
			r.runAll(t.Context(), Slow)
			var items []string
			for _, c := range told {
				if c.Item != StatusItem {
					items = append(items, string(c.Kind)+" "+c.Item+" "+c.Old+">"+c.New)
				}
			}
			if errors.Is(err, fs.ErrPermission) && len(told) == 0 {
				t.Errorf("nobody was told that %s is unreadable", file)
			}
			return items
		}
		for _, err := range []error{nil, fs.ErrPermission, nil, syscall.EIO, syscall.EIO, nil} {
			if items := step(err); len(items) > 0 {
				t.Errorf("%s with %v: %v", file, err, items)
			}
		}
	}
}

// A moment is one in which a file cannot be read.
type moment struct {
	*Root
	file string
	err  error
}

func (m *moment) Open(name string) (fs.File, error) {
	if m.err != nil && name == m.file {
		return nil, &fs.PathError{Op: "open", Path: name, Err: m.err}
	}
	return m.Root.Open(name)
}

// What a user makes unreadable hides no change of others.
func TestDriftOfTheBlind(t *testing.T) {
	s := &story{T: t}
	blind := func(names ...string) func(f *Findings) {
		return func(f *Findings) {
			has(nil, names...)(f)
			f.Blind("alice.", errBlind)
		}
	}
	s.run(has(nil, "alice.1", "root.1"))
	equal(t, "blind", s.run(blind("root.1")), "changed status ok>error")
	equal(t, "others change", s.run(blind("root.2")), "added root.2 >1, removed root.1 1>")
	equal(t, "seen again", s.run(has(nil, "alice.2", "root.2")), "added alice.2 >1, removed alice.1 1>, changed status error>ok")

	s = &story{T: t}
	s.run(blind("root.1"))
	equal(t, "still blind", s.run(blind("root.1")), "")
	equal(t, "seen for the first time", s.run(has(nil, "alice.1", "root.1")), "changed status error>ok")
	equal(t, "new", s.run(has(nil, "alice.1", "alice.2", "root.1")), "added alice.2 >1")
}

// A systemd that does not answer for a moment has no other services.
func TestDriftOfASilentSystemd(t *testing.T) {
	h := copyHost(t, "ubuntu")
	root := h.host().fs
	var told []string
	systemd := fakeSystemd{}
	r := newRunner([]Check{servicesInfo(), systemTarget()}, root, DefaultOptions(), func(h *Host) {
		answered("ubuntu", h)
		if systemd.err != nil {
			h.Systemd = systemd
		}
	}, each(func(c Change) { told = append(told, c.Check+" "+c.Item) }))
	r.runAll(t.Context(), Normal)
	systemd.err = errors.New("no reply")
	r.runAll(t.Context(), Normal)
	systemd.err = nil
	r.runAll(t.Context(), Normal)
	equal(t, "what is told", strings.Join(told, ", "), "service status, system_target status, service status, system_target status")
}

// A user who writes thousands of lines into his crontab fills neither the log nor
// the memory, and hides nothing that root's crontabs have.
func TestDriftOfAHostileUser(t *testing.T) {
	h := copyHost(t, "debian12")
	var told []Change
	r := newRunner([]Check{crontabs()}, h.host().fs, DefaultOptions(), nil, each(func(c Change) { told = append(told, c) }))
	r.runAll(t.Context(), Normal)
	for i := range 3 {
		var flood strings.Builder
		for j := range 5000 {
			fmt.Fprintf(&flood, "* * * * * run%d job%d\n", i, j)
		}
		h.write("var/spool/cron/crontabs/alice", flood.String())
		h.write("etc/cron.d/evil", fmt.Sprintf("* * * * * root evil%d\n", i))
		told = nil
		r.runAll(t.Context(), Normal)
		if len(told) > maxChanges+1 {
			t.Errorf("%d changes", len(told))
		}
		if !slices.ContainsFunc(told, func(c Change) bool {
			return c.Kind == Added && strings.HasPrefix(c.Item, "crontab./etc/cron.d/evil root")
		}) {
			t.Error("root's new job is not told")
		}
	}
	if n := len(r.checks[0].base.items); n > 2*maxJobs {
		t.Errorf("%d items are remembered", n)
	}
	h.write("var/spool/cron/crontabs/alice", strings.Repeat("#\n", maxLines+1))
	h.write("etc/crontab", "")
	told = nil
	r.runAll(t.Context(), Normal)
	equal(t, "jobs that are gone", len(slices.DeleteFunc(told, func(c Change) bool { return c.Kind != Removed })), 2)
}

// Before the first run there is nothing to compare with: what was changed while
// nobody looked is not told.
func TestDriftAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value := "good"
		check := says("x", func(context.Context) (string, error) { return value, nil })
		told := map[string]bool{}
		tell := func(c Change) { told[c.Item] = true }
		r := run(t, []Check{check}, DefaultOptions(), tell)
		r.Close()
		value = "bad"
		_ = run(t, []Check{check}, DefaultOptions(), tell)
		pass(2 * time.Minute)
		equal(t, "changes", strings.Join(slices.Sorted(maps.Keys(told)), ","), "")
	})
}
