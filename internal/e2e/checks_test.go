//go:build e2e

package e2e

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
)

// A checked is a distribution that looks at a host below a directory, and has no rights at all.
type checked struct {
	*testing.T
	*collector
	dir string
}

func newChecked(t *testing.T, files map[string]string) *checked {
	t.Helper()
	c := &checked{T: t, dir: t.TempDir()}
	for up := c.dir; up != os.TempDir() && up != "/"; up = filepath.Dir(up) { // so that nobody may read it
		fatal(t, os.Chmod(up, 0o755))
	}
	for name, text := range files {
		c.write(name, text)
	}
	fatal(t, os.Chmod(filepath.Join(c.dir, "host/etc/shadow"), 0))
	fatal(t, os.Mkdir(filepath.Join(c.dir, "out"), 0o755))
	fatal(t, os.Chown(filepath.Join(c.dir, "out"), nobody, nobody))
	metrics := freeAddress(t)
	cmd := command("--config", "internal/e2e/testdata/checks.yaml")
	cmd.Env = append(os.Environ(), "E2E_DIR="+c.dir, "E2E_METRICS="+metrics)
	publish(t, cmd, c.dir, "testdata/checks.yaml")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	c.collector = startCommand(t, cmd, "http://"+metrics+"/metrics")
	return c
}

func (c *checked) write(name, text string) {
	c.Helper()
	path := filepath.Join(c.dir, "host", name)
	fatal(c, os.MkdirAll(filepath.Dir(path), 0o755))
	fatal(c, os.WriteFile(path, []byte(text), 0o644))
}

// shows waits for a series to have a value.
func (c *checked) shows(series string, want float64) {
	c.Helper()
	eventually(c.T, series, func() bool {
		page, err := c.scrape()
		got, ok := value(page, series)
		return err == nil && ok && got == want
	})
}

// changes are the records of changes that arrived.
func (c *checked) changes() (list []plog.LogRecord) {
	c.Helper()
	f, err := os.Open(filepath.Join(c.dir, "out", "records.json"))
	fatal(c, err)
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(lines.Bytes())
		if err != nil {
			continue // the last line is not whole yet
		}
		for _, rl := range logs.ResourceLogs().All() {
			for _, r := range rl.ScopeLogs().At(0).LogRecords().All() {
				if r.EventName() == "ebpfsecurity.config.changed" {
					list = append(list, r)
				}
			}
		}
	}
	return list
}

// TestAChangeOfTheConfigurationIsARecord: with old and new value, within an
// interval; and all without a right and without a program in the kernel.
func TestAChangeOfTheConfigurationIsARecord(t *testing.T) {
	c := newChecked(t, map[string]string{
		"etc/os-release":      "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
		"etc/passwd":          "root:x:0:0:root:/root:/bin/bash\n",
		"etc/group":           "root:x:0:\n",
		"etc/shadow":          "root:*:19000:0:99999:7:::\n",
		"etc/ssh/sshd_config": "PermitRootLogin no\n",
	})
	rule := `linux_security_check_result{check="sshd.permitrootlogin",severity="high"}`
	c.shows(rule, 1)
	c.shows(`linux_security_check_status{check="shadow",status="unreadable"}`, 1)
	c.shows(`linux_security_check_status{check="sshd",status="ok"}`, 1)
	c.shows(`linux_security_sshd_config_info{info_key="permitrootlogin",info_value="no"}`, 1)
	if n := len(c.changes()); n != 0 {
		t.Errorf("%d records of changes before there was one", n)
	}

	c.write("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\n")
	c.write("etc/ssh/sshd_config.d/10-root.conf", "permitrootlogin = YES\n")
	c.shows(rule, 0)
	eventually(t, "a record", func() bool { return len(c.changes()) > 0 })
	for _, r := range c.changes() {
		t.Logf("%s %s %v", r.Timestamp().AsTime().Format("15:04:05.000"), r.Body().Str(), r.Attributes().AsRaw())
	}
	changes := c.changes()
	if len(changes) != 1 {
		t.Fatalf("%d records of one change", len(changes))
	}
	for key, want := range map[string]string{
		"ebpfsecurity.config.check": "sshd", "ebpfsecurity.config.item": "sshd.permitrootlogin", "ebpfsecurity.config.change": "changed",
		"ebpfsecurity.config.old.value": "no", "ebpfsecurity.config.new.value": "yes",
		"ebpfsecurity.config.old.result": "pass", "ebpfsecurity.config.new.result": "fail", "ebpfsecurity.config.severity": "high",
	} {
		if got, _ := changes[0].Attributes().Get(key); got.Str() != want {
			t.Errorf("%s is %q instead of %q", key, got.Str(), want)
		}
	}
	c.shows(`security_ebpf_events_total{class="config",outcome="observed"}`, 1)
	c.shows(`security_ebpf_events_total{class="config",outcome="reported"}`, 1)
	c.stop(t)
	if !strings.Contains(c.output.String(), "A check does not see all") {
		t.Error("the log does not say that shadow could not be read")
	}
}
