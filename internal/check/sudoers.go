package check

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"
)

const (
	sudoersFile = "etc/sudoers"
	// maxIncludes is how deep files may include files, as in sudo.
	maxIncludes = 128
	// maxSudoersFiles bounds how many are read.
	maxSudoersFiles = 1000
)

// sudoers is what sudoers(5) says: /etc/sudoers and what it includes.
type sudoers struct {
	files    int
	aliases  map[string][]member // by kind and name, such as "User ADMINS"
	grants   []grant
	defaults []sudoDefault
	problems []error
	// refused are the files and directories that sudo does not read, because
	// others than root may write them.
	refused []string
	// unsure says that a file which sudo reads could not be read here.
	unsure bool
}

// A member is one of a list of users, hosts or commands.
type member struct {
	negated bool
	name    string
}

// A grant lets users run commands on hosts.
type grant struct {
	users, hosts []member
	commands     []sudoCommand
}

// A sudoCommand is a command in a grant.
type sudoCommand struct {
	member
	runAs      string
	noPassword bool
}

// A sudoDefault is one setting of a Defaults line.
type sudoDefault struct {
	scope       string // for whom, "" for all
	negated     bool
	name, value string
}

// readSudoers returns nil if the host has no such file.
func readSudoers(h *Host) (*sudoers, error) {
	s := &sudoers{aliases: map[string][]member{}}
	if _, err := h.Lstat(sudoersFile); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err := s.read(h, sudoersFile, 0); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *sudoers) read(h *Host, name string, depth int) error {
	if depth > maxIncludes {
		s.note(fmt.Errorf("%s: too many files include each other", name))
		return nil // as in sudo
	}
	if s.files++; s.files > maxSudoersFiles {
		return fmt.Errorf("%s: too many files are included", name)
	}
	if trusted, err := s.trusts(h, name); err != nil || !trusted {
		return err
	}
	b, err := h.Read(name)
	if err != nil {
		return err
	}
	for line := range sudoersLines(string(b)) {
		if dir, target, ok := includeOf(line); ok {
			s.include(h, name, target, dir, depth)
		} else if err := s.parse(line); err != nil {
			s.note(fmt.Errorf("%s: %w in %q", name, err, Text(line)))
		}
	}
	return nil
}

// trusts says whether sudo reads what root_path has there.
func (s *sudoers) trusts(h *Host, name string) (bool, error) {
	info, err := h.Stat(name)
	if err != nil {
		return false, err
	}
	uid, gid, _ := ownerOf(info)
	mode := info.Mode()
	if uid == 0 && mode&0o002 == 0 && (mode&0o020 == 0 || gid == 0) {
		return true, nil
	}
	s.refused = append(s.refused, "/"+clean(name))
	return false, nil
}

// include reads a file, or those of a directory that sudo takes: no names with
// a dot, none that end with a tilde, and regular files only.
func (s *sudoers) include(h *Host, from, target string, dir bool, depth int) {
	host, _, _ := strings.Cut(h.name(), ".")
	target = strings.ReplaceAll(target, "%h", host)
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(from), target)
	}
	if !dir {
		s.missed(s.read(h, target, depth+1))
		return
	}
	if trusted, err := s.trusts(h, target); err != nil || !trusted {
		s.missed(nothing(err))
		return
	}
	entries, err := h.DirIfAny(target)
	s.missed(err)
	for _, e := range entries {
		n := path.Join(target, e.Name())
		if strings.Contains(e.Name(), ".") || strings.HasSuffix(n, "~") {
			continue
		}
		if info, err := h.Stat(n); err == nil && info.Mode().IsRegular() {
			s.missed(s.read(h, n, depth+1))
		} else {
			s.missed(ignoreAbsent(err))
		}
	}
}

// missed notes that a file could not be read. One that is absent sudo misses,
// too.
func (s *sudoers) missed(err error) {
	s.note(err)
	s.unsure = s.unsure || nothing(err) != nil
}

func (s *sudoers) note(err error) {
	if err != nil && len(s.problems) < maxProblems {
		s.problems = append(s.problems, err)
	}
}

// sudoersLines are a file's lines, after those that end with a backslash have
// been joined. A comment is not continued.
func sudoersLines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var whole strings.Builder
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			before, continued := continuedLine(line)
			whole.WriteString(before)
			if continued {
				whole.WriteByte(' ')
				continue
			}
			if !yield(strings.TrimSpace(whole.String())) {
				return
			}
			whole.Reset()
		}
		if whole.Len() > 0 {
			yield(strings.TrimSpace(whole.String()))
		}
	}
}

// continuedLine returns a line without the backslash at its end, and whether
// there was one.
func continuedLine(line string) (before string, continued bool) {
	sc, quotes := scanner{s: line}, false
	for ; sc.i < len(line); sc.i++ {
		switch c := line[sc.i]; {
		case c == '\\' && strings.TrimRight(line[sc.i+1:], " \t") == "":
			return line[:sc.i], true
		case c == '\\':
			sc.i++
		case c == '"':
			quotes = !quotes
		case c == '#' && !quotes && !sc.isID(sc.i):
			return line, false
		}
	}
	return line, false
}

// includeOf knows @include, @includedir, and both with #.
func includeOf(line string) (dir bool, target string, ok bool) {
	if line == "" || line[0] != '@' && line[0] != '#' {
		return false, "", false
	}
	word, rest, _ := strings.Cut(strings.ReplaceAll(line[1:], "\t", " "), " ")
	if word != "include" && word != "includedir" {
		return false, "", false
	}
	sc := scanner{s: strings.TrimSpace(rest)}
	if target = sc.path(); target == "" {
		return false, "", false
	}
	return word == "includedir", target, true
}

// name is the host's. /proc/sys knows that of this process's namespace.
func (h *Host) name() string {
	name, err := h.Line("etc/hostname")
	if err != nil || name == "" {
		name, _ = h.Line("proc/sys/kernel/hostname")
	}
	return name
}
