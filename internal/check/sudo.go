package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

func sudo() Check {
	return Check{
		ID:       "sudo",
		Category: Accounts,
		Reads:    "/etc/sudoers and what it includes, /etc/passwd, /etc/group",
		Rules: []Rule{
			{
				"sudo.use_pty", Medium, 1, "5.2.2",
				"A program that sudo started could write to the user's terminal after it has ended.",
				"Add Defaults use_pty to /etc/sudoers with visudo.",
			},
			{
				"sudo.logfile", Low, 1, "5.2.3",
				"A log of its own shows who ran what.",
				"Add Defaults logfile=\"/var/log/sudo.log\" to /etc/sudoers with visudo.",
			},
			{
				"sudo.nopasswd", Medium, 2, "5.2.4",
				"Whoever takes over the session of such a user is root at once.",
				"Take NOPASSWD out of /etc/sudoers and the files it includes with visudo.",
			},
			{
				"sudo.authenticate", High, 1, "5.2.5",
				"Whoever takes over a session is root at once.",
				"Take !authenticate out of /etc/sudoers and the files it includes with visudo.",
			},
			{
				"sudo.timestamp_timeout", Medium, 1, "5.2.6",
				"While sudo remembers a password, whoever is at the terminal needs none.",
				"Set Defaults timestamp_timeout to 15 minutes or less with visudo.",
			},
			{
				"sudo.writable", Critical, 1, "",
				"Whoever may write the rules may write one for himself, so sudo does not read such a file.",
				"Run chown root:root and chmod 0440 for /etc/sudoers and the files it includes, and chmod 0750 for their directories.",
			},
		},
		Run: runSudo,
	}
}

func runSudo(_ context.Context, h *Host, f *Findings) error {
	s, err := readSudoers(h)
	if err != nil || s == nil {
		return err
	}
	for _, problem := range s.problems {
		f.Problem(problem)
	}
	f.JudgeNone("sudo.writable", s.refused, !s.unsure)
	if s.unsure || slices.Contains(s.refused, "/"+sudoersFile) {
		return nil // what is said there would count, too; or sudo does nothing
	}
	pty := s.isOn("use_pty", false)
	f.Judge("sudo.use_pty", pty, onOff(pty))
	logfile := s.defaultOf("logfile", "none")
	f.Judge("sudo.logfile", logfile != "none" && logfile != "", logfile)
	f.Judge("sudo.authenticate", !s.hasNoAuthentication(), onOff(!s.hasNoAuthentication()))
	minutes := s.defaultOf("timestamp_timeout", "15")
	f.Judge("sudo.timestamp_timeout", isShortTimeout(minutes), minutes)
	u, err := readUsers(h)
	if err != nil {
		return err
	}
	granted := u.sudoGrants(h.name(), s)
	f.Problem(granted.err)
	f.JudgeNone("sudo.nopasswd", granted.noPassword, granted.err == nil)
	f.Watch("sudo.users", listed(granted.names))
	f.WatchSecret("sudo.rules", strconv.Itoa(len(s.grants))+" rules", fmt.Sprint(s.aliases, s.grants, s.defaults))
	return nil
}

// isOn says whether a flag is set for all. The last setting holds.
func (s *sudoers) isOn(name string, unset bool) bool {
	on := unset
	for _, d := range s.defaults {
		if d.scope == "" && d.name == name {
			on = !d.negated
		}
	}
	return on
}

// defaultOf is the value of a setting that is for all.
func (s *sudoers) defaultOf(name, unset string) string {
	value := unset
	for _, d := range s.defaults {
		switch {
		case d.scope != "" || d.name != name:
		case d.negated:
			value = "0"
		default:
			value = d.value
		}
	}
	return value
}

// hasNoAuthentication looks at settings for some users and commands, too.
func (s *sudoers) hasNoAuthentication() bool {
	last := map[string]bool{}
	for _, d := range s.defaults {
		if d.name == "authenticate" {
			last[d.scope] = d.negated
		}
	}
	for _, negated := range last {
		if negated {
			return true
		}
	}
	return false
}

// isShortTimeout allows fractions of minutes; less than 0 is for ever.
func isShortTimeout(minutes string) bool {
	n, err := strconv.ParseFloat(minutes, 64)
	return err == nil && n >= 0 && n <= 15
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// sudoGrants know which accounts may use sudo.
type sudoGrants struct {
	err        error // why it is not known of all
	known      bool
	names      []string
	noPassword []string
	has        map[string]bool
}

// readSudoGrants takes a host without sudoers for one without sudo.
func readSudoGrants(h *Host, u *users) sudoGrants {
	s, err := readSudoers(h)
	switch {
	case err != nil:
		return sudoGrants{err: err}
	case s == nil:
		return sudoGrants{known: true}
	}
	g := u.sudoGrants(h.name(), s)
	g.known = !s.unsure
	g.err = errors.Join(append(s.problems, g.err)...)
	return g
}

func (u *users) sudoGrants(host string, s *sudoers) sudoGrants {
	g := sudoGrants{known: true, has: map[string]bool{}}
	for _, a := range u.accounts {
		granted, err := s.of(u.subject(a, host))
		if err != nil {
			g.err = err
		}
		if len(granted.commands) > 0 {
			g.names, g.has[a.name] = append(g.names, a.name), true
		}
		if granted.noPassword && a.uid != 0 {
			g.noPassword = append(g.noPassword, a.name)
		}
	}
	return g
}

// subject is an account as sudo sees it, with all its groups.
func (u *users) subject(a account, host string) subject {
	s := subject{account: a, groups: append([]string{u.member.primary(a)}, u.member.of[a.name]...), host: host}
	s.gids = []string{number(a.gid)}
	for _, name := range s.groups {
		if gid, ok := u.member.gids[name]; ok {
			s.gids = append(s.gids, number(gid))
		}
	}
	return s
}

// of is true, false or unknown.
func (g sudoGrants) of(a account) string {
	if !g.known {
		return "unknown"
	}
	return strconv.FormatBool(g.has[a.name])
}
