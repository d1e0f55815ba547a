//go:build linux && host

package check

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

// A standIn answers as systemd does: there is none on machines that only test.
type standIn struct{}

type standInUnit struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            dbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobPath                                         dbus.ObjectPath
}

type standInFile struct{ Path, State string }

func (standIn) ListUnitsByPatterns(_, patterns []string) ([]standInUnit, *dbus.Error) {
	if fmt.Sprint(patterns) != "[*.service *.target]" {
		return nil, dbus.MakeFailedError(fmt.Errorf("patterns %v", patterns))
	}
	unit := func(name, load, active, sub string) standInUnit {
		return standInUnit{Name: name, Load: load, Active: active, Sub: sub, Path: "/unit/x", JobPath: "/"}
	}
	return []standInUnit{
		unit("ssh.service", "loaded", "active", "running"),
		unit("once.service", "loaded", "active", "exited"),
		unit("bad.service", "loaded", "failed", "failed"),
		unit("gone.service", "not-found", "inactive", "dead"),
		unit("getty@tty1.service", "loaded", "active", "running"),
		unit("multi-user.target", "loaded", "active", "active"),
	}, nil
}

func (standIn) ListUnitFilesByPatterns(_, _ []string) ([]standInFile, *dbus.Error) {
	return []standInFile{
		{"/usr/lib/systemd/system/ssh.service", "enabled"},
		{"/usr/lib/systemd/system/once.service", "static"},
		{"/usr/lib/systemd/system/getty@.service", "enabled"},
		{"/etc/systemd/system/cups.service", "masked"},
	}, nil
}

func (standIn) GetUnitFileState(name string) (string, *dbus.Error) {
	if name != "getty@tty1.service" {
		return "", dbus.MakeFailedError(fmt.Errorf("asked for %s", name))
	}
	return "enabled", nil
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`

// TestHostDBus asks a stand-in for systemd over a bus of its own.
func TestHostDBus(t *testing.T) {
	h := newTree(t, map[string]string{"run/dbus/": "", "run/systemd/system/": ""})
	socket := filepath.Join(h.dir, "run/dbus/system_bus_socket")
	h.write("bus.conf", fmt.Sprintf(busConfig, socket))
	daemon := exec.Command("dbus-daemon", "--nofork", "--nopidfile", "--config-file", filepath.Join(h.dir, "bus.conf"))
	daemon.Stderr = os.Stderr
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	var bus *dbus.Conn
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var err error
		if bus, err = dbus.Connect("unix:path=" + socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = bus.Close() })

	host := h.host()
	Prepare(host)
	if all, err := host.Systemd.Services(t.Context()); err == nil {
		t.Errorf("a bus without systemd tells %v", all)
	}
	if err := bus.Export(standIn{}, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.RequestName("org.freedesktop.systemd1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	got, err := host.Systemd.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Service{
		{Name: "bad.service"},
		{Name: "cups.service", State: "masked"},
		{Name: "getty@tty1.service", Active: true, Running: true, State: "enabled"},
		{Name: "multi-user.target", Active: true, Running: true},
		{Name: "once.service", Active: true, State: "static"},
		{Name: "ssh.service", Active: true, Running: true, State: "enabled"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	expect(t, one(t, systemTarget(), host), `
		system_target_info{current_target="multi-user.target",target_type="active"} 1
		status ok`)
}

// TestHostUnitFiles compares the states of this machine's units with what
// systemctl tells of the same files.
func TestHostUnitFiles(t *testing.T) {
	h := hostAt(t, "/")
	compareStates(t, "/", h)
	target, err := h.defaultTarget()
	equal(t, "error", err, nil)
	equal(t, "target", target, trimmed([]byte(output(t, "systemctl", "--root=/", "get-default"))))
}

// TestHostUnitStates does so for units of all kinds.
func TestHostUnitStates(t *testing.T) {
	const lib, etc, run, wants = "usr/lib/systemd/system/", "etc/systemd/system/", "run/systemd/system/", "etc/systemd/system/multi-user.target.wants/"
	const service = "[Service]\nExecStart=/bin/true\n"
	const wanted = service + "[Install]\nWantedBy=multi-user.target\n"
	h := newTree(t, map[string]string{
		lib + "plain.service":                                  wanted,
		lib + "static.service":                                 service,
		lib + "emptied.service":                                wanted + "WantedBy=\n",
		lib + "also.service":                                   service + "[Install]\nAlso=plain.service\n",
		lib + "alsowanted.service":                             wanted + "Also=plain.service\n",
		lib + "aliased.service":                                service + "[Install]\nAlias=display.service\n",
		etc + "display.service":                                "-> /usr/lib/systemd/system/aliased.service",
		lib + "unaliased.service":                              service + "[Install]\nAlias=other.service\n",
		lib + "named.service":                                  wanted,
		lib + "name.service":                                   "-> named.service",
		lib + "wantedstatic.service":                           service,
		wants + "wantedstatic.service":                         "-> /usr/lib/systemd/system/wantedstatic.service",
		lib + "required.service":                               wanted,
		etc + "multi-user.target.requires/required.service":    "-> /usr/lib/systemd/system/required.service",
		lib + "runtime.service":                                wanted,
		run + "x.target.wants/runtime.service":                 "-> /usr/lib/systemd/system/runtime.service",
		lib + "byfstab.service":                                service,
		"run/systemd/generator/x.target.wants/byfstab.service": "-> /usr/lib/systemd/system/byfstab.service",
		lib + "vendor.service":                                 wanted,
		lib + "x.target.wants/vendor.service":                  "-> ../vendor.service",
		"opt/linked.service":                                   wanted,
		etc + "linked.service":                                 "-> /opt/linked.service",
		"opt/enabled.service":                                  wanted,
		etc + "enabled.service":                                "-> /opt/enabled.service",
		wants + "enabled.service":                              "-> /opt/enabled.service",
		"opt/linkedonce.service":                               wanted,
		run + "linkedonce.service":                             "-> /opt/linkedonce.service",
		etc + "masked.service":                                 "-> /dev/null",
		etc + "masked2.service":                                "-> ../../../dev/null",
		run + "maskedonce.service":                             "-> /dev/null",
		etc + "empty.service":                                  "",
		run + "emptyonce.service":                              "",
		etc + "gone.service":                                   "-> /nowhere/gone.service",
		wants + "nothing.service":                              "-> /nowhere/nothing.service",
		lib + "nolink.service":                                 wanted,
		wants + "nolink.service":                               wanted,
		lib + "byname.service":                                 wanted,
		wants + "byname.service":                               "-> /usr/lib/systemd/system/plain2.service",
		"run/systemd/generator/made.service":                   wanted,
		"run/systemd/transient/short.service":                  service,
		lib + "overridden.service":                             service,
		etc + "overridden.service":                             wanted,
		lib + "dropin.service":                                 service,
		etc + "dropin.service.d/a.conf":                        "[Install]\nWantedBy=multi-user.target\n",
		lib + "t@.service":                                     wanted,
		wants + "t@one.service":                                "-> /usr/lib/systemd/system/t@.service",
		lib + "v@.service":                                     wanted,
		lib + "x.target.wants/v@one.service":                   "-> ../v@.service",
		lib + "some.target":                                    "[Unit]\nDescription=x\n[Install]\nAlias=default.target\n",
	})
	n := compareStates(t, h.dir, h.host())
	if n < 30 {
		t.Errorf("%d units", n)
	}
}

// compareStates wants the states that systemctl lists, of files and instances.
func compareStates(t *testing.T, root string, h *Host) int {
	t.Helper()
	want := map[string]string{}
	for line := range strings.Lines(output(t, "systemctl", "--root="+root, "list-unit-files", "--no-legend", "--type=service,target")) {
		fields := strings.Fields(line)
		if !strings.Contains(fields[0], "@.") && fields[1] != "alias" {
			want[fields[0]] = fields[1]
		}
	}
	got := map[string]string{}
	all, err := h.unitFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if _, listed := want[s.Name]; !listed && strings.Contains(s.Name, "@") {
			// It exits with an error for what is not enabled.
			out, _ := exec.CommandContext(t.Context(), "systemctl", "--root="+root, "is-enabled", s.Name).Output()
			want[s.Name] = trimmed(out)
		}
		if want[s.Name] == "" && s.State == "" {
			continue // it runs, and has no file
		}
		got[s.Name] = s.State
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-systemctl +we:\n%s", diff)
	}
	return len(got)
}

func trimmed(b []byte) string { return strings.TrimSpace(string(b)) }
