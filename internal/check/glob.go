package check

import (
	"path"
	"strings"
)

// maxMatches is how many files a pattern may stand for.
const maxMatches = 1000

// Glob returns what matches a pattern as glob(3) has it, by name. A wild card
// matches no dot at the beginning of a name.
func (h *Host) Glob(pattern string) ([]string, error) {
	dirs := []string{"."}
	for part := range strings.SplitSeq(clean(pattern), "/") {
		var next []string
		for _, dir := range dirs {
			found, err := h.matches(dir, part)
			if err != nil {
				return nil, err
			}
			next = append(next, found...)
		}
		dirs = next[:min(len(next), maxMatches)]
	}
	return dirs, nil
}

// matches are the names in a directory that a part of a pattern stands for.
func (h *Host) matches(dir, part string) ([]string, error) {
	if !strings.ContainsAny(part, `*?[\`) {
		name := path.Join(dir, part)
		if _, err := h.Stat(name); err != nil {
			return nil, nothing(err)
		}
		return []string{name}, nil
	}
	info, err := h.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, nothing(err)
	}
	entries, err := h.Dir(dir)
	if err != nil {
		return nil, nothing(err)
	}
	var names []string
	part = strings.ReplaceAll(part, "[!", "[^")
	for _, e := range entries {
		ok, err := path.Match(part, e.Name())
		if err == nil && ok && (e.Name()[0] != '.' || part[0] == '.') {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names, nil
}
