package check

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A ServiceManager is the host's systemd.
type ServiceManager interface {
	Services(ctx context.Context) ([]Service, error)
}

// A Service is a service or a target.
type Service struct {
	Name    string // with .service or .target
	Active  bool
	Running bool   // a service that is active may have ended in good order
	State   string // of its file, as systemctl is-enabled says; "" without a file
	Unknown bool   // whether it is active
}

// enabled says whether it starts with the system.
func (s Service) enabled() bool { return s.State == "enabled" || s.State == "enabled-runtime" }

// labels are true, false or unknown.
func (s Service) labels() (running, enabled string) {
	running, enabled = strconv.FormatBool(s.Running), strconv.FormatBool(s.enabled())
	if s.Unknown {
		running = unknown
	}
	if s.State == unknown {
		enabled = unknown
	}
	return running, enabled
}

// Services are collected by their names.
type services map[string]*Service

func newServices() services { return services{} }

// at returns the service of a unit's name or file.
func (all services) at(name string) *Service {
	name = path.Base(name)
	if all[name] == nil {
		all[name] = &Service{Name: name}
	}
	return all[name]
}

// sorted are all that can run: a template cannot, and another name of a service
// would say of it that it does not. What runs under a name is the service.
func (all services) sorted() []Service {
	var list []Service
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if s := all[name]; !strings.Contains(name, "@.") && (s.State != "alias" || s.Active) {
			list = append(list, *all[name])
		}
	}
	return list
}
