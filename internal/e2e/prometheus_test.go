//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	dir, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(dir, "prometheus.yaml")
	fatal(t, os.WriteFile(file, []byte(config), 0o600))
	var output strings.Builder
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = &output, &output
	fatal(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus said:\n%s", &output)
		}
	})
	return address
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
