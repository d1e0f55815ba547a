package check

import (
	"net/netip"
	"strings"
)

// A scanner goes through a line of sudoers.
type scanner struct {
	s string
	i int
}

// space goes on to what is not white space, or to a comment, which it skips.
// A # before a digit is a user's number.
func (sc *scanner) space() {
	for sc.i < len(sc.s) && (sc.s[sc.i] == ' ' || sc.s[sc.i] == '\t') {
		sc.i++
	}
	if sc.at() == '#' && !sc.isID(sc.i) {
		sc.i = len(sc.s)
	}
}

func (sc *scanner) isID(i int) bool {
	i++
	if i < len(sc.s) && sc.s[i] == '-' {
		i++
	}
	return i < len(sc.s) && sc.s[i] >= '0' && sc.s[i] <= '9'
}

// at is the next byte, 0 at the end.
func (sc *scanner) at() byte {
	if sc.i >= len(sc.s) {
		return 0
	}
	return sc.s[sc.i]
}

// end says whether there is nothing more.
func (sc *scanner) end() bool {
	sc.space()
	return sc.i >= len(sc.s)
}

// take goes over a byte, if that is the next one after white space.
func (sc *scanner) take(c byte) bool {
	sc.space()
	if sc.at() != c || sc.i >= len(sc.s) {
		return false
	}
	sc.i++
	return true
}

// negated goes over exclamation marks: two of them say nothing.
func (sc *scanner) negated() bool {
	n := false
	for sc.take('!') {
		n = !n
	}
	return n
}

// word is a name, which may be in quotes or have escaped bytes.
func (sc *scanner) word() string {
	sc.space()
	if sc.at() == '"' {
		return sc.quoted()
	}
	if address := sc.address(); address != "" {
		return address
	}
	var b strings.Builder
	for start := sc.i; sc.i < len(sc.s); sc.i++ {
		c := sc.s[sc.i]
		prefix := sc.s[start:sc.i] // of a group, %#ID and %:NAME
		switch {
		case c == '\\' && sc.i+1 < len(sc.s):
			sc.i++
			c = sc.s[sc.i]
		case c == '#' && (prefix == "" || prefix == "%" || prefix == "%:") && sc.isID(sc.i):
		case c == ':' && prefix == "%":
		case strings.IndexByte("#>!=:,() \t\"\\", c) >= 0:
			return b.String()
		}
		b.WriteByte(c)
	}
	return b.String()
}

// quoted is what is within double quotes, of which a backslash escapes one.
func (sc *scanner) quoted() string {
	var b strings.Builder
	for sc.i++; sc.i < len(sc.s); sc.i++ {
		switch c := sc.s[sc.i]; {
		case c == '"':
			sc.i++
			return b.String()
		case c == '\\' && strings.HasPrefix(sc.s[sc.i+1:], `"`):
			sc.i++
			b.WriteByte('"')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// address is an IPv6 address or network, whose colons separate nothing.
func (sc *scanner) address() string {
	rest := sc.s[sc.i:]
	n := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF:./", r) })
	if n < 0 {
		n = len(rest)
	}
	text := strings.TrimRight(rest[:n], ":")
	if strings.HasPrefix(rest[len(text):], "::") {
		text += "::"
	}
	if _, err := netip.ParseAddr(strings.Split(text, "/")[0]); err != nil || !strings.Contains(text, ":") {
		return ""
	}
	sc.i += len(text)
	return text
}

// path is the target of an include.
func (sc *scanner) path() string {
	sc.space()
	if sc.at() == '"' {
		return sc.quoted()
	}
	var b strings.Builder
	for ; sc.i < len(sc.s); sc.i++ {
		c := sc.s[sc.i]
		if c == ' ' || c == '\t' {
			break
		}
		if c == '\\' && sc.i+1 < len(sc.s) {
			sc.i++
			c = sc.s[sc.i]
		}
		b.WriteByte(c)
	}
	return b.String()
}

// command is a path with arguments, a regular expression, or a name.
func (sc *scanner) command() string {
	sc.space()
	var b strings.Builder
	for start := sc.i; sc.i < len(sc.s); {
		c := sc.s[sc.i]
		switch {
		case c == '^' && (sc.i == start || sc.s[sc.i-1] == ' ' || sc.s[sc.i-1] == '\t'):
			b.WriteString(sc.regex())
			continue
		case c == '\\' && sc.i+1 < len(sc.s):
			if strings.IndexByte(":\\,= \t#", sc.s[sc.i+1]) < 0 {
				b.WriteByte(c) // of a pattern
			}
			sc.i++
			c = sc.s[sc.i]
		case strings.IndexByte("#:,", c) >= 0:
			return strings.Join(strings.Fields(b.String()), " ")
		}
		b.WriteByte(c)
		sc.i++
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// regex is a regular expression from ^ to $, in which nothing separates.
func (sc *scanner) regex() string {
	start := sc.i
	for sc.i++; sc.i < len(sc.s); sc.i++ {
		switch sc.s[sc.i] {
		case '\\':
			sc.i++
		case '$':
			sc.i++
			return sc.s[start:sc.i]
		}
	}
	sc.i = min(sc.i, len(sc.s))
	return sc.s[start:sc.i]
}
