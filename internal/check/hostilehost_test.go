package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hostileHost is Debian 12 after somebody has done what he could to confuse who
// looks at it. Each check finds something.
func hostileHost(t *testing.T) *Host {
	h := copyHost(t, "debian12")
	for name, content := range hostileFiles() {
		replaceWith(h, name, content)
	}
	for _, name := range []string{
		"etc/os-release", "etc/cron.d/pipe", "run/docker.sock", "var/lib/dpkg/status.d", "proc/901/comm", "usr/local/bin/pipe",
	} {
		removeAll(h, name)
		if err := syscall.Mkfifo(filepath.Join(h.dir, name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"etc/login.defs", "usr/lib/systemd/system/large.service"} {
		replaceWith(h, name, "")
		if err := os.Truncate(filepath.Join(h.dir, name), 1<<30); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{
		"usr/local/bin/two\nlines": 0o777, "usr/local/bin/bad\xff": 0o777, "usr/local/bin/bad\xfe": 0o777,
		"opt/set\xff": 0o4755, "opt/set\xfe": 0o4755, "opt/" + strings.Repeat("long", 60): 0o4755, "opt/new\nline": 0o4777,
	} {
		h.write(name, "x\n")
		if err := syscall.Chmod(filepath.Join(h.dir, name), uint32(mode)); err != nil {
			t.Fatal(err)
		}
	}
	host := hostOf(t, "debian12", h)
	host.fs = faultyOwned{host.fs.(ownedFS), faulty{
		open: map[string]error{"etc/shadow": fs.ErrPermission, "proc/1/net/tcp6": fs.ErrPermission},
		read: map[string]error{"etc/ssh/sshd_config.d/10-hardening.conf": syscall.ESTALE},
	}}
	host.Filter = fakeFilter{chains: []Chain{chain("inet", "a\xff", "b", "input", "filter", 1, false)}, err: errors.New("the list changed")}
	host.Audit = fakeAudit{AuditState: AuditState{Enabled: 7, PID: 1 << 31, Rules: -1}}
	return host
}

// faultyOwned does not let some files be opened or read.
type faultyOwned struct {
	ownedFS
	faulty faulty
}

func (f faultyOwned) Open(name string) (fs.File, error) {
	f.faulty.Root = f.Root
	return f.faulty.Open(name)
}

// hostileFiles are paths and contents: "-> target" is a link.
func hostileFiles() map[string]string {
	var jobs strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&jobs, "%d * * * * job%d\n", i%60, i)
	}
	return map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/bash\nroot:x:0:0:again:/root:/bin/bash\nr\xff:x:0:0::/:/bin/sh\nr\xfe:x:0:0::/:/bin/sh\n" +
			strings.Repeat("n", 300) + ":x:7:7::/:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nx:x:-5:99999999999::/:\n:x:8:8:::\n\x00:x:9:9::/:\n+::::::\nbroken\n",
		"etc/group":                                       "root:x:0:\nroot:x:0:\na\xff:x:5:alice,,r\xff,\nshadow:x:42:alice\ndocker:x:998:alice\nbroken:x\n",
		"etc/sudoers":                                     "Defaults use_pty, \x00\nDefaults\nroot ALL=(ALL) ALL\nalice ALL=(\nUser_Alias A = A, B\nUser_Alias B = A\nA ALL = ALL\n@includedir /etc/sudoers.d\n",
		"etc/sudoers.d/loop":                              "-> loop",
		"etc/sudoers.d/itself":                            "@include /etc/sudoers\n",
		"etc/crontab":                                     "* * * * * root a\xff\n* * * * * root a\xff\nnot a line\n@reboot\n" + strings.Repeat("x", 100000) + "\n",
		"var/spool/cron/crontabs/alice":                   jobs.String(),
		"etc/cron.daily/logrotate":                        "-> /../../../../../etc/shadow",
		"etc/hosts.allow":                                 "ALL : ALL\nALL : ALL\n: :\nsshd\nb\xff : \xfe\n" + strings.Repeat("a,", 1000) + " : x\n",
		"etc/environment":                                 "PATH=\xff:/usr/local/bin:/loop:::\n",
		"loop":                                            "-> /loop",
		"proc/1/net/tcp":                                  netHeader + kernelLine("0.0.0.0:22", "0A", 100) + kernelLine("0.0.0.0:22", "0A", 100) + "x: zz:zz 0 0A\n0: 00000000:FFFFFF 00000000:0000 0A 0 0 0 0 0 1\n",
		"proc/1/mountinfo":                                "x\n1 1 8:1 / / rw - ext4\n1 1 8:1 /\\04 /tmp\\777 - - -\n2 1 0:9 / /tmp rw,no\xff - tmpfs x rw\n2 1 0:9 / /tmp rw,nosuid - tmpfs x rw\n",
		"proc/700/fd":                                     "-> /proc",
		"proc/99999999999999999999/comm":                  "none\n",
		"proc/12345/comm":                                 strings.Repeat("long\xff", 100),
		"proc/12345/exe":                                  "-> " + strings.Repeat("/x", 1000),
		"proc/12345/fd/7":                                 "-> socket:[100]",
		"proc/filesystems":                                "-> filesystems",
		"proc/sys/kernel/tainted":                         "many\n",
		"proc/sys/kernel/kptr_restrict":                   "-> /loop",
		"proc/sys/kernel/dmesg_restrict":                  strings.Repeat("1", 5000),
		"proc/sys/net/ipv4/ip_forward":                    "\xff\n",
		"sys/kernel/security/lsm/x":                       "",
		"sys/kernel/security/lockdown":                    "none integrity\n",
		"sys/kernel/security/apparmor/profiles":           "a (enforce)\na (complain)\nb\xff (x\xff)\nnone\n(enforce)\n (\n",
		"sys/module/module/parameters/sig_enforce":        "perhaps",
		"sys/firmware/efi/efivars/SecureBoot" + efiGlobal: "\x01",
		"etc/selinux/config":                              "SELINUX\nSELINUX=\xff\n=\n",
		"etc/systemd/system/default.target":               "-> default.target",
		"etc/systemd/system/multi-user.target.wants/bad\xff.service": "-> /none",
		"etc/systemd/system/multi-user.target.wants/vsftpd.service":  "-> /usr/lib/systemd/system/vsftpd.service",
		"usr/lib/systemd/system/vsftpd.service":                      "-> /proc/version",
		"etc/systemd/system/timers.target.wants/\xff.timer":          "[Timer]\nOnCalendar=\xff\n",
		"etc/systemd/system/\xff.timer":                              "[Timer]\nOnCalendar=\xff\n",
		"sys/fs/cgroup/system.slice/ssh.service/cgroup.events":       "-> cgroup.events",
		"var/lib/dpkg/status":                                        "Package: a\nStatus: install ok installed\nPackage: b\n\n\n\x00\nStatus: install ok installed\n\nPackage: c\xff\nStatus: x y installed\nVersion: " + strings.Repeat("1", 1000) + "\n",
		"home/alice/.ssh/authorized_keys":                            "-> /../../../../../etc/shadow",
		"root/.ssh/authorized_keys":                                  strings.Repeat("#\n", maxKeyFile),
	}
}

func replaceWith(h tree, name, content string) {
	h.Helper()
	removeFile(h, filepath.Dir(name))
	removeAll(h, name)
	h.write(name, content)
}

func removeAll(h tree, name string) {
	h.Helper()
	if err := os.RemoveAll(filepath.Join(h.dir, name)); err != nil {
		h.Fatal(err)
	}
}

// removeFile makes room for a directory where a file is.
func removeFile(h tree, name string) {
	h.Helper()
	if info, err := os.Lstat(filepath.Join(h.dir, name)); err == nil && info.Mode().IsRegular() {
		removeAll(h, name)
	}
}

func TestHostileHost(t *testing.T) {
	host := hostileHost(t)
	for _, c := range All() {
		t.Run(c.ID, func(t *testing.T) {
			o := allocating(t, "hostile", func() Outcome { return one(t, c, host) })
			wellFormed(t, c.ID, o)
			golden(t, "testdata/golden/hostile/"+c.ID+".txt", asRoots(c.ID, host, shown(o))+problems(o))
		})
	}
}

// problems are why the status is not OK, and how much was too much.
func problems(o Outcome) string {
	text := ""
	if o.Err != nil {
		text = o.Err.Error() + "\n"
	}
	if o.Overflow > 0 {
		text += fmt.Sprintf("overflow %d\n", o.Overflow)
	}
	return text
}
