//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.opentelemetry.io/collector/confmap"
)

// A composeService is what compose.yaml says of a service, and no more: what is
// not here is a mistake.
type composeService struct {
	Image       string            `mapstructure:"image"`
	Build       map[string]string `mapstructure:"build"`
	Restart     string            `mapstructure:"restart"`
	Environment map[string]any    `mapstructure:"environment"`
	PID         string            `mapstructure:"pid"`
	Network     string            `mapstructure:"network_mode"`
	Cgroup      string            `mapstructure:"cgroup"`
	Volumes     []string          `mapstructure:"volumes"`
	CapDrop     []string          `mapstructure:"cap_drop"`
	CapAdd      []string          `mapstructure:"cap_add"`
	ReadOnly    bool              `mapstructure:"read_only"`
	SecurityOpt []string          `mapstructure:"security_opt"`
	MemLimit    string            `mapstructure:"mem_limit"`
	PidsLimit   int               `mapstructure:"pids_limit"`
}

var variables = regexp.MustCompile(`\$\{(\w+):-([^}]*)\}`)

// readCompose reads compose.yaml, with variables as in the environment of who runs it.
func readCompose(t *testing.T, env map[string]string) composeService {
	t.Helper()
	text, err := os.ReadFile("../../examples/deploy/container/compose.yaml")
	fatal(t, err)
	filled := variables.ReplaceAllStringFunc(string(text), func(v string) string {
		parts := variables.FindStringSubmatch(v)
		if value, ok := env[parts[1]]; ok {
			return value
		}
		return parts[2]
	})
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(filled))
	fatal(t, err)
	conf, err := retrieved.AsConf()
	fatal(t, err)
	var file struct {
		Services map[string]composeService `mapstructure:"services"`
	}
	fatal(t, conf.Unmarshal(&file))
	return file.Services[service]
}

// container is what Docker makes of it.
func (s composeService) container(t *testing.T, i image) container {
	t.Helper()
	c := container{
		image: i, readOnly: s.ReadOnly, noNewRights: slices.Contains(s.SecurityOpt, "no-new-privileges:true"),
		hostPID: s.PID == "host", hostNetwork: s.Network == "host", hostCgroup: s.Cgroup == "host",
	}
	for name, value := range s.Environment {
		c.env = append(c.env, fmt.Sprintf("%s=%v", name, value))
	}
	for _, right := range s.CapAdd {
		c.rights = append(c.rights, "CAP_"+right)
	}
	if !slices.Equal(s.CapDrop, []string{"ALL"}) {
		t.Errorf("cap_drop: %v", s.CapDrop)
	}
	for _, v := range s.Volumes {
		parts := strings.Split(v, ":")
		c.binds = append(c.binds, bind{From: parts[0], To: parts[1], Writable: !strings.Contains(v, ":ro")})
	}
	return c
}

// TestContainer builds the image and runs it as compose.yaml says.
func TestContainer(t *testing.T) {
	i := buildImage(t, os.Getenv("BIN"))
	t.Logf("the image: %v, runs %v as %s", i.files(t), i.args, i.user)
	if want := []string{"/etc/otelcol-ebpfsecurity/config.yaml", "/etc/ssl/certs/ca-certificates.crt", "/" + service}; !slices.Equal(i.files(t), want) {
		t.Errorf("it is more or less than %v", want)
	}
	r := newLoads(t)
	r.consumer = newSink(t)
	own := freeAddress(t)
	_, port, err := net.SplitHostPort(own)
	fatal(t, err)
	r.own = "http://" + own + "/metrics"
	compose := readCompose(t, map[string]string{
		"OTLP_ENDPOINT": r.consumer.URL, "METRICS_ADDRESS": freeAddress(t), "OWN_METRICS_PORT": port, "STATE": t.TempDir(),
	})
	c := compose.container(t, i)
	r.watchContained(c, fmt.Sprintf("http://%v/metrics", compose.Environment["METRICS_ADDRESS"]), func() {})
}

// watchContained has a container see what loads do, as root on the host would.
// quick is where its own config shows metrics; more is tried while it runs.
func (r *rig) watchContained(c container, quick string, more func()) {
	r.Helper()
	want := r.hooksOfRoot()
	metrics := freeAddress(r.T)
	overlay := filepath.Join(r.dir, "overlay.yaml")
	copyFile(r.T, "testdata/watch.yaml", overlay)
	c.binds = append(c.binds, bind{From: overlay, To: "/etc/otelcol-ebpfsecurity/overlay.yaml"})
	c.env = append(c.env, "E2E_DIR="+r.dir, "E2E_METRICS="+metrics)
	cmd, dir := c.command(r.T, "--config", "/etc/otelcol-ebpfsecurity/overlay.yaml")
	r.collector = startCommand(r.T, cmd, "http://"+metrics+"/metrics")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", containerPID(dir)))
	fatal(r, err)
	hasOnlyItsRights(r.T, string(status))
	if got := hooksOf(r.page()); got != want {
		r.Errorf("in the container there are these hooks:\n%s\nand outside, for root:\n%s", got, want)
	}
	if _, err := get(quick); err != nil {
		r.Errorf("%s: %v", quick, err)
	}

	opens := r.do("open", r.watched, "5000")["file_open"]
	execs := r.do("run", r.runs, "200")["exec"]
	var l ledger
	eventually(r.T, "all that was done", func() bool {
		a := r.consumer.arrived()
		l = readLedger(r.page())
		return l.balances() && a.paths[r.watched] == opens && a.executions(r.runs) == execs
	})
	a := r.consumer.arrived()
	r.Logf("%d opens, %d executions, and as many records; the ledger:\n%s", opens, execs, l.table(&a))
	r.checksSeeTheHost()
	more()
	fatal(r, syscall.Kill(containerPID(dir), syscall.SIGTERM))
	<-r.ended
	if r.err != nil {
		r.Errorf("after SIGTERM: %v", r.err)
	}
}

// hooksOfRoot are those of the same collector without a container.
func (r *rig) hooksOfRoot() string {
	r.Helper()
	metrics := freeAddress(r.T)
	cmd, _ := withConfigs(r.T, []string{"E2E_DIR=" + r.dir, "E2E_METRICS=" + metrics, "METRICS_ADDRESS=" + freeAddress(r.T)},
		"examples/deploy/container/config.yaml", "internal/e2e/testdata/watch.yaml",
		"yaml:receivers::ebpfsecurity::root_path: /", "yaml:extensions::file_storage::directory: "+filepath.Join(r.dir, "storage"),
		"yaml:service::telemetry::metrics::level: none")
	c := startCommand(r.T, cmd, "http://"+metrics+"/metrics")
	page, err := c.scrape()
	fatal(r, err)
	c.stop(r.T)
	return hooksOf(page)
}

// executions are the records of a program, whatever it is taken for.
func (a *arrivals) executions(path string) (n uint64) {
	for e, times := range a.execs {
		if e.path == path {
			n += times
		}
	}
	return n
}

// checksSeeTheHost: they lack no more than the service does. What listens is
// left out, as not even root may look at each process of each machine.
func (r *rig) checksSeeTheHost() {
	r.Helper()
	var page string
	eventually(r.T, "the checks", func() bool {
		page = r.page()
		return strings.Contains(page, "linux_security_check_pass_ratio")
	})
	checks := checksOf(page)
	for _, check := range slices.Sorted(maps.Keys(checks)) {
		if checks[check] == "ok" {
			continue
		}
		r.Logf("check %s: %s", check, checks[check])
		if refusedToServices[check] == "" && check != "ports" {
			r.Errorf("check %s: %s", check, checks[check])
		}
	}
}
