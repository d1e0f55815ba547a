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
	for _, name := range c.wantedTimers() {
		u, err := c.readUnit(name)
		if err == nil && u == nil {
			u, err = c.readUnit(template(name))
		}
		if err == nil && u != nil {
			err = c.timer(name, u)
		}
		c.f.Problem(err)
	}
}

func (c *cronFiles) timer(name string, u unit) error {
	var schedule []string
	for _, key := range timerKeys {
		for _, value := range u["Timer."+key] {
			schedule = append(schedule, strings.TrimPrefix(key+"="+value, "OnCalendar="))
		}
	}
	service := u.last("Timer.Unit", strings.TrimSuffix(name, ".timer")+".service")
	s, err := c.readUnit(service)
	if err == nil && s == nil {
		s, err = c.readUnit(template(service))
	}
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

// wantedTimers are the names of the timers in all .wants directories.
func (c *cronFiles) wantedTimers() []string {
	var names []string
	for _, dir := range unitDirs() {
		for _, kind := range []string{"*.wants", "*.requires"} {
			files, err := c.links(path.Join(dir, kind))
			c.f.Problem(err)
			names = append(names, files...)
		}
	}
	return slices.Compact(sorted(names))
}

// links are the names of timers in directories. Their targets need not exist:
// systemd looks at the names.
func (c *cronFiles) links(pattern string) ([]string, error) {
	dirs, err := c.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, dir := range dirs {
		entries, err := c.DirIfAny(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".timer") {
				names = append(names, e.Name())
			}
		}
	}
	return names, nil
}

// template is the file of an instance: a@b.timer is one of a@.timer.
func template(name string) string {
	before, after, ok := strings.Cut(name, "@")
	if !ok {
		return name
	}
	return before + "@" + path.Ext(after)
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
