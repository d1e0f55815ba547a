package check

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// An account is a line of passwd(5).
type account struct {
	name, password string
	uid, gid       uint32
	home, shell    string
}

// parsePasswd takes for an account what glibc does: what is missing at the end
// of a line is empty. Lines of NIS are left out.
func parsePasswd(b []byte) []account {
	var all []account
	for line := range entries(b) {
		fields := append(strings.SplitN(line, ":", 7), "", "", "")
		if len(fields) < 4+3 {
			continue
		}
		uid, ok1 := parseNumber(fields[2])
		gid, ok2 := parseNumber(fields[3])
		if ok1 && ok2 {
			all = append(all, account{fields[0], fields[1], uid, gid, fields[5], fields[6]})
		}
	}
	return all
}

// A group is a line of group(5).
type group struct {
	name    string
	gid     uint32
	members []string
}

func parseGroup(b []byte) []group {
	var all []group
	for line := range entries(b) {
		fields := append(strings.SplitN(line, ":", 4), "")
		if len(fields) < 3+1 {
			continue
		}
		if gid, ok := parseNumber(fields[2]); ok {
			all = append(all, group{fields[0], gid, words(fields[3])})
		}
	}
	return all
}

// entries are the lines of a file of accounts, as glibc takes them.
func entries(b []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(string(b)) {
			line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), cSpace)
			if line == "" || strings.IndexByte("#+-", line[0]) >= 0 {
				continue
			}
			if !yield(line) {
				return
			}
		}
	}
}

// cSpace is what isspace(3) is true of.
const cSpace = " \t\n\v\f\r"

// parseNumber takes what strtoul(3) does, within 32 bits: " +0" and "-0" are 0.
func parseNumber(s string) (uint32, bool) {
	s = strings.TrimLeft(s, cSpace)
	digits := strings.TrimLeft(s, "+-")
	n, err := strconv.ParseUint(digits, 10, 32)
	if len(s)-len(digits) > 1 || s != digits && s[0] == '-' && n != 0 {
		return 0, false
	}
	return uint32(n), err == nil
}

// words are the parts of a list with commas, without white space and empty ones.
func words(s string) []string {
	var all []string
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}

// memberships knows the groups of each account.
type memberships struct {
	names map[uint32]string   // of groups, the first of a number
	gids  map[string]uint32   // of groups, the first of a name
	of    map[string][]string // groups by the accounts they list
}

func membershipsOf(groups []group) memberships {
	m := memberships{map[uint32]string{}, map[string]uint32{}, map[string][]string{}}
	for _, g := range groups {
		if _, ok := m.gids[g.name]; !ok {
			m.gids[g.name] = g.gid
		}
		if _, ok := m.names[g.gid]; !ok {
			m.names[g.gid] = g.name
		}
		for _, member := range g.members {
			m.of[member] = append(m.of[member], g.name)
		}
	}
	return m
}

// primary is the name of an account's own group, its number if it has no name.
func (m memberships) primary(a account) string {
	if name, ok := m.names[a.gid]; ok {
		return name
	}
	return strconv.FormatUint(uint64(a.gid), 10)
}

// others are the groups that list the account, by name.
func (m memberships) others(a account) []string {
	primary := m.primary(a)
	others := slices.DeleteFunc(slices.Clone(m.of[a.name]), func(g string) bool { return g == primary })
	slices.Sort(others)
	return slices.Compact(others)
}

// repeated are the strings that come more than once, in the order of their
// second coming.
func repeated(all []string) []string {
	var twice []string
	count := map[string]int{}
	for _, s := range all {
		if count[s]++; count[s] == 2 {
			twice = append(twice, s)
		}
	}
	return twice
}

// listed shows names as a value that a rule was judged by.
func listed(names []string) string {
	switch all := strings.Join(names, ","); {
	case len(names) == 0:
		return "none"
	case len(all) > maxText:
		return strconv.Itoa(len(names)) + ": " + all
	default:
		return all
	}
}

// repeatedOf are what more than one thing has of what is told of each.
func repeatedOf[T any](all []T, of func(T) string) []string {
	values := make([]string, len(all))
	for i, one := range all {
		values[i] = of(one)
	}
	return repeated(values)
}
