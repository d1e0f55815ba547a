package check

import (
	"path"
	"slices"
	"strings"
)

// timerKeys say when a timer's service is started.
var timerKeys = [...]string{
	"OnCalendar", "OnBootSec", "OnStartupSec", "OnActiveSec", "OnUnitActiveSec", "OnUnitInactiveSec",
}

// timers shows those that some target wants: systemd starts them.
func (c *cronFiles) timers() {
	all := newUnits(c.Host)
	names, err := all.wanted(".timer")
	c.f.Problem(err)
	for _, name := range names {
		u, err := all.read(name)
		if err == nil && u != nil {
			err = c.timer(all, name, u)
		}
		c.f.Problem(err)
	}
}

func (c *cronFiles) timer(all units, name string, u unit) error {
	var schedule []string
	for _, key := range timerKeys {
		for _, value := range u["Timer."+key] {
			schedule = append(schedule, strings.TrimPrefix(key+"="+value, "OnCalendar="))
		}
	}
	service := u.last("Timer.Unit", strings.TrimSuffix(name, ".timer")+".service")
	s, err := all.read(service)
	if err != nil {
		return err
	}
	command := strings.Join(s["Service.ExecStart"], "; ")
	if command == "" {
		command = service // that has none, or is no service
	}
	user := s.last("Service.User", "root")
	c.add([]job{{user, name, strings.Join(schedule, ", "), command}})
	return nil
}

// wanted are the names of one kind in all .wants and .requires directories.
// Their targets need not exist: systemd looks at the names.
func (s units) wanted(kind string) ([]string, error) {
	var names []string
	for _, dir := range s.dirs {
		entries, err := s.Dir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if ext := path.Ext(e.Name()); ext != ".wants" && ext != ".requires" {
				continue
			}
			links, err := s.DirIfAny(path.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			for _, l := range links {
				if strings.HasSuffix(l.Name(), kind) {
					names = append(names, l.Name())
				}
			}
		}
	}
	return slices.Compact(sorted(names)), nil
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
