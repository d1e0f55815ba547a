package check

import (
	"iter"
	"strings"
)

// settings are keys with values, in the order of the keys' first mention.
type settings struct {
	keys   []string
	values map[string]string
}

func newSettings() *settings { return &settings{values: map[string]string{}} }

// set gives a key its value, in the place of one it has.
func (s *settings) set(key, value string) {
	if _, ok := s.values[key]; !ok {
		s.keys = append(s.keys, key)
	}
	s.values[key] = value
}

// get returns unset for a key that has no value.
func (s *settings) get(key, unset string) string {
	if value, ok := s.values[key]; ok {
		return value
	}
	return unset
}

// show adds a point for each setting, and watches it under the check's name.
// What has been judged by that name is an item already.
func (s *settings) show(f *Findings, metric, check string) {
	for _, key := range s.keys {
		f.Point(metric, 1, "info_key", key, "info_value", s.values[key])
		f.Watch(check+"."+strings.ToLower(key), s.values[key])
	}
}

// lines are those of a configuration file, without the white space around
// them, empty ones and comments.
func lines(b []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if line != "" && line[0] != '#' && !yield(line) {
				return
			}
		}
	}
}
