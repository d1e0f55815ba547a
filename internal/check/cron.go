package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

const metricCrontab = "linux.security.crontab_entry"

// maxJobs bounds how many of one crontab are shown, so that a user's does not
// take the room of others.
const maxJobs = 200

func crontabs() Check {
	return Check{
		ID:       "crontab",
		Category: Schedule,
		Reads: "/etc/crontab, /etc/cron.d, /etc/anacrontab, /etc/cron.{hourly,daily,weekly,monthly}, /etc/periodic, " +
			"/var/spool/cron, and systemd's timers and their services",
		Metrics: []string{metricCrontab},
		Rules: []Rule{
			{
				"crontab.writable", Critical, 1, "",
				"Whoever may write there runs commands as root.",
				"Run chown root and chmod go-w for the files and directories.",
			},
			{
				"crontab.private", Low, 1, "2.4.1.2",
				"Jobs tell of passwords, and of programs worth replacing.",
				"Run chmod go-rwx for /etc/crontab, /etc/cron.d and /etc/cron.{hourly,daily,weekly,monthly}.",
			},
			{
				"crontab.allow", Low, 1, "2.4.1.8",
				"Users leave jobs behind that run on after they have logged out.",
				"Name those who may in /etc/cron.allow.",
			},
		},
		Run: runCrontabs,
	}
}

func runCrontabs(_ context.Context, h *Host, f *Findings) error {
	c := &cronFiles{Host: h, f: f}
	c.tables()
	c.periodic()
	c.timers()
	c.users() // last, so that they take no room from others
	c.judge()
	return nil
}

// cronFiles go through the places where jobs are.
type cronFiles struct {
	*Host
	f     *Findings
	found []string // of the system's, for what is asked of their modes
	// missed says that there may be more.
	missed bool
}

func (c *cronFiles) problem(err error) {
	c.f.Problem(err)
	c.missed = c.missed || err != nil
}

func (c *cronFiles) tables() {
	c.table("etc/crontab", "")
	for _, name := range c.names("etc/cron.d") {
		c.table(name, "")
	}
	b, err := c.ReadIfAny("etc/anacrontab")
	c.f.Problem(err)
	if b != nil || err != nil {
		c.found = append(c.found, "etc/anacrontab")
	}
	jobs, err := parseAnacrontab(b, "/etc/anacrontab")
	c.f.Problem(err)
	c.add(jobs)
}

// table reads one crontab. Without a user it is the system's.
func (c *cronFiles) table(name, user string) {
	problem := c.f.Problem
	if user != "" { // who may write anything into it
		problem = func(err error) { c.f.Blind("crontab./"+name+" ", err) }
	}
	b, err := c.ReadIfAny(name)
	problem(err)
	if b == nil && err == nil {
		return
	}
	if user == "" {
		c.found = append(c.found, name)
	}
	jobs, err := parseCrontab(b, "/"+name, user)
	problem(err)
	c.add(jobs)
}

// users reads the crontabs of users, where Debian, Red Hat and Alpine have
// them. cron takes those of accounts only.
func (c *cronFiles) users() {
	var seen []fs.FileInfo
	accounts := c.accounts()
	for _, dir := range []string{"var/spool/cron/crontabs", "var/spool/cron", "etc/crontabs"} {
		info, err := c.Stat(dir)
		if err != nil {
			c.f.Problem(nothing(err))
			continue
		}
		if slices.ContainsFunc(seen, func(old fs.FileInfo) bool { return os.SameFile(info, old) }) {
			continue // one is a link to the other
		}
		seen = append(seen, info)
		entries, err := c.Dir(dir)
		c.f.Problem(err)
		for _, e := range entries {
			if e.Type().IsRegular() && (accounts == nil || accounts[e.Name()]) {
				c.table(path.Join(dir, e.Name()), e.Name())
			}
		}
	}
}

// accounts returns nil if it is not known which there are.
func (c *cronFiles) accounts() map[string]bool {
	b, err := c.Read("etc/passwd")
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	for _, a := range parsePasswd(b) {
		names[a.name] = true
	}
	return names
}

// periodic shows the programs that run-parts runs, and sees when one changes.
func (c *cronFiles) periodic() {
	for _, period := range []string{"15min", "hourly", "daily", "weekly", "monthly"} {
		for _, dir := range []string{"etc/cron." + period, "etc/periodic/" + period} {
			for _, name := range c.names(dir) {
				info, err := c.Stat(name)
				c.problem(nothing(err))
				if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
					continue
				}
				c.found = append(c.found, name)
				schedule := strings.Replace("@"+period, "@15min", "*/15 * * * *", 1)
				c.f.Point(metricCrontab, 1, "user", "root", "source", "/"+dir, "schedule", schedule, "command", "/"+name)
				content, err := c.Head(name, maxFile)
				c.f.Problem(err)
				c.f.WatchSecret("crontab./"+name, "root "+schedule, string(content))
			}
		}
	}
}

// names are the files of a directory that cron or run-parts takes. On Debian
// their names consist of letters, digits, underscores and hyphens.
func (c *cronFiles) names(dir string) []string {
	entries, err := c.DirIfAny(dir)
	c.problem(err)
	if is, _ := c.isDir(dir); is {
		c.found = append(c.found, dir)
	}
	_, err = c.Stat("etc/debian_version")
	strict := err == nil
	var names []string
	for _, e := range entries {
		isOther := strict && strings.Trim(e.Name(), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != ""
		if !e.IsDir() && !isOther && !isJunk(e.Name()) {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names
}

// isJunk knows what packages and editors leave behind.
func isJunk(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~") {
		return true
	}
	switch path.Ext(name) {
	case ".rpmsave", ".rpmorig", ".rpmnew", ".swp", ".bak", ".cfsaved":
		return true
	}
	return strings.Contains(name, ".dpkg-")
}

// add shows jobs, and their commands only if the user wants them.
func (c *cronFiles) add(jobs []job) {
	more := max(0, len(jobs)-maxJobs)
	c.f.Overflow += more
	for _, j := range jobs[len(jobs)-more:] {
		c.f.WatchSecret("crontab."+j.source+" more", strconv.Itoa(more)+" more", j.schedule+" "+j.command)
	}
	for _, j := range jobs[:len(jobs)-more] {
		shown := j.command
		if !c.CrontabCommands {
			sum := sha256.Sum256([]byte(j.command))
			shown = "sha256:" + hex.EncodeToString(sum[:8])
		}
		c.f.Point(metricCrontab, 1, "user", j.user, "source", j.source, "schedule", j.schedule, "command", shown)
		c.f.Watch(strings.Join([]string{"crontab." + j.source, j.user, j.schedule, shown}, " "), shown)
	}
}

func (c *cronFiles) judge() {
	var writable, open []string
	for _, name := range c.found {
		info, err := c.Stat(name)
		if err != nil {
			c.problem(nothing(err))
			continue
		}
		uid, _, _ := ownerOf(info)
		if info.Mode().Perm()&0o022 != 0 || uid != 0 {
			writable = append(writable, "/"+name)
		}
		if path.Dir(name) == "etc" && info.Mode().Perm()&0o077 != 0 {
			open = append(open, "/"+name)
		}
	}
	if len(c.found) == 0 && !c.missed {
		return // there is no cron
	}
	c.f.JudgeNone("crontab.writable", writable, !c.missed)
	c.f.JudgeNone("crontab.private", open, !c.missed)
	_, err := c.Stat("etc/cron.allow")
	if problem := nothing(err); problem != nil {
		c.f.Problem(problem)
		return
	}
	allow := "absent"
	if err == nil {
		allow = "present"
	}
	c.f.Judge("crontab.allow", err == nil, allow)
}
