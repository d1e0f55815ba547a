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
	var errs []error
	each := func(dir string, do func(s *Service)) {
		links, err := h.DirIfAny(dir)
		errs = append(errs, err)
		for _, l := range links {
			if s := all[l.Name()]; s != nil {
				do(s)
			}
		}
	}
	levels, err := h.DirIfAny("etc/runlevels")
	errs = append(errs, err)
	for _, level := range levels {
		each(path.Join("etc/runlevels", level.Name()), func(s *Service) { s.State = "enabled" })
	}
	each("run/openrc/started", func(s *Service) { s.Active, s.Running = true, true })
	return all.sorted(), errors.Join(errs...)
}
