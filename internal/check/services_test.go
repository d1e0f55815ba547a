package check

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type fakeSystemd struct {
	all []Service
	err error
}

func (f fakeSystemd) Services(context.Context) ([]Service, error) { return f.all, f.err }

// points are the points of an outcome, without its rules.
func pointsOf(o Outcome) string {
	o.Results = nil
	return shown(o)
}

const install = "[Service]\nExecStart=/bin/x\n[Install]\nWantedBy=multi-user.target\n"

// unitTree is a host whose systemd cannot be asked.
func unitTree(t testing.TB) tree {
	const lib, etc, cgroup = "usr/lib/systemd/system/", "etc/systemd/system/", "sys/fs/cgroup/system.slice/"
	return newTree(t, map[string]string{
		lib + "ssh.service":                                            install,
		lib + "rsync.service":                                          install,
		lib + "static.service":                                         "[Service]\nExecStart=/bin/x\n# [Install]\n",
		lib + "masked.service":                                         install,
		lib + "replaced.service":                                       install,
		lib + "getty@.service":                                         install,
		lib + "multi-user.target":                                      "[Unit]\n",
		lib + "sound.socket":                                           "[Socket]\n",
		lib + "multi-user.target.wants/static.service":                 "-> ../static.service",
		etc + "masked.service":                                         "-> /dev/null",
		etc + "replaced.service":                                       "",
		etc + "sshd.service":                                           "-> /usr/lib/systemd/system/ssh.service",
		etc + "multi-user.target.wants/ssh.service":                    "-> /usr/lib/systemd/system/ssh.service",
		etc + "multi-user.target.wants/gone.service":                   "-> /usr/lib/systemd/system/gone.service",
		etc + "getty.target.wants/getty@tty1.service":                  "-> /usr/lib/systemd/system/getty@.service",
		"run/systemd/generator.late/old.service":                       "[Service]\n",
		"run/systemd/transient/run-1.service":                          "[Service]\n",
		cgroup + "ssh.service/cgroup.events":                           "populated 1\nfrozen 0\n",
		cgroup + "rsync.service/cgroup.events":                         "populated 0\nfrozen 0\n",
		cgroup + "old.service/cgroup.procs":                            "42\n",
		cgroup + "system-getty.slice/getty@tty1.service/cgroup.events": "populated 1\n",
	})
}

func TestServicesOfFiles(t *testing.T) {
	equal(t, "services", cmp.Diff(strings.ReplaceAll(`services_info{service_name="getty@tty1",is_running="true",service_type="systemd",is_enabled="true"} 1
services_info{service_name="masked",is_running="false",service_type="systemd",is_enabled="false"} 1
services_info{service_name="old",is_running="true",service_type="systemd",is_enabled="false"} 1
services_info{service_name="replaced",is_running="false",service_type="systemd",is_enabled="false"} 1
services_info{service_name="rsync",is_running="false",service_type="systemd",is_enabled="false"} 1
services_info{service_name="run-1",is_running="false",service_type="systemd",is_enabled="false"} 1
services_info{service_name="ssh",is_running="true",service_type="systemd",is_enabled="true"} 1
services_info{service_name="static",is_running="false",service_type="systemd",is_enabled="false"} 1
status ok
`, "\t", ""), pointsOf(one(t, servicesInfo(), unitTree(t).host()))), "")
	states := map[string]string{}
	for _, s := range unitTree(t).host().services().all {
		states[s.Name] = s.State
	}
	want := map[string]string{
		"ssh.service": "enabled", "rsync.service": "disabled", "static.service": "static", "masked.service": "masked",
		"replaced.service": "masked", "old.service": "generated", "run-1.service": "transient",
		"getty@tty1.service": "enabled", "multi-user.target": "static",
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Error(diff)
	}
}

func TestServicesWithoutControlGroups(t *testing.T) {
	h := unitTree(t)
	if err := os.RemoveAll(h.dir + "/sys"); err != nil {
		t.Fatal(err)
	}
	equal(t, "ssh", value(t, one(t, servicesInfo(), h.host()), metricServices, "service_name", "ssh", "is_running", "unknown", "is_enabled", "true"), 1)
}

func TestServicesOfSystemd(t *testing.T) {
	h := unitTree(t)
	h.write("run/systemd/system/", "")
	host := h.host()
	host.Systemd = fakeSystemd{all: []Service{
		{Name: "cups.service", Active: true, Running: true, State: "disabled"},
		{Name: "multi-user.target", Active: true},
		{Name: "ypserv.service", State: "enabled"},
		{Name: "once.service", Active: true, State: "enabled-runtime"},
	}}
	o := one(t, servicesInfo(), host)
	equal(t, "services", pointsOf(o), `services_info{service_name="cups",is_running="true",service_type="systemd",is_enabled="false"} 1
services_info{service_name="ypserv",is_running="false",service_type="systemd",is_enabled="true"} 1
services_info{service_name="once",is_running="false",service_type="systemd",is_enabled="true"} 1
status ok
`)
	got := verdicts(o)
	equal(t, "printing", got["service.print"], false)
	equal(t, "NIS", got["service.nis"], false)
	equal(t, "FTP", got["service.ftp"], true)
	equal(t, "rules", len(got), len(unwantedServices()))
}

// Where systemd does not answer, or is not there, the files do.
func TestServicesOfSystemdThatFails(t *testing.T) {
	for _, err := range []error{errors.New("refused"), fs.ErrNotExist} {
		h := unitTree(t)
		h.write("run/systemd/system/", "")
		host := h.host()
		host.Systemd = fakeSystemd{err: err}
		equal(t, "points", len(one(t, servicesInfo(), host).Points), 8)
	}
	for _, err := range []error{context.DeadlineExceeded, os.ErrDeadlineExceeded} {
		h := unitTree(t)
		h.write("run/systemd/system/", "")
		host := h.host()
		host.Systemd = fakeSystemd{err: err}
		o := one(t, servicesInfo(), host)
		equal(t, "points without a timely answer", len(o.Points), 8)
		equal(t, "status", o.Status, Timeout)
	}
	host := unitTree(t).host() // not booted by systemd
	host.Systemd = fakeSystemd{all: []Service{{Name: "x.service"}}}
	equal(t, "points", len(one(t, servicesInfo(), host).Points), 8)
}

func TestServicesOfOpenRC(t *testing.T) {
	h := newTree(t, map[string]string{
		"etc/init.d/sshd": "#!/sbin/openrc-run\n", "etc/init.d/ntpd": "", "etc/init.d/local": "",
		"etc/runlevels/default/sshd": "-> /etc/init.d/sshd", "etc/runlevels/boot/none": "-> /etc/init.d/none",
		"run/openrc/started/sshd": "-> /etc/init.d/sshd", "run/openrc/started/local": "-> /etc/init.d/local",
		"run/openrc/softlevel": "default\n",
	})
	equal(t, "services", pointsOf(one(t, servicesInfo(), h.host())), `services_info{service_name="local",is_running="true",service_type="openrc",is_enabled="false"} 1
services_info{service_name="ntpd",is_running="false",service_type="openrc",is_enabled="false"} 1
services_info{service_name="sshd",is_running="true",service_type="openrc",is_enabled="true"} 1
status ok
`)
	expect(t, one(t, systemTarget(), h.host()), `
		system_target_info{current_target="default",target_type="runlevel"} 1
		status ok`)
}

func TestServicesOfNone(t *testing.T) {
	expect(t, one(t, servicesInfo(), newTree(t, nil).host()), "status ok")
	expect(t, one(t, systemTarget(), newTree(t, nil).host()), "status ok")
}

func TestTarget(t *testing.T) {
	const lib = "usr/lib/systemd/system/"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"of the distribution", map[string]string{lib + "default.target": "-> graphical.target", lib + "graphical.target": ""}, "graphical.target fail"},
		{"of the administrator", map[string]string{lib + "default.target": "-> graphical.target", "etc/systemd/system/default.target": "-> /lib/systemd/system/multi-user.target"}, "multi-user.target pass"},
		{"through another link", map[string]string{"etc/systemd/system/default.target": "-> /usr/lib/systemd/system/default.target", lib + "default.target": "-> graphical.target", lib + "graphical.target": ""}, "graphical.target fail"},
		{"no link", map[string]string{"etc/systemd/system/default.target": "[Unit]\n"}, "default.target pass"},
		{"a loop", map[string]string{"etc/systemd/system/default.target": "-> default.target"}, "unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := one(t, systemTarget(), newTree(t, test.files).host())
			got := o.Status.String()
			if o.Status == OK {
				verdict := Fail
				if o.Results[0].Pass {
					verdict = Pass
				}
				got = o.Points[0].Label("current_target") + " " + string(verdict)
			}
			equal(t, "target", got, test.want)
		})
	}
}

func TestTargetThatIsActive(t *testing.T) {
	h := newTree(t, map[string]string{"run/systemd/system/": "", "usr/lib/systemd/system/default.target": "-> graphical.target"}).host()
	h.Systemd = fakeSystemd{all: []Service{{Name: "graphical.target"}, {Name: "multi-user.target", Active: true}, {Name: "rescue.target", Active: true}}}
	expect(t, one(t, systemTarget(), h), `
		system_target_info{current_target="graphical.target",target_type="default"} 1
		system_target_info{current_target="multi-user.target",target_type="active"} 1
		system_target.not_graphical fail (graphical.target)
		status ok`)
}

func FuzzInstallSection(f *testing.F) {
	f.Add([]byte(install))
	f.Fuzz(func(_ *testing.T, b []byte) {
		u := unit{}
		u.add(b)
		u.installable()
	})
}
