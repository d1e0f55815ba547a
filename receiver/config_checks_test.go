package receiver

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
)

func TestDefaultChecks(t *testing.T) {
	cfg := newDefaultConfig().(*Config)
	assert.True(t, cfg.Checks.Enabled)
	want := check.DefaultOptions()
	want.Severities = map[string]check.Severity{}
	assert.Equal(t, want, cfg.Checks.options())
}

func TestEveryKeyOfChecksIsRead(t *testing.T) {
	cfg := loadConfig(t, "ebpfsecurity/checks")
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, check.Options{
		Interval: 5 * time.Second, SlowInterval: time.Hour, Profile: check.CIS2,
		Disabled:        []string{"crontab", "mac", "sshd.permitrootlogin"},
		Enabled:         []string{"services"},
		Severities:      map[string]check.Severity{"sysctl.net.ipv4.ip_forward": check.Low, "sysctl.vm.overcommit_memory": check.High},
		Sysctl:          map[string]string{"net.ipv4.ip_forward": "1", "vm.overcommit_memory": "0,2", "kernel.ctrl-alt-del": ""},
		CrontabCommands: true,
		Limit:           50,
	}, cfg.Checks.options())
}

func TestAllMistakesInChecksAreReportedAtOnce(t *testing.T) {
	err := confmap.Validate(loadConfig(t, "ebpfsecurity/checks_mistakes"))
	require.Error(t, err)
	assert.Equal(t, strings.Join([]string{
		`checks: disable: "telnet" is no check, category or rule; docs/checks.md lists them`,
		`enable: "ssh.root" is no check, category or rule; docs/checks.md lists them`,
		`severities: "sshd" is no rule; docs/checks.md lists them`,
		`sysctl: "../../etc/shadow" is no name of a kernel parameter such as net.ipv4.ip_forward`,
		`sysctl: "ip_forward" is no name of a kernel parameter such as net.ipv4.ip_forward`,
		`checks::interval: must be from 1s to 24h0m0s, not 10ms`,
		`checks::slow_interval: must be from 1s to 24h0m0s, not 48h0m0s`,
		`checks::profile: must be cis-1, cis-2 or minimal, not "stig"`,
		`checks::severities::sshd.permitrootlogin: must be low, medium, high or critical, not "grave"`,
		`checks::limit: must be from 1 to 100000, not 0`,
	}, "\n"), err.Error())
}
