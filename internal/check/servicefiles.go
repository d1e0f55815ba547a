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
	for _, dir := range serviceDirs() {
		entries, err := h.DirIfAny(dir)
		errs = append(errs, err)
		for _, e := range entries {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			name := e.Name()
			switch {
			case e.IsDir() && (strings.HasSuffix(name, ".wants") || strings.HasSuffix(name, ".requires")):
				errs = append(errs, h.links(path.Join(dir, name), wanted))
			case isUnit(name) && all[name] == nil:
				state, err := h.unitState(dir, name, e)
				all.at(name).State = state
				errs = append(errs, err)
			}
		}
	}
	for _, s := range all {
		if s.State == "disabled" && wanted[s.Name] != "" {
			s.State = wanted[s.Name]
		}
	}
	for name, state := range wanted {
		if template := templateOf(name); template != "" && all[template] != nil && all[name] == nil {
			all.at(name).State = state // an instance
		}
	}
	errs = append(errs, h.markRunning(all))
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
		case path.Base(target) != name:
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
	for _, root := range []string{"sys/fs/cgroup", "sys/fs/cgroup/systemd"} {
		if _, err := h.Stat(root + "/system.slice"); err != nil {
			continue
		}
		for _, s := range all {
			s.Unknown = strings.HasSuffix(s.Name, ".target")
		}
		return h.populated(root, 0, all)
	}
	return nil
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
				s.Active, s.Running, s.Unknown = has, has, err != nil
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
