package check

import (
	"context"
	"errors"
	"io/fs"
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
	all := newServices()
	var errs []error
	wanted := map[string]string{}
	unsure, hidden := false, false // whether more is enabled, and whether something is masked
	for _, dir := range serviceDirs() {
		entries, err := h.DirIfAny(dir)
		errs = append(errs, err)
		hidden = hidden || err != nil
		for _, e := range entries {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			name := e.Name()
			switch {
			case strings.HasSuffix(name, ".wants") || strings.HasSuffix(name, ".requires"):
				err := h.links(path.Join(dir, name), wanted)
				errs = append(errs, err)
				unsure = unsure || err != nil
			case isUnit(name) && all[name] == nil:
				state, err := h.unitState(dir, name, e)
				if hidden {
					state = unknown
				}
				all.at(name).State = state
				errs = append(errs, err)
			}
		}
	}
	for _, s := range all {
		switch {
		case s.State == "disabled" && wanted[s.Name] != "":
			s.State = wanted[s.Name]
		case s.State == "disabled" && (unsure || hidden):
			s.State = unknown
		}
	}
	for name, state := range wanted {
		if template := all[templateOf(name)]; template != nil && template.State != "bad" && all[name] == nil {
			all.at(name).State = state // an instance
		}
	}
	errs = append(errs, h.markRunning(all))
	for _, s := range all {
		if s.State == "" && hidden { // it runs, and has a file
			s.State = unknown
		}
	}
	return all.sorted(), errors.Join(errs...)
}

func isUnit(name string) bool {
	return strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".target")
}

// templateOf is foo@.service for foo@bar.service.
func templateOf(name string) string {
	before, after, ok := strings.Cut(name, "@")
	if !ok || strings.HasPrefix(after, ".") {
		return ""
	}
	return before + "@" + path.Ext(after)
}

// links notes the units that a directory makes start: those that are of an
// administrator are enabled, of others static.
func (h *Host) links(dir string, wanted map[string]string) error {
	state := ""
	switch {
	case strings.HasPrefix(dir, "etc/"):
		state = "enabled"
	case strings.HasPrefix(dir, "run/systemd/system/"):
		state = "enabled-runtime"
	default:
		return nil // what a package or a generator wants cannot be disabled
	}
	entries, err := h.DirIfAny(dir)
	for _, e := range entries {
		if e.Type() == fs.ModeSymlink && wanted[e.Name()] == "" {
			wanted[e.Name()] = state
		}
	}
	return err
}

// unitState is what can be told by the file: whether it is masked, another name
// of a unit, made by a generator, or could be enabled.
func (h *Host) unitState(dir, name string, e Entry) (string, error) {
	file := path.Join(dir, name)
	if e.Type() == fs.ModeSymlink {
		target, err := h.Link(file)
		switch {
		case err != nil:
			return unknown, err
		case target == "/dev/null":
			return "masked", nil
		case path.Base(target) != name && isUnit(target):
			return "alias", nil
		}
	}
	b, err := h.Read(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "bad", nil // a link to nothing
	case err != nil:
		return unknown, err
	case len(b) == 0:
		return "masked", nil
	case strings.HasPrefix(dir, "run/systemd/generator"):
		return "generated", nil
	case strings.HasPrefix(dir, "run/systemd/transient"):
		return "transient", nil
	case hasInstallSection(b):
		return "disabled", nil
	default:
		return "static", nil
	}
}

// hasInstallSection says whether a unit says how it would be enabled.
func hasInstallSection(b []byte) bool {
	inside := false
	for line := range unitLines(b) {
		if strings.HasPrefix(line, "[") {
			inside = line == "[Install]"
			continue
		}
		key, _, _ := strings.Cut(line, "=")
		if inside && slices.Contains([]string{"WantedBy", "RequiredBy", "UpheldBy", "Alias", "Also", "DefaultInstance"}, strings.TrimSpace(key)) {
			return true
		}
	}
	return false
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
