package receiver

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.uber.org/zap"
)

// names are the numbers of users by name.
type names map[string]uint32

// readUsers reads a passwd(5) file. Only filters that name users need it.
func readUsers(file string) (names, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n := make(names)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 3 {
			continue
		}
		if id, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			n[fields[0]] = uint32(id)
		}
	}
	return n, lines.Err()
}

// id is the number of a user.
func (n names) id(u User) (uint32, bool) {
	if id, err := strconv.ParseUint(string(u), 10, 32); err == nil {
		return uint32(id), true
	}
	id, ok := n[string(u)]
	return id, ok
}

// users are those of the host, if a filter names one. It warns of unknown ones.
func (c *Config) users(logger *zap.Logger) names {
	var known names
	read := false
	for _, u := range append(append([]User(nil), c.Events.Exclude.Users...), c.Events.Only.Users...) {
		if _, ok := known.id(u); ok {
			continue
		}
		var err error
		if !read {
			known, err = readUsers(filepath.Join(string(c.RootPath), "etc/passwd"))
			read = true
		}
		if _, ok := known.id(u); !ok {
			logger.Warn("A filter names a user who is not there, so nobody is that", zap.String("user", string(u)), zap.Error(err))
		}
	}
	return known
}
