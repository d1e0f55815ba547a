package check

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// serviceDirs are where systemd finds units, what wins first.
func serviceDirs() []string {
	return []string{
		"etc/systemd/system.control", "run/systemd/system.control", "run/systemd/transient", "run/systemd/generator.early",
		"etc/systemd/system", "run/systemd/system", "run/systemd/generator", "usr/local/lib/systemd/system",
		"usr/lib/systemd/system", "lib/systemd/system", "run/systemd/generator.late",
	}
}

// unitFiles finds services by their files, and what runs by the control groups.
// It is what can be told where systemd cannot be asked.
func (h *Host) unitFiles(ctx context.Context) ([]Service, error) {
	found := unitLinks{
		units: newUnits(h), files: map[string]string{}, enabled: map[string]string{},
		dropIns: map[string]bool{}, unsure: map[string]bool{},
	}
	var errs []error
	for _, dir := range h.distinct(serviceDirs()) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		errs = append(errs, found.add(dir))
	}
	all := newServices()
	for _, name := range slices.Sorted(maps.Keys(found.files)) {
		state, err := found.state(name)
		all.at(name).State = state
		errs = append(errs, err)
	}
	for name, state := range found.enabled {
		if state != "static" && found.isInstance(name) {
			all.at(name).State = state
		}
	}
	errs = append(errs, h.markRunning(all))
	for name, s := range all {
		if s.State == "" && found.isInstance(name) {
			state, err := found.state(name)
			s.State = state
			errs = append(errs, err)
		}
		if found.mayBeOtherwise(name, s.State) {
			s.State = unknown
		}
	}
	return all.sorted(), errors.Join(errs...)
}

func isUnit(name string) bool {
	return strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".target")
}

// unitLinks are the files of units, and the links that make them start.
type unitLinks struct {
	units
	files   map[string]string // by the name of the unit, of the directory that wins
	enabled map[string]string // states
	dropIns map[string]bool   // directories of them, by their names
	unsure  map[string]bool   // units of which a directory that could not be read may have a file that wins
	hidden  bool              // such a directory was met
	unseen  bool              // links were not seen
}

// mayBeOtherwise says whether what could not be read may make the state another one.
func (u *unitLinks) mayBeOtherwise(name, state string) bool {
	return u.unsure[name] || u.hidden && state == "" || (u.hidden || u.unseen) && state == "disabled"
}

// isInstance says whether a unit has the file of a template only.
func (u *unitLinks) isInstance(name string) bool {
	return strings.Contains(name, "@") && u.files[name] == "" && u.files[template(name)] != ""
}

// add looks at a directory for units, links to them by other names, and
// directories of links to what starts with a unit.
func (u *unitLinks) add(dir string) error {
	entries, err := u.DirIfAny(dir)
	errs := []error{err}
	u.hidden = u.hidden || err != nil
	for _, e := range entries {
		name := e.Name()
		switch {
		case isWantsDir(name): // or a link to a directory
			links, err := u.DirIfAny(path.Join(dir, name))
			errs = append(errs, err)
			u.unseen = u.unseen || err != nil
			for _, link := range links {
				if link.Type() == fs.ModeSymlink {
					u.enable(link.Name(), dir)
				}
			}
		case strings.HasSuffix(name, ".d"):
			u.dropIns[name] = true
		case isUnit(name):
			if u.files[name] == "" {
				u.files[name], u.unsure[name] = path.Join(dir, name), u.hidden
			}
			if target, err := u.Link(path.Join(dir, name)); err == nil && path.Base(target) != name && isUnit(target) {
				u.enable(path.Base(target), dir)
			}
		}
	}
	return errors.Join(errs...)
}

func isWantsDir(name string) bool {
	return strings.HasSuffix(name, ".wants") || strings.HasSuffix(name, ".requires") || strings.HasSuffix(name, ".upholds")
}

// enable notes a link to a unit. What a package links starts, too, but cannot be
// disabled, and only of an instance does it make a state.
func (u *unitLinks) enable(name, dir string) {
	switch {
	case dir == "etc/systemd/system":
		u.enabled[name] = "enabled"
	case u.enabled[name] == "enabled":
	case strings.HasPrefix(dir, "run/"):
		u.enabled[name] = "enabled-runtime"
	case u.enabled[name] == "" && strings.Contains(name, "@"):
		u.enabled[name] = "static"
	}
}

// state is what systemctl is-enabled says.
func (u *unitLinks) state(name string) (string, error) {
	file := u.files[name]
	if file == "" {
		file = u.files[template(name)]
	}
	runtime := ""
	if strings.HasPrefix(file, "run/") {
		runtime = "-runtime"
	}
	target, err := u.Link(file)
	isLink := err == nil
	if isLink && path.Clean("/"+strings.TrimLeft(target, "./")) == "/dev/null" {
		return "masked" + runtime, nil
	}
	if isLink && path.Base(target) != path.Base(file) && isUnit(target) {
		return "alias", nil
	}
	b, err := u.Read(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "bad", nil // a link to nothing
	case err != nil:
		return unknown, err
	case len(b) == 0:
		return "masked" + runtime, nil
	case strings.HasPrefix(file, "run/systemd/generator"):
		return "generated", nil
	case strings.HasPrefix(file, "run/systemd/transient"):
		return "transient", nil
	case u.enabled[name] != "":
		return u.enabled[name], nil
	case isLink:
		return "linked" + runtime, nil
	}
	content := unit{}
	content.add(b)
	if u.hidden || u.dropIns[path.Base(file)+".d"] {
		err = u.readDropIns(content, path.Base(file))
	}
	if err != nil {
		return unknown, err
	}
	return content.installable(), nil
}

// installable says whether a unit could be enabled, or would enable others.
func (u unit) installable() string {
	for _, key := range []string{"WantedBy", "RequiredBy", "UpheldBy", "Alias"} {
		if len(u["Install."+key]) > 0 {
			return "disabled"
		}
	}
	if len(u["Install.Also"]) > 0 {
		return "indirect"
	}
	return "static"
}

// markRunning finds the services that have a control group with processes. Of
// a target no file tells whether it is active.
func (h *Host) markRunning(all services) error {
	for _, s := range all {
		s.Unknown = true
	}
	var errs []error
	for _, root := range []string{"sys/fs/cgroup", "sys/fs/cgroup/systemd"} {
		if is, err := h.isDir(root + "/system.slice"); !is {
			errs = append(errs, err)
			continue
		}
		err := h.populated(root, 0, all)
		for _, s := range all {
			s.Unknown = !s.Active && (err != nil || strings.HasSuffix(s.Name, ".target"))
		}
		return err
	}
	return errors.Join(errs...)
}

// populated marks the services below a slice that have processes.
func (h *Host) populated(dir string, depth int, all services) error {
	entries, err := h.DirIfAny(dir)
	errs := []error{err}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case !e.IsDir():
		case strings.HasSuffix(name, ".service"):
			has, err := h.hasProcesses(name)
			errs = append(errs, err)
			if has || err != nil {
				s := all.at(e.Name())
				s.Active, s.Running = has, has
			}
		case strings.HasSuffix(name, ".slice") && depth < 8:
			errs = append(errs, h.populated(name, depth+1, all))
		}
	}
	return errors.Join(errs...)
}

// hasProcesses asks the second version of control groups, then the first.
func (h *Host) hasProcesses(group string) (bool, error) {
	events, err := h.Line(group + "/cgroup.events")
	if !errors.Is(err, fs.ErrNotExist) {
		return strings.Contains(events, "populated 1"), err
	}
	processes, err := h.Line(group + "/cgroup.procs")
	return processes != "", ignoreAbsent(err)
}
