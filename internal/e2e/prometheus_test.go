//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// scraping is a config of Prometheus for a collector's address.
const scraping = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - job_name: ebpfsecurity
    static_configs:
      - targets: [%q]
`

func TestPrometheusScrapesIt(t *testing.T) {
	c := start(t)
	address := startPrometheus(t, fmt.Sprintf(scraping, "127.0.0.1:9102"))
	runTrue(t)
	for _, query := range []string{
		`up == 1`,
		systemExecs + ` > 0`,
		`count(security_ebpf_up) == 3`,
		`count(security_ebpf_up == 1) == 1`,
	} {
		eventually(t, query, func() bool { return holds(address, query) })
	}
	c.stop(t)
}

// startPrometheus runs a server of its own and gives its address.
func startPrometheus(t *testing.T, config string) string {
	t.Helper()
	p := newPrometheus(t, config)
	p.start()
	return p.address
}

// A prometheus is a server of Debian's.
type prometheus struct {
	t            *testing.T
	dir, address string
	flags        []string
	cmd          *exec.Cmd
	output       output
}

func newPrometheus(t *testing.T, config string, flags ...string) *prometheus {
	t.Helper()
	p := &prometheus{t: t, dir: t.TempDir(), address: freeAddress(t)}
	file := filepath.Join(p.dir, "prometheus.yml")
	fatal(t, os.WriteFile(file, []byte(config), 0o600))
	p.flags = append(slices.Clone(flags), "--config.file="+file, "--storage.tsdb.path="+filepath.Join(p.dir, "data"), "--web.listen-address="+p.address)
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("Prometheus said:\n%s", &p.output)
		}
	})
	return p
}

func (p *prometheus) start() {
	p.t.Helper()
	p.cmd = exec.Command("prometheus", p.flags...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	fatal(p.t, p.cmd.Start())
	eventually(p.t, "Prometheus", func() bool {
		_, err := get("http://" + p.address + "/-/ready")
		return err == nil
	})
}

func (p *prometheus) stop() {
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(os.Interrupt)
		_ = p.cmd.Wait()
	}
	p.cmd = nil
}

// holds says whether a PromQL comparison selects anything.
func holds(address, query string) bool {
	var answer struct{ Result []any }
	return ask(address, "query?query="+url.QueryEscape(query), &answer) == nil && len(answer.Result) > 0
}

// ask reads the data of an answer of Prometheus.
func ask(address, what string, data any) error {
	page, err := get("http://" + address + "/api/v1/" + what)
	if err != nil {
		return err
	}
	answer := struct{ Data any }{data}
	return json.Unmarshal([]byte(page), &answer)
}
