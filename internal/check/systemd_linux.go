package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// A systemd is asked over D-Bus, at the sockets below the host's root only.
type systemd struct{ root *Root }

// systemdTime is how long all answers may take together.
const systemdTime = 5 * time.Second

// Services asks the bus, or where there is none systemd itself.
func (s systemd) Services(ctx context.Context) ([]Service, error) {
	ctx, cancel := context.WithTimeout(ctx, systemdTime)
	defer cancel()
	var errs []error
	for _, socket := range []struct {
		name  string
		isBus bool
	}{{"run/dbus/system_bus_socket", true}, {"run/systemd/private", false}} {
		all, err := s.ask(ctx, socket.name, socket.isBus)
		if err == nil {
			return all, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return nil, fs.ErrNotExist
	}
	return nil, errors.Join(errs...)
}

func (s systemd) ask(ctx context.Context, name string, isBus bool) ([]Service, error) {
	socket, err := s.root.Dial(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = socket.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := socket.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	bus, err := dbus.NewConn(socket, dbus.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("talk D-Bus: %w", err)
	}
	defer func() { _ = bus.Close() }()
	if err := bus.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err != nil {
		return nil, fmt.Errorf("authenticate to %s: %w", name, err)
	}
	if isBus {
		if err := bus.Hello(); err != nil {
			return nil, fmt.Errorf("greet %s: %w", name, err)
		}
	}
	return listServices(ctx, bus)
}

// listServices puts the units that are loaded and the files that are installed
// together.
func listServices(ctx context.Context, bus *dbus.Conn) ([]Service, error) {
	manager := bus.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
	call := func(method string, args ...any) *dbus.Call {
		return manager.CallWithContext(ctx, "org.freedesktop.systemd1.Manager."+method, dbus.FlagNoAutoStart, args...)
	}
	patterns := []string{"*.service", "*.target"}
	var units []struct {
		Name, Description, Load, Active, Sub, Following string
		Path                                            dbus.ObjectPath
		Job                                             uint32
		JobType                                         string
		JobPath                                         dbus.ObjectPath
	}
	if err := call("ListUnitsByPatterns", []string{}, patterns).Store(&units); err != nil {
		return nil, fmt.Errorf("list systemd's units: %w", err)
	}
	var files []struct{ Path, State string }
	if err := call("ListUnitFilesByPatterns", []string{}, patterns).Store(&files); err != nil {
		return nil, fmt.Errorf("list systemd's unit files: %w", err)
	}
	all := newServices()
	for _, f := range files {
		all.at(f.Path).State = f.State
	}
	for _, u := range units {
		if u.Load == "not-found" {
			continue
		}
		s := all.at(u.Name)
		s.Active = u.Active == "active" || u.Active == "reloading"
		s.Running = s.Active && u.Sub != "exited"
	}
	list := all.sorted()
	for i := range list {
		// An instance has no file of its own.
		if s := &list[i]; s.State == "" && strings.Contains(s.Name, "@") {
			_ = call("GetUnitFileState", s.Name).Store(&s.State)
		}
	}
	return list, ctx.Err()
}
