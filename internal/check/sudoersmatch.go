package check

import (
	"errors"
	"path"
	"slices"
	"strings"
)

// maxAliasSteps bounds how much of aliases in aliases is looked at.
const maxAliasSteps = 100_000

var errAliases = errors.New("sudoers has too many aliases within aliases")

// A subject is who asks sudo.
type subject struct {
	account
	groups []string // names of all
	gids   []string // their numbers
	host   string
}

// grants are what sudo lets a subject run.
type grants struct {
	commands   map[string]bool // with whom they run as
	noPassword bool
}

// of goes through all that is granted: what comes later wins.
func (s *sudoers) of(u subject) (grants, error) {
	g := grants{commands: map[string]bool{}}
	m := matcher{
		sudoers: s, who: u, steps: maxAliasSteps,
		sameUser:  sameName(s.isOn("case_insensitive_user", true)),
		sameGroup: sameName(s.isOn("case_insensitive_group", true)),
	}
	free := map[string]bool{}
	for _, one := range s.grants {
		if !m.isAny("User", one.users) || !m.isAny("Host", one.hosts) {
			continue
		}
		for _, c := range one.commands {
			m.run(c.member, func(name string, negated bool) {
				set(g.commands, c.runAs, name, negated)
				set(free, c.runAs, name, negated || !c.noPassword)
			}, false, 0)
		}
	}
	g.noPassword = len(free) > 0
	if m.steps <= 0 {
		return g, errAliases
	}
	return g, nil
}

// set adds a command or takes it away. ALL takes all away, of the same who they
// run as.
func set(commands map[string]bool, runAs, name string, negated bool) {
	if !negated {
		commands[runAs+" "+name] = true
		return
	}
	for key := range commands {
		as, have, _ := strings.Cut(key, " ")
		if (name == "ALL" || name == have) && (as == runAs || strings.HasPrefix(runAs, "ALL")) {
			delete(commands, key)
		}
	}
}

// A matcher answers for one subject.
type matcher struct {
	*sudoers
	who   subject
	steps int // that are left

	sameUser, sameGroup func(a, b string) bool
}

func sameName(anyCase bool) func(a, b string) bool {
	if anyCase {
		return strings.EqualFold
	}
	return func(a, b string) bool { return a == b }
}

// isAny says whether a list is about the subject: the last that is decides.
func (m *matcher) isAny(kind string, list []member) bool {
	allowed, _ := m.match(kind, list, 0)
	return allowed
}

func (m *matcher) match(kind string, list []member, depth int) (allowed, found bool) {
	for _, one := range slices.Backward(list) {
		if m.steps--; m.steps <= 0 {
			return false, false
		}
		if alias, ok := m.aliases[kind+" "+one.name]; ok && depth < maxIncludes {
			if allowed, found = m.match(kind, alias, depth+1); found {
				return allowed != one.negated, true
			}
			continue
		}
		if one.name == "ALL" || kind == "User" && m.isUser(one.name) || kind == "Host" && m.who.isOn(one) {
			return !one.negated, true
		}
	}
	return false, false
}

// run tells the commands that a member stands for, in order.
func (m *matcher) run(one member, tell func(string, bool), negated bool, depth int) {
	if m.steps--; m.steps <= 0 {
		return
	}
	negated = negated != one.negated
	alias, ok := m.aliases["Cmnd "+one.name]
	if !ok {
		if !isAlias(one.name) {
			tell(one.name, negated)
		}
		return
	}
	for _, inner := range alias {
		if depth < maxIncludes {
			m.run(inner, tell, negated, depth+1)
		}
	}
}

// isUser knows names, #numbers, %groups and %#numbers of groups. Netgroups and
// groups that sudo's plugins know are not to be read from files.
func (m *matcher) isUser(name string) bool {
	if id, ok := strings.CutPrefix(name, "%#"); ok {
		return slices.Contains(m.who.gids, id)
	}
	if group, ok := strings.CutPrefix(name, "%"); ok {
		return slices.ContainsFunc(m.who.groups, func(g string) bool { return m.sameGroup(g, group) })
	}
	if id, ok := strings.CutPrefix(name, "#"); ok {
		return id == number(m.who.uid)
	}
	return m.sameUser(name, m.who.name)
}

// isOn knows names of hosts, with or without a domain, and patterns. Which
// addresses and netgroups are the host's is not known: they count as its own
// where that grants something.
func (u subject) isOn(m member) bool {
	if strings.HasPrefix(m.name, "+") || isAddress(m.name) {
		return !m.negated
	}
	host := strings.ToLower(u.host)
	if !strings.Contains(m.name, ".") {
		host, _, _ = strings.Cut(host, ".")
	}
	ok, err := path.Match(strings.ToLower(m.name), host)
	return err == nil && ok
}

func isAddress(name string) bool {
	return strings.Contains(name, ":") || strings.Trim(name, "0123456789./") == ""
}
