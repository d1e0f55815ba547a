//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const puppetModule = "../../examples/deploy/puppet/ebpfsecurity"

// TestPuppet applies the module in a copy of this machine: at first only says
// what it would do, then does it, and then finds nothing more to do.
func TestPuppet(t *testing.T) {
	s := newScratch(t)
	s.put(deb(t), "/root/package.deb")
	s.logToFile()
	s.putModule()
	s.run("puppet", "parser", "validate", "/root/modules/ebpfsecurity/manifests")

	const here = "package_source => '/root/package.deb', log_megabytes => 32"
	s.apply(changes, here, "--noop")
	if s.has("/usr/bin/" + service) {
		t.Error("it was installed although only that was to be said")
	}
	s.applyAs("FACTER_kernelversion=4.19.0", nothingToDo, here)
	if s.has("/usr/bin/" + service) {
		t.Error("it was installed on an old kernel")
	}
	s.apply(changes, here)
	s.hasReloaded()
	s.serves()
	s.isConfined()
	s.apply(nothingToDo, here)
	s.rotates()

	config := s.read("/etc/" + service + "/config.yaml")
	s.apply(failures, here+", config => 'receivers: {ebpfsecurity: {probes: maybe}}'")
	if s.read("/etc/"+service+"/config.yaml") != config {
		t.Error("a wrong config replaced the right one")
	}
	s.run("systemctl", "is-active", service)
	s.apply(changes, here+", metrics_address => '127.0.0.1:9302', otlp_endpoint => 'http://127.0.0.1:4318'")
	eventually(t, "metrics at the new address", func() bool {
		_, err := s.try("curl", "-sf", "http://127.0.0.1:9302/metrics")
		return err == nil
	})
	s.apply(changes, "ensure => absent")
	if s.has("/usr/bin/"+service) || !s.has("/var/log/"+service+"/events.json") {
		t.Error("it is there, or its events are not")
	}
}

// What puppet apply --detailed-exitcodes says.
const (
	nothingToDo = 0
	changes     = 2
	failures    = 4
)

// apply gives the class parameters, and wants an exit code.
func (s *scratch) apply(want int, parameters string, flags ...string) {
	s.Helper()
	s.applyAs("E2E=1", want, parameters, flags...)
}

func (s *scratch) applyAs(env string, want int, parameters string, flags ...string) {
	s.Helper()
	args := append([]string{"env", env, "puppet", "apply", "--modulepath=/root/modules", "--detailed-exitcodes", "--color=false"}, flags...)
	said, err := s.try(append(args, "--execute", "class { 'ebpfsecurity': "+parameters+" }")...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	for _, line := range strings.Split(said, "\n") {
		if strings.Contains(line, "Notice: ") {
			s.Log(line)
		}
	}
	// --noop says that it would change something in its text alone.
	if len(flags) > 0 && strings.Contains(said, "(noop)") {
		code = changes
	}
	if code&want != want || want == nothingToDo && code != 0 || want != failures && code&failures != 0 {
		s.Fatalf("%s %s: exit code %d instead of %d\n%s", env, parameters, code, want, said)
	}
}

// putModule copies the module.
func (s *scratch) putModule() {
	s.Helper()
	fatal(s, filepath.WalkDir(puppetModule, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			s.put(path, filepath.Join("/root/modules/ebpfsecurity", strings.TrimPrefix(path, puppetModule)))
		}
		return err
	}))
}

// hasReloaded waits until the service, which the package starts, has the module's
// config: between the two it sees nothing.
func (s *scratch) hasReloaded() {
	s.Helper()
	eventually(s.T, "the service to reload", func() bool {
		log := s.read("/run/log")
		at := strings.LastIndex(log, "Config updated")
		return at >= 0 && strings.Contains(log[at:], "Everything is ready")
	})
}

// rotates: when the file of events is full another is begun, and no record is missing.
func (s *scratch) rotates() {
	s.Helper()
	// Arguments of so many bytes, which a record has twice; and no more at a time than the kernel's buffer has room for.
	const turns, each, size = 14, 50, 30_000
	const runs = turns * each
	dir, err := os.MkdirTemp(s.root+"/srv", "e2e-")
	fatal(s, err)
	program := filepath.Join("/srv", filepath.Base(dir), "runs")
	s.put(s.program(), program)
	fatal(s, os.Chmod(s.root+program, 0o755))
	s.run("sh", "-c", fmt.Sprintf("long=$(printf %%0%dd 0); for i in $(seq %d); do for n in $(seq %d); do %s $long; done; sleep 1; done",
		size, turns, each, program))
	var files []string
	var got uint64
	defer func() { s.Logf("%d runs, %d records in %d files", runs, got, len(files)) }()
	eventually(s.T, fmt.Sprintf("%d records of executions in more than one file", runs), func() bool {
		files, err = filepath.Glob(s.root + "/var/log/" + service + "/*.json")
		fatal(s, err)
		got = 0
		for _, file := range files {
			a := s.records(strings.TrimPrefix(file, s.root))
			got += a.executions(program)
		}
		return len(files) > 1 && got >= runs
	})
	if got != runs {
		s.Errorf("%d records of %d runs", got, runs)
	}
}
