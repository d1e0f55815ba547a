//go:build e2e

package e2e

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
)

const service = "otelcol-ebpfsecurity"

// rights are all that the sensor has, wherever it runs, by their numbers (capabilities(7)).
var rights = map[string]int{
	"CAP_DAC_READ_SEARCH": 2, "CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_PERFMON": 38, "CAP_BPF": 39,
}

// TestPackage is installed, serves, is reloaded, kept, removed and purged, by
// dpkg and systemd as they are on this machine.
func TestPackage(t *testing.T) {
	s := newScratch(t)
	s.install()
	s.Logf("systemd-analyze security: %s", lastLine(s.run("systemd-analyze", "security", "--offline=true", service+".service")))
	s.Log(s.run("systemd-analyze", "verify", service+".service"), s.run("dpkg", "--verify", service))
	page := s.serves()
	s.isConfined()
	s.writesNothingElse()
	s.seesAsRootDoes(page)
	s.reports()
	s.reloads()
	s.keepsWhatIsOurs()
}

// install installs the Debian package.
func (s *scratch) install() {
	s.Helper()
	s.put(deb(s.T), "/root/package.deb")
	s.logToFile()
	s.run("dpkg", "--install", "/root/package.deb")
	s.Log("users: " + lastLine(s.read("/etc/passwd")))
}

// logToFile: there is no journal.
func (s *scratch) logToFile() {
	s.write("/etc/systemd/system/"+service+".service.d/log.conf", "[Service]\nStandardOutput=append:/run/log\nStandardError=append:/run/log\n")
	s.Cleanup(func() {
		if s.Failed() && s.has("/run/log") {
			s.Logf("the service said:\n%s", s.read("/run/log"))
		}
	})
}

// deb is the package for this machine's architecture.
func deb(t *testing.T) string {
	t.Helper()
	path := os.Getenv("DEB")
	if path == "" {
		t.Fatal("DEB names no package: make test-e2e does")
	}
	return path
}

// serves waits for the service's metrics.
func (s *scratch) serves() (page string) {
	s.Helper()
	eventually(s.T, "metrics of the service", func() bool {
		page, _ = s.try("curl", "-sf", "http://127.0.0.1:9102/metrics")
		return strings.Contains(page, "security_ebpf_up")
	})
	return page
}

// pid is that of the service, as the copy numbers it.
func (s *scratch) pid() string {
	return strings.TrimSpace(s.run("systemctl", "show", "--value", "--property=MainPID", service))
}

// isConfined: the service is no user with rights, and the kernel knows what it may call.
func (s *scratch) isConfined() {
	s.Helper()
	status := s.read("/proc/" + s.pid() + "/status")
	hasOnlyItsRights(s.T, status)
	for _, line := range linesOf(status, "Uid:", "Gid:", "Groups:", "Seccomp:") {
		s.Log(line)
		ids := strings.Fields(line)
		if key := ids[0]; key != "Seccomp:" && slices.Contains(ids, "0") || key == "Seccomp:" && ids[1] != "2" {
			s.Errorf("it is not confined: %s", line)
		}
	}
}

// hasOnlyItsRights looks at what the kernel says of a process in /proc/PID/status.
func hasOnlyItsRights(t *testing.T, status string) {
	t.Helper()
	var want uint64
	for _, bit := range rights {
		want |= 1 << bit
	}
	seen := 0
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch key {
		case "CapPrm", "CapEff", "CapBnd":
			if got, err := strconv.ParseUint(value, 16, 64); got != want || err != nil {
				t.Errorf("%s: %s instead of %016x", key, value, want)
			}
		case "NoNewPrivs":
			if value != "1" {
				t.Error("it may gain rights")
			}
		default:
			continue
		}
		t.Logf("%s: %s", key, value)
		seen++
	}
	if seen != 4 {
		t.Errorf("%d of 4 lines found in\n%s", seen, status)
	}
}

// writesNothingElse: not even root could, from where the service is.
func (s *scratch) writesNothingElse() {
	s.Helper()
	for _, dir := range []string{"/", "/etc", "/usr/bin", "/tmp", "/var/tmp", "/root", "/sys/fs/cgroup"} {
		said, err := s.try("nsenter", "--target", s.pid(), "--mount", "touch", dir+"/e2e", "/proc/sys/kernel/printk")
		if err == nil || strings.Count(said, "Read-only file system") != 2 {
			s.Errorf("%s may be written: %v %s", dir, err, said)
		}
	}
	s.run("nsenter", "--target", s.pid(), "--mount", "touch", "/var/log/"+service+"/e2e", "/var/lib/"+service+"/e2e")
}

// seesAsRootDoes compares the hooks with those that the same binary serves as
// root. (In a pid namespace of its own, neither sees what ran before.)
func (s *scratch) seesAsRootDoes(page string) {
	s.Helper()
	s.run("systemd-run", "--unit=root", "/usr/bin/"+service, "--config", "/etc/"+service+"/config.yaml",
		"--config", "yaml:exporters::prometheus::endpoint: 127.0.0.1:9202", "--config", "yaml:exporters::file::path: /run/root.json",
		"--config", "yaml:service::telemetry::metrics::level: none")
	var roots string
	eventually(s.T, "metrics as root", func() bool {
		roots, _ = s.try("curl", "-sf", "http://127.0.0.1:9202/metrics")
		return strings.Contains(roots, "security_ebpf_up")
	})
	s.run("systemctl", "stop", "root")
	got, want := hooksOf(page), hooksOf(roots)
	s.Logf("hooks:\n%s", got)
	if got != want {
		s.Errorf("root has these hooks:\n%s", want)
	}
}

// hooksOf are the lines about the hooks on a page of metrics.
func hooksOf(page string) string {
	var hooks strings.Builder
	for _, line := range linesOf(page, "security_ebpf_hook_attached{") {
		series, _, _ := strings.Cut(line, "} ") // and when
		hooks.WriteString(series + "}\n")
	}
	return hooks.String()
}

// reports: each run of a program is in the file of events, once.
func (s *scratch) reports() {
	s.Helper()
	const runs = 50
	dir, err := os.MkdirTemp(s.root+"/srv", "e2e-")
	fatal(s, err)
	program := filepath.Join("/srv", filepath.Base(dir), "runs")
	s.put(s.program(), program)
	fatal(s, os.Chmod(s.root+program, 0o755))
	s.run("sh", "-c", fmt.Sprintf("for n in $(seq %d); do %s; done", runs, program))
	file := "/var/log/" + service + "/events.json"
	var got uint64
	eventually(s.T, fmt.Sprintf("%d records of executions", runs), func() bool {
		a := s.records(file)
		got = a.executions(program)
		return got >= runs
	})
	s.Logf("%d runs, %d records in %s", runs, got, file)
	if got != runs {
		s.Errorf("%d records of %d runs", got, runs)
	}
}

// program is an executable on this machine.
func (s *scratch) program() string {
	path := filepath.Join(s.TempDir(), "runs")
	fatal(s, os.WriteFile(path, program(), 0o755))
	return path
}

// records reads what the file exporter wrote, but for a last line that is not whole.
func (s *scratch) records(file string) arrivals {
	a := newArrivals()
	content, err := os.ReadFile(s.root + file)
	if err != nil {
		return a
	}
	for line := range strings.Lines(string(content)) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs([]byte(line))
		fatal(s, err)
		a.take(logs)
	}
	return a
}

// reloads: what is wrong in the config shows at once, and harms nothing.
func (s *scratch) reloads() {
	s.Helper()
	config := "/etc/" + service + "/config.yaml"
	good, before := s.read(config), s.pid()
	s.write(config, good+"\nreceivers: {ebpfsecurity: {probes: maybe}}\n")
	said, err := s.try("systemctl", "reload", service)
	if err == nil {
		s.Error("a config that is wrong was loaded")
	}
	s.Logf("a wrong config: %s", said)
	s.write(config, strings.Replace(good, "127.0.0.1:9102", "127.0.0.1:9302", 1))
	s.run("systemctl", "reload", service)
	eventually(s.T, "metrics at the new address", func() bool {
		_, err := s.try("curl", "-sf", "http://127.0.0.1:9302/metrics")
		return err == nil
	})
	if after := s.pid(); after != before {
		s.Errorf("process %s became %s", before, after)
	}
}

// keepsWhatIsOurs: an upgrade keeps the config that was changed, removal keeps
// config and events, and nothing is left of both after a purge.
func (s *scratch) keepsWhatIsOurs() {
	s.Helper()
	config, events := "/etc/"+service+"/config.yaml", "/var/log/"+service+"/events.json"
	s.run("dpkg", "--install", "/root/package.deb")
	if !strings.Contains(s.read(config), "9302") {
		s.Error("the config that was changed is gone")
	}
	s.run("dpkg", "--remove", service)
	if said, err := s.try("systemctl", "is-active", service); err == nil {
		s.Errorf("removed, and %s", said)
	}
	if !s.has(config) || !s.has(events) {
		s.Error("removal takes config or events with it")
	}
	s.run("dpkg", "--purge", service)
	for _, path := range []string{"/etc/" + service, "/var/lib/" + service, "/var/log/" + service, "/usr/bin/" + service} {
		if s.has(path) {
			s.Errorf("%s is there after a purge", path)
		}
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// TestPackagesAreClean: Debian's linter finds nothing, and what is for another
// architecture differs in nothing else.
func TestPackagesAreClean(t *testing.T) {
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	said, err := exec.Command("lintian", "--allow-root", "--fail-on", "error,warning,info", deb(t)).CombinedOutput()
	t.Logf("lintian: %v %s", err, said)
	if err != nil {
		t.Error("lintian is not content")
	}
	dir := t.TempDir()
	fatal(t, exec.Command("dpkg-deb", "--extract", deb(t), dir).Run())
	arch, err := exec.Command("dpkg-deb", "--field", deb(t), "Architecture").Output()
	fatal(t, err)
	binary, err := elf.Open(filepath.Join(dir, "usr/bin", service))
	fatal(t, err)
	defer func() { _ = binary.Close() }()
	if want := machines[strings.TrimSpace(string(arch))]; binary.Machine != want {
		t.Errorf("a binary for %v in a package for %s", binary.Machine, arch)
	}
	if libraries, _ := binary.ImportedLibraries(); libraries != nil {
		t.Errorf("it needs %v", libraries)
	}
}
