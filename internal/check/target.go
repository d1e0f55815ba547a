package check

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"syscall"
)

const metricTarget = "linux.security.system_target_info"

func systemTarget() Check {
	return Check{
		ID:       "system_target",
		Category: Services,
		Reads:    "systemd's default.target, and the targets that are active (D-Bus); or OpenRC's run level",
		Metrics:  []string{metricTarget},
		Rules: []Rule{{
			"system_target.not_graphical", Low, 2, "",
			"A server needs no desktop, and each of its programs can be attacked.",
			"Run systemctl set-default multi-user.target.",
		}},
		Run: runTarget,
	}
}

// runTarget shows what the host boots into, and what it is in.
func runTarget(_ context.Context, h *Host, f *Findings) error {
	standard, err := h.defaultTarget()
	if err != nil {
		return err
	}
	if standard != "" {
		f.Point(metricTarget, 1, "current_target", standard, "target_type", "default")
		f.Judge("system_target.not_graphical", standard != "graphical.target", standard)
	}
	level, err := h.Line("run/openrc/softlevel")
	f.Problem(ignoreAbsent(err))
	if err == nil {
		f.Point(metricTarget, 1, "current_target", level, "target_type", "runlevel")
		f.Watch("system_target.runlevel", level)
	}
	if h.Systemd == nil {
		return nil // no file tells
	}
	list := h.services()
	f.Problem(list.err)
	if active := activeTarget(list.all); active != "" {
		f.Point(metricTarget, 1, "current_target", active, "target_type", "active")
		f.Watch("system_target.active", active)
	}
	return nil
}

// activeTarget is the one of those that a system boots into that has most.
func activeTarget(all []Service) string {
	for _, name := range []string{"graphical.target", "multi-user.target", "rescue.target", "emergency.target"} {
		for _, s := range all {
			if s.Name == name && s.Active {
				return name
			}
		}
	}
	return ""
}

// defaultTarget follows default.target, in the first directory that has it, to
// the name at the end of the links.
func (h *Host) defaultTarget() (string, error) {
	for _, dir := range serviceDirs() {
		name, err := h.targetIn(dir)
		if err != nil || name != "" {
			return name, err
		}
	}
	return "", nil
}

func (h *Host) targetIn(dir string) (string, error) {
	at := path.Join("/", dir, "default.target")
	for range maxLinks {
		info, err := h.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && path.Base(at) != "default.target":
			return path.Base(at), nil // a target that is gone
		case err != nil:
			return "", ignoreAbsent(err)
		case info.Mode().Type() != fs.ModeSymlink, path.Base(at) != "default.target":
			return path.Base(at), nil
		}
		target, err := h.Link(at)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			at = target
		} else {
			at = path.Join(path.Dir(at), target)
		}
	}
	return "", &fs.PathError{Op: "readlink", Path: at, Err: syscall.ELOOP}
}
