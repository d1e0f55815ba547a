package check

import (
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
)

// units are the directories where systemd looks for units.
type units struct {
	*Host
	dirs []string
}

// newUnits has the directories of administrators and packages. The first wins
// over the others.
func newUnits(h *Host) units {
	return units{h, h.distinct([]string{
		"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
		"lib/systemd/system",
	})}
}

// distinct leaves out the directories that are not there, and those that are
// others by another name.
func (h *Host) distinct(all []string) []string {
	var dirs []string
	var seen []fs.FileInfo
	for _, dir := range all {
		info, err := h.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) || slices.ContainsFunc(seen, func(old fs.FileInfo) bool { return os.SameFile(info, old) }) {
			continue
		}
		dirs = append(dirs, dir)
		if err == nil { // or it is seen when it is read
			seen = append(seen, info)
		}
	}
	return dirs
}

// A unit is what a unit file and its drop-ins say: values by section and key,
// such as "Timer.OnCalendar".
type unit map[string][]string

// read returns nil if there is no such unit, or it is masked. An instance may
// have its template's file.
func (s units) read(name string) (unit, error) {
	u, err := s.readFile(name)
	if err != nil || u != nil || !strings.Contains(name, "@") {
		return u, err
	}
	if u, err = s.readFile(template(name)); err != nil || u == nil {
		return nil, err
	}
	return u, s.readDropIns(u, name)
}

func (s units) readFile(name string) (unit, error) {
	for _, dir := range s.dirs {
		file := path.Join(dir, name)
		if target, err := s.Link(file); err == nil && strings.HasSuffix(target, "/dev/null") {
			return nil, nil
		}
		b, err := s.ReadIfAny(file)
		switch {
		case err != nil:
			return nil, err
		case b == nil:
			continue
		case len(b) == 0: // masked, too
			return nil, nil
		}
		u := unit{}
		u.add(b)
		return u, s.readDropIns(u, name)
	}
	return nil, nil
}

// readDropIns adds those of all directories by their names, each of which
// counts once.
func (s units) readDropIns(u unit, name string) error {
	files := map[string]string{}
	var names []string
	for _, dir := range s.dirs {
		found, err := s.Glob(path.Join(dir, name+".d", "*.conf"))
		if err != nil {
			return err
		}
		for _, file := range found {
			if base := path.Base(file); files[base] == "" {
				files[base] = file
				names = append(names, base)
			}
		}
	}
	for _, base := range sorted(names) {
		b, err := s.Read(files[base])
		if err != nil {
			return err
		}
		u.add(b)
	}
	return nil
}

// add takes assignments. An empty one takes back those before it.
func (u unit) add(b []byte) {
	section := ""
	for line := range unitLines(b) {
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = line[1 : len(line)-1]
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		key, value = section+"."+strings.TrimSpace(key), strings.TrimSpace(value)
		if value == "" {
			delete(u, key)
			continue
		}
		u[key] = append(u[key], value)
	}
}

// last is the value of a key of which one counts.
func (u unit) last(key, unset string) string {
	if values := u[key]; len(values) > 0 {
		return values[len(values)-1]
	}
	return unset
}

// unitLines are a unit's lines, after those that end with a backslash have been
// joined. Comments within them are left out.
func unitLines(b []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		var whole strings.Builder
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
				continue
			}
			before, continued := strings.CutSuffix(line, `\`)
			whole.WriteString(before)
			if continued {
				whole.WriteByte(' ')
				continue
			}
			if text := strings.TrimSpace(whole.String()); text != "" && !yield(text) {
				return
			}
			whole.Reset()
		}
		if text := strings.TrimSpace(whole.String()); text != "" {
			yield(text)
		}
	}
}

// template is the file of an instance: a@b.timer is one of a@.timer.
func template(name string) string {
	before, after, _ := strings.Cut(name, "@")
	return before + "@" + path.Ext(after)
}
