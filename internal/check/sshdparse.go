package check

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxSSHDepth is how deep files may include files, as in sshd.
const maxSSHDepth = 16

// maxSSHArguments bounds what an option may have.
const maxSSHArguments = 4096

// maxSSHFiles bounds how many are read.
const maxSSHFiles = 1000

// sshdConfig is what sshd_config(5) says.
type sshdConfig struct {
	global   *sshdBlock
	matches  []*sshdBlock
	known    map[string]*sshdBlock // of matches, by their criteria
	files    int
	problems []error
	// unsure says that a file could not be read: what comes after it may not
	// be the first, and what is not there may be in it.
	unsure bool
}

// An sshdBlock holds settings for all connections, or for those that match.
type sshdBlock struct {
	criteria string // "" for all
	keys     []string
	values   map[string][]string
}

func newSSHDBlock(criteria string) *sshdBlock {
	return &sshdBlock{criteria: criteria, values: map[string][]string{}}
}

func newSSHDConfig() *sshdConfig {
	return &sshdConfig{global: newSSHDBlock(""), known: map[string]*sshdBlock{}}
}

// read takes a file and what it includes, for a block.
func (c *sshdConfig) read(h *Host, name string, into *sshdBlock, depth int) error {
	if c.files++; depth > maxSSHDepth || c.files > maxSSHFiles {
		return fmt.Errorf("%s: too many files are included", name)
	}
	b, err := h.Read(name)
	if err != nil {
		return err
	}
	block := into
	for line := range strings.Lines(string(b)) {
		keyword, rest := sshdKeyword(line)
		args, err := sshdArguments(rest)
		switch {
		case keyword == "":
		case err == nil && len(args) == 0 && sshdKindOf(sshdName(keyword)) == sshdList: // adds nothing
		case err != nil || len(args) == 0:
			c.note(fmt.Errorf("%s: syntax error in %q", name, Text(line)))
		case keyword == "match":
			block = c.match(into, args)
		case keyword == "include":
			c.include(h, args, block, depth)
		case c.unsure && sshdKindOf(sshdName(keyword)) != sshdList:
			// It counts only if the file does not have it.
		case !block.set(keyword, rest, args):
			c.note(fmt.Errorf("%s: sshd refuses %q", name, Text(line)))
		}
	}
	return nil
}

func (c *sshdConfig) include(h *Host, patterns []string, block *sshdBlock, depth int) {
	for _, pattern := range patterns {
		if !path.IsAbs(pattern) {
			pattern = path.Join("/etc/ssh", pattern)
		}
		files, err := h.Glob(pattern)
		c.missed(err)
		for _, name := range files {
			c.missed(c.read(h, name, block, depth+1))
		}
	}
}

// missed notes that a file could not be read.
func (c *sshdConfig) missed(err error) {
	c.note(err)
	c.unsure = c.unsure || err != nil
}

func (c *sshdConfig) note(err error) {
	if err != nil && len(c.problems) < maxProblems {
		c.problems = append(c.problems, err)
	}
}

// match returns the block for criteria. Those of a file that a block includes
// hold besides that block's.
func (c *sshdConfig) match(outer *sshdBlock, args []string) *sshdBlock {
	criteria := strings.Join(args, " ")
	if strings.EqualFold(criteria, "all") {
		return outer
	}
	if outer.criteria != "" {
		criteria = outer.criteria + " " + criteria
	}
	b, ok := c.known[criteria]
	if !ok {
		b = newSSHDBlock(criteria)
		c.matches, c.known[criteria] = append(c.matches, b), b
	}
	return b
}

// set gives an option its value, unless sshd refuses it. Of most options, the
// first counts.
func (b *sshdBlock) set(keyword, rest string, args []string) (ok bool) {
	if keyword = sshdName(keyword); keyword == "" {
		return true
	}
	old, known := b.values[keyword]
	kind := sshdKindOf(keyword)
	value, ok := kind.normal(strings.Join(args, " "))
	switch kind {
	case sshdList:
		if keyword == "port" {
			ok = sshdPorts(args)
		}
		args = append(old, args...)
	case sshdSubsystem:
		args = append(old, value)
	case sshdFirstList:
	case sshdRest:
		value, _ = kind.normal(strings.TrimSpace(rest))
		args = []string{value}
	default:
		args = []string{value}
	}
	if !ok || known && !slices.Contains([]sshdKind{sshdList, sshdSubsystem, sshdHash, sshdMask, sshdQoS, sshdStartups}, kind) {
		return ok
	}
	if !known {
		b.keys = append(b.keys, keyword)
	}
	b.values[keyword] = args
	return true
}

// sshdPorts writes numbers without the zeros before them. Names of services
// stay as they are.
func sshdPorts(ports []string) bool {
	for i, port := range ports {
		n, err := strconv.ParseInt(port, 10, 64)
		if err == nil && (n < 1 || n > math.MaxUint16) {
			return false
		}
		if err == nil {
			ports[i] = strconv.FormatInt(n, 10)
		}
	}
	return true
}

// sshdKeyword splits a line where its keyword ends: at white space, or at one
// equals sign. The keyword is "" in a comment.
func sshdKeyword(line string) (keyword, rest string) {
	line = strings.Trim(line, " \t\r\n\f")
	i := strings.IndexAny(line, " \t\"=")
	switch {
	case line == "" || line[0] == '#':
		return "", ""
	case i < 0:
		return strings.ToLower(line), ""
	case line[i] == '"':
		inside, after, _ := strings.Cut(line[i+1:], `"`)
		return strings.ToLower(line[:i] + inside), strings.TrimLeft(after, " \t")
	}
	rest = strings.TrimLeft(line[i+1:], " \t")
	if line[i] != '=' && strings.HasPrefix(rest, "=") {
		rest = strings.TrimLeft(rest[1:], " \t")
	}
	return strings.ToLower(line[:i]), rest
}

// sshdArguments splits as sshd does: at white space that is not in quotes, up
// to a comment.
func sshdArguments(s string) ([]string, error) {
	var args []string
	for i := 0; i < len(s); {
		switch s[i] {
		case ' ', '\t':
			i++
			continue
		case '#':
			return args, nil
		}
		arg, n, ok := sshdArgument(s[i:])
		if !ok {
			return nil, fmt.Errorf("a quote does not end in %q", Text(s))
		}
		if args = append(args, arg); len(args) > maxSSHArguments {
			return nil, fmt.Errorf("too many arguments in %q", Text(s))
		}
		i += n
	}
	return args, nil
}

// sshdArgument takes one argument off the beginning, and says how long it was.
func sshdArgument(s string) (arg string, n int, ok bool) {
	var b strings.Builder
	quote := byte(0)
	for n < len(s) {
		c := s[n]
		n++
		switch {
		case c == '\\' && n < len(s) && (strings.IndexByte(`'"\`, s[n]) >= 0 || quote == 0 && s[n] == ' '):
			b.WriteByte(s[n])
			n++
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), n, true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), n, quote == 0
}
