//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An alert is one that Prometheus shows.
type alert struct {
	Labels, Annotations map[string]string
	State               string
}

// startAlerting runs a Prometheus with the rules of examples/alerts.
func startAlerting(t *testing.T, metrics string) (address string) {
	t.Helper()
	directory, err := filepath.Abs(alertsDir)
	fatal(t, err)
	target := strings.TrimSuffix(strings.TrimPrefix(metrics, "http://"), "/metrics")
	return startPrometheus(t, fmt.Sprintf(scraping+"rule_files: [%q]\n", target, filepath.Join(directory, "*.rules.yaml")))
}

// firing are the alerts of a name.
func firing(t *testing.T, address, name string) (some []alert) {
	t.Helper()
	var answer struct{ Alerts []alert }
	fatal(t, ask(address, "alerts", &answer))
	for _, a := range answer.Alerts {
		if a.Labels["alertname"] == name && a.State == "firing" {
			some = append(some, a)
		}
	}
	return some
}

// evaluated waits until all rules were, after now, and wants none to fail on
// what the collector really shows.
func evaluated(t *testing.T, address string) {
	t.Helper()
	now, n := time.Now(), 0
	eventually(t, "the rules to be evaluated", func() bool {
		var answer struct {
			Groups []struct {
				Rules []struct {
					Name, Health, LastError string
					LastEvaluation          time.Time
				}
			}
		}
		if ask(address, "rules", &answer) != nil {
			return false
		}
		n = 0
		for _, g := range answer.Groups {
			for _, r := range g.Rules {
				if r.Health == "err" {
					t.Fatalf("%s: %s", r.Name, r.LastError)
				}
				if r.Health != "ok" || r.LastEvaluation.Before(now) {
					return false
				}
				n++
			}
		}
		return n > 0
	})
	t.Logf("%d rules were evaluated", n)
}

// fires waits for an alert that was not firing before.
func fires(t *testing.T, address, name string) alert {
	t.Helper()
	eventually(t, name, func() bool { return len(firing(t, address, name)) > 0 })
	all := firing(t, address, name)
	for _, a := range all {
		t.Logf("%s %s: %s", a.State, a.Labels, a.Annotations["summary"])
	}
	return all[0]
}

func TestASuspiciousProgramRaisesTheAlert(t *testing.T) {
	r := newRig(t)
	address := startAlerting(t, r.metrics)
	eventually(t, "no suspicious program", func() bool {
		return holds(address, `security_ebpf_process_exec_total{type="suspicious"} == 0`)
	})
	evaluated(t, address)
	if early := firing(t, address, "SuspiciousProcess"); len(early) > 0 {
		t.Fatalf("it fires before anything was run: %v", early)
	}
	if err := exec.Command(r.dropped).Run(); err != nil {
		t.Fatal(err)
	}
	a := fires(t, address, "SuspiciousProcess")
	if a.Labels["severity"] != "warning" || !strings.Contains(a.Annotations["summary"], a.Labels["instance"]) {
		t.Errorf("%v", a)
	}
	r.stop(t)
}

func TestAChangeOfTheConfigurationRaisesTheAlert(t *testing.T) {
	c := newChecked(t, map[string]string{
		"etc/passwd":          "root:x:0:0:root:/root:/bin/bash\n",
		"etc/group":           "root:x:0:\n",
		"etc/shadow":          "root:*:19000:0:99999:7:::\n",
		"etc/ssh/sshd_config": "PermitRootLogin no\n",
	})
	address := startAlerting(t, c.metrics)
	for _, query := range []string{
		`linux_security_sshd_config_info{info_key="permitrootlogin", info_value="no"} == 1`,
		`host:linux_security_check_result:score > 0 < 100`,
	} {
		eventually(t, query, func() bool { return holds(address, query) })
	}
	evaluated(t, address)
	if early := firing(t, address, "RootSSHLoginEnabled"); len(early) > 0 {
		t.Fatalf("it fires while root may not log in: %v", early)
	}
	c.write("etc/ssh/sshd_config", "PermitRootLogin yes\n")
	fires(t, address, "RootSSHLoginEnabled")
	c.write("etc/ssh/sshd_config", "PermitRootLogin no\n")
	eventually(t, "the end of RootSSHLoginEnabled", func() bool { return len(firing(t, address, "RootSSHLoginEnabled")) == 0 })
	c.stop(t)
}
