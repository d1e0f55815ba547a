package check

import (
	"errors"
	"path"
)

// openRC finds the services of Alpine's manager: scripts, links to them in run
// levels, and links to them while they run.
func (h *Host) openRC() ([]Service, error) {
	scripts, err := h.DirIfAny("etc/init.d")
	if err != nil {
		return nil, err
	}
	all := newServices()
	for _, e := range scripts {
		all.at(e.Name()).State = "disabled"
	}
	each := func(dir string, do func(s *Service)) error {
		links, err := h.DirIfAny(dir)
		for _, l := range links {
			if s := all[l.Name()]; s != nil {
				do(s)
			}
		}
		return err
	}
	levels, levelsErr := h.DirIfAny("etc/runlevels")
	for _, level := range levels {
		levelsErr = errors.Join(levelsErr, each(path.Join("etc/runlevels", level.Name()), func(s *Service) { s.State = "enabled" }))
	}
	startedErr := each("run/openrc/started", func(s *Service) { s.Active, s.Running = true, true })
	for _, s := range all {
		if s.State == "disabled" && levelsErr != nil {
			s.State = unknown
		}
		s.Unknown = !s.Active && startedErr != nil
	}
	return all.sorted(), errors.Join(levelsErr, startedErr)
}
