package check

import (
	"errors"
	"strings"
)

var errSudoers = errors.New("syntax error")

// parse reads one line. One with an error counts for nothing, as in sudo.
func (s *sudoers) parse(line string) error {
	sc := &scanner{s: line}
	if sc.end() {
		return nil
	}
	first, rest := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		first, rest = line[:i], line[i:]
	}
	if kind, ok := strings.CutSuffix(first, "_Alias"); ok {
		switch kind {
		case "User", "Host", "Runas", "Cmnd":
			return s.parseAliases(kind, rest)
		case "Cmd":
			return s.parseAliases("Cmnd", rest)
		}
	}
	if strings.HasPrefix(line, "Defaults") && (len(first) == 8 || strings.IndexByte("@:!>", first[8]) >= 0) {
		return s.parseDefaults(line[8:])
	}
	return s.parseGrants(sc)
}

// parseAliases reads NAME = member, member : NAME = …
func (s *sudoers) parseAliases(kind, text string) error {
	sc := &scanner{s: text}
	for {
		name := sc.word()
		if !isAlias(name) || !sc.take('=') {
			return errSudoers
		}
		members, err := sc.members(kind == "Cmnd")
		if err != nil {
			return err
		}
		if _, ok := s.aliases[kind+" "+name]; !ok { // the first stays, as in sudo
			s.aliases[kind+" "+name] = members
		}
		if sc.end() {
			return nil
		}
		if !sc.take(':') {
			return errSudoers
		}
	}
}

// isAlias says whether a name can be an alias.
func isAlias(name string) bool {
	for i, c := range []byte(name) {
		upper := c >= 'A' && c <= 'Z'
		if !upper && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != "" && name != "ALL"
}

// members reads a list with commas.
func (sc *scanner) members(commands bool) ([]member, error) {
	var all []member
	for {
		m := member{negated: sc.negated()}
		if commands {
			m.name = sc.digestAndCommand()
		} else {
			m.name = sc.word()
		}
		if m.name == "" {
			return nil, errSudoers
		}
		all = append(all, m)
		if !sc.take(',') {
			return all, nil
		}
	}
}

// digestAndCommand reads a command that may have digests of its file before it.
// With them it is another command than without.
func (sc *scanner) digestAndCommand() string {
	digest := ""
	for {
		sc.space()
		rest := sc.s[sc.i:]
		kind, after, ok := strings.Cut(rest, ":")
		switch strings.TrimSpace(kind) {
		case "sha224", "sha256", "sha384", "sha512":
		default:
			ok = false
		}
		if !ok {
			break
		}
		after = strings.TrimLeft(after, " \t")
		n := strings.IndexAny(after, " \t,")
		if n < 0 {
			return ""
		}
		digest += strings.TrimSpace(kind) + ":" + after[:n] + " "
		sc.i = len(sc.s) - len(after) + n
		sc.take(',')
	}
	command := sc.command()
	if command == "" {
		return ""
	}
	return digest + command
}

// parseGrants reads users hosts = commands : hosts = commands …
func (s *sudoers) parseGrants(sc *scanner) error {
	users, err := sc.members(false)
	if err != nil {
		return err
	}
	var grants []grant
	for {
		hosts, err := sc.members(false)
		if err != nil || !sc.take('=') {
			return errSudoers
		}
		commands, err := sc.grantedCommands()
		if err != nil {
			return err
		}
		grants = append(grants, grant{users, hosts, commands})
		if sc.end() {
			s.grants = append(s.grants, grants...)
			return nil
		}
		if !sc.take(':') {
			return errSudoers
		}
	}
}

// grantedCommands reads a list in which each command may have a (run-as list),
// options and tags, which hold for those after it too.
func (sc *scanner) grantedCommands() ([]sudoCommand, error) {
	var all []sudoCommand
	c := sudoCommand{runAs: "root"}
	for {
		if sc.take('(') {
			end := strings.IndexByte(sc.s[sc.i:], ')')
			if end < 0 {
				return nil, errSudoers
			}
			c.runAs = runAs(sc.s[sc.i : sc.i+end])
			sc.i += end + 1
		}
		for sc.option() {
		}
		for {
			tag, ok := sc.tag()
			if !ok {
				break
			}
			switch tag {
			case "NOPASSWD":
				c.noPassword = true
			case "PASSWD":
				c.noPassword = false
			}
		}
		c.negated = sc.negated()
		if c.name = sc.digestAndCommand(); c.name == "" {
			return nil, errSudoers
		}
		all = append(all, c)
		if !sc.take(',') {
			return all, nil
		}
	}
}

// runAs shows a run-as list without white space. An empty one is the user.
func runAs(list string) string {
	if list = strings.Join(strings.Fields(list), ""); list == "" {
		return "self"
	}
	return list
}

// option goes over one such as CWD=/.
func (sc *scanner) option() bool {
	sc.space()
	for _, name := range []string{
		"ROLE", "TYPE", "APPARMOR_PROFILE", "PRIVS", "LIMITPRIVS", "NOTBEFORE", "NOTAFTER", "TIMEOUT", "CWD", "CHROOT",
	} {
		rest, ok := strings.CutPrefix(sc.s[sc.i:], name)
		if ok && strings.HasPrefix(strings.TrimLeft(rest, " \t"), "=") {
			sc.i += len(name)
			sc.take('=')
			sc.space()
			_ = sc.path()
			return true
		}
	}
	return false
}

// tag goes over one such as NOPASSWD:.
func (sc *scanner) tag() (string, bool) {
	sc.space()
	for _, name := range []string{
		"NOPASSWD", "PASSWD", "NOEXEC", "EXEC", "NOSETENV", "SETENV", "NOLOG_INPUT", "LOG_INPUT", "NOLOG_OUTPUT",
		"LOG_OUTPUT", "NOMAIL", "MAIL", "NOFOLLOW", "FOLLOW", "NOINTERCEPT", "INTERCEPT",
	} {
		rest, ok := strings.CutPrefix(sc.s[sc.i:], name)
		if ok && strings.HasPrefix(strings.TrimLeft(rest, " \t"), ":") {
			sc.i += len(name)
			sc.take(':')
			return name, true
		}
	}
	return "", false
}

// parseDefaults reads what comes after Defaults: for whom, and settings with
// commas between.
func (s *sudoers) parseDefaults(text string) error {
	scope := ""
	if text != "" && text[0] != ' ' && text[0] != '\t' {
		sc := &scanner{s: text, i: 1}
		if _, err := sc.members(false); err != nil { // commands have no arguments here
			return err
		}
		scope, text = strings.TrimSpace(text[:sc.i]), text[sc.i:]
	}
	sc := &scanner{s: text}
	for {
		d := sudoDefault{scope: scope, negated: sc.negated()}
		if d.name = strings.TrimRight(sc.word(), "+-"); d.name == "" {
			return errSudoers
		}
		if sc.space(); sc.at() == '+' || sc.at() == '-' { // adds to a list, or takes from it
			sc.i++
		}
		if sc.take('=') {
			d.value = sc.value()
		}
		s.defaults = append(s.defaults, d)
		if sc.end() {
			return nil
		}
		if !sc.take(',') {
			return errSudoers
		}
	}
}

// value is that of a setting: within quotes, or up to a comma or white space.
func (sc *scanner) value() string {
	sc.space()
	if sc.at() == '"' {
		return sc.quoted()
	}
	start := sc.i
	for sc.i < len(sc.s) && strings.IndexByte(", \t#", sc.s[sc.i]) < 0 {
		if sc.s[sc.i] == '\\' {
			sc.i++
		}
		sc.i++
	}
	sc.i = min(sc.i, len(sc.s))
	return sc.s[start:sc.i]
}
