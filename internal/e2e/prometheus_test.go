//go:build e2e

package e2e

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const scraped = `
scrape_configs:
  - job_name: ebpfsecurity
    scrape_interval: 1s
    static_configs:
      - targets: ["127.0.0.1:9102"]
`

func TestPrometheusScrapesIt(t *testing.T) {
	c := start(t)
	address := startPrometheus(t)
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
func startPrometheus(t *testing.T) string {
	t.Helper()
	return startPrometheusWith(t, scraped)
}

// startPrometheusWith runs one that has a config of its own.
func startPrometheusWith(t *testing.T, scrapes string) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(config, []byte(scrapes), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	cmd := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
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
	page, err := get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return false
	}
	var answer struct {
		Data struct {
			Result []any `json:"result"`
		} `json:"data"`
	}
	return json.Unmarshal([]byte(page), &answer) == nil && len(answer.Data.Result) > 0
}
