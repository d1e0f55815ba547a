//go:build linux && host

package check

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestHostDebian starts a Debian, and compares what is said of it with what its
// own commands say.
func TestHostDebian(t *testing.T) {
	if os.Getenv("INSIDE") != t.Name() {
		boot(t, bootDir(t), "tricky", t.Name())
		return
	}
	t.Run("systemctl", compareServices)
	t.Run("systemctl without D-Bus", compareUnitFiles)
	t.Run("sshd", compareSSHD)
	t.Run("passwd", TestHostShadow)
	t.Run("sysctl", TestHostSysctl)
	t.Run("dpkg-query", TestHostPackageCount)
	t.Run("dpkg-query --search", TestHostOwners)
	t.Run("ss", TestHostSockets)
	t.Run("nft", TestHostRules)
}

// systemctlLists are its units and unit files, but for templates and aliases.
func systemctlLists(t *testing.T) map[string]Service {
	t.Helper()
	settle(t)
	all := map[string]Service{}
	for line := range strings.Lines(output(t, "systemctl", "list-unit-files", "--no-legend", "--type=service,target")) {
		fields := strings.Fields(line)
		if !strings.Contains(fields[0], "@.") && fields[1] != "alias" {
			all[fields[0]] = Service{Name: fields[0], State: fields[1]}
		}
	}
	out := output(t, "systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "--type=service,target")
	for line := range strings.Lines(out) {
		fields := strings.Fields(line) // name, load, active, sub
		if fields[1] == "not-found" {
			continue
		}
		s := all[fields[0]]
		s.Name, s.Active = fields[0], fields[2] == "active"
		s.Running = s.Active && fields[3] != "exited"
		if s.State == "" && strings.Contains(s.Name, "@") {
			// It exits with an error for what is not enabled.
			state, _ := exec.CommandContext(t.Context(), "systemctl", "is-enabled", s.Name).Output()
			s.State = trimmed(state)
		}
		all[s.Name] = s
	}
	return all
}

// settle waits until nothing starts or stops but what runs this test: what starts has processes, and is not active.
func settle(t *testing.T) {
	t.Helper()
	var changing []string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		all := strings.Split(output(t, "systemctl", "list-units", "--state=activating,deactivating,reloading", "--plain", "--no-legend", "--type=service,target"), "\n")
		changing = slices.DeleteFunc(all, func(line string) bool { return line == "" || strings.HasPrefix(line, "comparison@") })
		if len(changing) == 0 {
			return
		}
	}
	t.Fatalf("these still change: %q", changing)
}

// compareServices asks systemd by D-Bus as systemctl does.
func compareServices(t *testing.T) {
	h := hostAt(t, "/")
	Prepare(h)
	steady(t, systemctlLists, func() (map[string]Service, error) { return byName(h.Systemd.Services(t.Context())) })
}

// compareUnitFiles looks at files and control groups only. They do not tell of
// what has no file and no process, nor which target is active.
func compareUnitFiles(t *testing.T) {
	h := hostAt(t, "/")
	want := func(t *testing.T) map[string]Service {
		all := systemctlLists(t)
		for name, s := range all {
			isLoaded := s.State == "" || s.State == "static" && strings.Contains(name, "@")
			if isLoaded && !s.Running || strings.HasPrefix(name, "comparison@") {
				delete(all, name) // this starts, and has not started
				continue
			}
			isTarget := strings.HasSuffix(name, ".target")
			all[name] = Service{Name: name, State: s.State, Active: s.Running && !isTarget, Running: s.Running && !isTarget, Unknown: isTarget}
		}
		return all
	}
	steady(t, want, func() (map[string]Service, error) {
		all, err := byName(h.unitFiles(t.Context()))
		maps.DeleteFunc(all, func(name string, _ Service) bool { return strings.HasPrefix(name, "comparison@") })
		return all, err
	})
}

func byName(list []Service, err error) (map[string]Service, error) {
	all := map[string]Service{}
	for _, s := range list {
		all[s.Name] = s
	}
	return all, err
}

// steady compares as soon as nothing changes while both look.
func steady[T any](t *testing.T, theirs func(t *testing.T) T, ours func() (T, error)) {
	t.Helper()
	for range 100 {
		before := theirs(t)
		got, err := ours()
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			continue // the machine is busy
		}
		if err != nil {
			t.Fatal(err)
		}
		if after := theirs(t); cmp.Equal(before, after) {
			if diff := cmp.Diff(before, got); diff != "" {
				t.Errorf("-they +we:\n%s", diff)
			}
			return
		}
	}
	t.Error("it changes all the time")
}

// compareSSHD asks sshd what its configuration is.
func compareSSHD(t *testing.T) {
	says := strings.Split(trimmed([]byte(output(t, "sshd", "-T"))), "\n")
	ours := effective(one(t, sshd(), hostAt(t, "/")))
	compareOptions(t, says, ours)
}
