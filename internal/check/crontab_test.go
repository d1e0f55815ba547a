package check

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCrontab(t *testing.T) {
	for _, test := range []struct{ line, user, want string }{
		{"* * * * * root cmd", "", "root|* * * * *|cmd"},
		{"*/5  1-3\t1,2 * mon-fri\troot  cmd  a  %b ", "", "root|*/5 1-3 1,2 * mon-fri|cmd  a  %b"},
		{"@reboot root cmd", "", "root|@reboot|cmd"},
		{"@reboot cmd a", "alice", "alice|@reboot|cmd a"},
		{"0 0 * * 0 A=b cmd", "alice", "alice|0 0 * * 0|A=b cmd"},
		{"-*/10 * * * * root cmd", "", "root|-*/10 * * * *|cmd"},
		{"H~30 * * * * root cmd", "", "root|H~30 * * * *|cmd"},
		{"# * * * * * root cmd", "", ""},
		{"PATH=/bin:/usr/bin", "", ""},
		{"  MAILTO = root", "", ""},
		{`"A B" = c`, "", ""},
		{"'A'=c", "", ""},
		{"* * * * cmd", "alice", "error"},
		{"* * * * *", "alice", "error"},
		{"* * * * * root", "", "error"},
		{"@reboot", "alice", "error"},
		{"a$b * * * * root cmd", "", "error"},
	} {
		jobs, err := parseCrontab([]byte(test.line+"\n"), "x", test.user)
		got := ""
		for _, j := range jobs {
			got = j.user + "|" + j.schedule + "|" + j.command
		}
		if err != nil {
			got = "error"
		}
		equal(t, test.line, got, test.want)
	}
}

func TestParseAnacrontab(t *testing.T) {
	jobs, err := parseAnacrontab([]byte("SHELL=/bin/sh\n7 10\tcron.weekly\trun-parts /etc/cron.weekly\n@monthly 15 m cmd a\n"), "x")
	equal(t, "error", err, nil)
	want := []job{{"root", "x", "7 days", "run-parts /etc/cron.weekly"}, {"root", "x", "@monthly", "cmd a"}}
	if diff := cmp.Diff(want, jobs, cmp.AllowUnexported(job{})); diff != "" {
		t.Error(diff)
	}
	if _, err := parseAnacrontab([]byte("7 10 x\n"), "x"); err == nil {
		t.Error("a job without a command")
	}
}

// entries shows a host's jobs.
func jobsOf(o Outcome) []string {
	var all []string
	for _, p := range o.Points {
		all = append(all, strings.Join([]string{p.Label("user"), p.Label("source"), p.Label("schedule"), p.Label("command")}, " | "))
	}
	return all
}

func plain(o *Options) { o.CrontabCommands = true }

func TestCrontabs(t *testing.T) {
	h := newTree(t, map[string]string{
		"etc/debian_version":               "12.0\n",
		"etc/passwd":                       "root:x:0:0::/:\njo.doe:x:1:1::/:\n",
		"etc/crontab":                      "17 * * * * root run-parts /etc/cron.hourly\n",
		"etc/cron.d/job":                   "@daily www-data cmd --password=x\n",
		"etc/cron.d/job.dpkg-old":          "@daily root old\n",
		"etc/cron.d/with.dot":              "@daily root dot\n",
		"etc/cron.d/with+plus":             "@daily root plus\n",
		"etc/cron.d/and space":             "@daily root space\n",
		"etc/cron.daily/script":            "#!/bin/sh\n",
		"etc/cron.daily/not-executable":    "#!/bin/sh\n",
		"var/spool/cron/crontabs/root":     "@reboot true\n",
		"var/spool/cron/crontabs/jo.doe":   "* * * * * touch x\n",
		"var/spool/cron/crontabs/tmp.1":    "* * * * * temporary\n",
		"var/spool/cron/crontabs/nobody":   "* * * * * no account\n",
		"var/spool/cron/crontabs/a/b":      "* * * * * a directory\n",
		"var/spool/cron/crontabs/bad":      "-> /etc/crontab",
		"etc/crontabs":                     "-> /var/spool/cron/crontabs",
		"etc/periodic/15min/quarter":       "",
		"etc/anacrontab":                   "1 5 cron.daily nice run-parts /etc/cron.daily\n",
		"etc/systemd/system/mask.timer":    "-> /dev/null",
		"usr/lib/systemd/system/a.timer":   "[Timer]\nOnCalendar=daily\nPersistent=true\n",
		"usr/lib/systemd/system/a.service": "[Service]\nExecStart=/bin/a \\\n  # no\n  b\n",
	})
	for name, target := range map[string]string{"a": "/usr/lib/systemd/system/a.timer", "mask": "/x", "inst@5": "/x", "none": "/x"} {
		h.write("etc/systemd/system/timers.target.wants/"+name+".timer", "-> "+target)
	}
	h.write("lib", "-> usr/lib")
	h.write("usr/lib/systemd/system/inst@.timer", "[Timer]\nOnBootSec=1min\nUnit=other@%i.service\n")
	h.write("usr/lib/systemd/system/other@.service", "[Service]\nExecStart=/bin/old\nUser=old\n")
	h.write("usr/lib/systemd/system/other@.service.d/b.conf", "[Service]\nUser=svc\n")
	h.write("etc/systemd/system/inst@.timer.d/a.conf", "[Timer]\nOnBootSec=\nOnCalendar=Mon *-*-* 05:00\n")
	h.write("etc/systemd/system/inst@5.timer.d/a.conf", "[Timer]\nOnUnitActiveSec=1h\n")
	h.chmod("etc/cron.daily/script", 0o755)
	h.chmod("etc/periodic/15min/quarter", 0o755)
	o := one(t, crontabs(), h.host(plain))
	want := []string{
		"root | /etc/crontab | 17 * * * * | run-parts /etc/cron.hourly",
		"www-data | /etc/cron.d/job | @daily | cmd --password=x",
		"root | /etc/anacrontab | 1 days | nice run-parts /etc/cron.daily",
		"root | /etc/periodic/15min | */15 * * * * | /etc/periodic/15min/quarter",
		"root | /etc/cron.daily | @daily | /etc/cron.daily/script",
		"root | a.timer | daily | /bin/a  b",
		"svc | inst@5.timer | Mon *-*-* 05:00, OnUnitActiveSec=1h | /bin/old",
		"jo.doe | /var/spool/cron/crontabs/jo.doe | * * * * * | touch x",
		"root | /var/spool/cron/crontabs/root | @reboot | true",
	}
	if diff := cmp.Diff(want, jobsOf(o)); diff != "" {
		t.Error(diff)
	}
	equal(t, "status", o.Status, OK)
}

// Commands hold secrets: what is shown tells them apart, and no more.
func TestCrontabCommandsAreHidden(t *testing.T) {
	o := one(t, crontabs(), newTree(t, map[string]string{"etc/crontab": "@daily root cmd --password=x\n"}).host())
	equal(t, "command", o.Points[0].Label("command"), "sha256:5b385a14adc54f89")
	equal(t, "it is in the items", strings.Contains(shown(o)+o.findings.Items[0].Name+o.findings.Items[0].Value, "password"), false)
}

func TestCrontabRules(t *testing.T) {
	h := newTree(t, map[string]string{"etc/crontab": "", "etc/cron.d/x": "", "etc/cron.daily/y": ""})
	h.roots = true
	for _, name := range []string{"etc/crontab", "etc/cron.d", "etc/cron.d/x", "etc/cron.daily"} {
		h.chmod(name, 0o700)
	}
	h.write("etc/cron.allow", "")
	want := map[string]bool{"crontab.writable": true, "crontab.private": true, "crontab.allow": true}
	equal(t, "as it should be", cmp.Diff(want, verdicts(one(t, crontabs(), h.host()))), "")
	h.chmod("etc/cron.d/x", 0o664)
	h.chmod("etc/cron.daily", 0o755)
	for _, r := range one(t, crontabs(), h.host()).Results {
		equal(t, r.Rule, r.Value, map[string]string{
			"crontab.writable": "/etc/cron.d/x", "crontab.private": "/etc/cron.daily", "crontab.allow": "present",
		}[r.Rule])
	}
	h.write("etc/cron.hourly/", "")
	h.chmod("etc/cron.hourly", 0o777)
	equal(t, "an empty directory", one(t, crontabs(), h.host()).Results[0].Value, "/etc/cron.d/x,/etc/cron.hourly")
	equal(t, "rules without cron", len(one(t, crontabs(), newTree(t, nil).host()).Results), 0)
}

// A user who has very many jobs, or bad ones, hides nobody else's.
func TestCrontabOfAHostileUser(t *testing.T) {
	h := newTree(t, map[string]string{
		"etc/passwd":              "a:x:1:1::/:\nb:x:2:2::/:\nc:x:3:3::/:\nd:x:4:4::/:\n",
		"var/spool/cron/a":        strings.Repeat("* * * * * x\n", 5) + many(5000),
		"var/spool/cron/b":        "\xff\xfe * * * * x\n* * * * * \xff\n",
		"var/spool/cron/c":        "* * * * * c\n",
		"var/spool/cron/d/nested": "",
	})
	o := one(t, crontabs(), h.host(plain))
	users := map[string]int{}
	for _, p := range o.Points {
		users[p.Label("user")]++
	}
	equal(t, "jobs", cmp.Diff(map[string]int{"a": maxJobs - 4, "b": 1, "c": 1}, users), "")
	equal(t, "overflow", o.Overflow, 5005-maxJobs)
	equal(t, "status", o.Status, Error)
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&b, "* * * * * x%d\n", i)
	}
	return b.String()
}

func TestCrontabUnreadable(t *testing.T) {
	h := newTree(t, map[string]string{"etc/crontab": "@daily root x\n", "etc/cron.d/x": "@daily root y\n"})
	o := one(t, crontabs(), h.faulty(map[string]error{"etc/crontab": fs.ErrPermission}, nil))
	equal(t, "status", o.Status, Unreadable)
	equal(t, "jobs", len(o.Points), 1)
}

// The program that runs every day is another one.
func TestCrontabScriptDrift(t *testing.T) {
	h := newTree(t, map[string]string{"etc/cron.daily/x": "#!/bin/sh\n"})
	h.chmod("etc/cron.daily/x", 0o755)
	var b baseline
	b.compare(one(t, crontabs(), h.host()))
	h.write("etc/cron.daily/x", "#!/bin/sh\nevil\n")
	changes := b.compare(one(t, crontabs(), h.host()))
	equal(t, "changes", len(changes), 1)
	equal(t, "item", changes[0].Item, "crontab./etc/cron.daily/x")
}

func FuzzCrontab(f *testing.F) {
	f.Add([]byte("* * * * * root cmd\n@reboot a b\nA=b\n\"x\" = y\n'\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = parseCrontab(b, "x", "")
		_, _ = parseCrontab(b, "x", "alice")
		_, _ = parseAnacrontab(b, "x")
	})
}

func FuzzUnit(f *testing.F) {
	f.Add([]byte("[Timer]\nOnCalendar=daily\nOnCalendar=\n# x\nA=b \\\n; x\nc\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { unit{}.add(b) })
}
