//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// opensShown is in Prometheus what the loads did: no others open such files.
	opensShown = `sum by (job, instance) (security_ebpf_file_access_total{operation="read",severity="critical"})`
	takesWrite = "--web.enable-remote-write-receiver"
)

// TestPrometheusExample: Prometheus scrapes the host and the collector with the
// configs of examples, and shows what was done, to the last event.
func TestPrometheusExample(t *testing.T) {
	r, address := newLoads(t), freeAddress(t)
	r.watch([]string{"PROMETHEUS_LISTEN=" + address}, "examples/prometheus.yaml")
	own, err := url.Parse(r.own)
	fatal(t, err)
	p := newPrometheus(t, scrapingExample(t, address, own.Host, time.Second))
	p.start()
	p.follows(r, `{job="ebpfsecurity",instance="`+address+`"}`)
	for _, query := range []string{`up{job="ebpfsecurity"} == 1`, `up{job="otelcol"} == 1`, `otelcol_ebpfsecurity_hooks_unserved{job="otelcol"}`} {
		eventually(t, query, func() bool { return holds(p.address, query) })
		t.Logf("in Prometheus: %s", query)
	}
	var rules struct{ Groups []struct{ Name string } }
	fatal(t, ask(p.address, "rules", &rules))
	t.Logf("rules: %v", rules.Groups)
	if len(rules.Groups) == 0 {
		t.Error("no rules")
	}
	r.stop(t)
}

// scrapingExample is the example's config of Prometheus for these addresses of a
// collector, and with another interval.
func scrapingExample(t *testing.T, metrics, own string, interval time.Duration) string {
	t.Helper()
	examples, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	fatal(t, err)
	page, err := os.ReadFile(filepath.Join(examples, "prometheus", "prometheus.yml"))
	fatal(t, err)
	config := string(page)
	for was, is := range map[string]string{
		`["127.0.0.1:9102"]`: `["` + metrics + `"]`, `["127.0.0.1:8888"]`: `["` + own + `"]`,
		"scrape_interval: 15s": "scrape_interval: " + interval.String(), `["..`: `["` + examples,
	} {
		if strings.Count(config, was) != 1 {
			t.Fatalf("not one %q in prometheus.yml", was)
		}
		config = strings.Replace(config, was, is, 1)
	}
	return config
}

// TestRemoteWriteExample: the collector writes to Prometheus, which shows what was
// done, to the last event and by host, also of the time when it was down.
func TestRemoteWriteExample(t *testing.T) {
	r, p := newLoads(t), newPrometheus(t, "", takesWrite)
	p.start()
	r.watch([]string{"REMOTE_WRITE_URL=http://" + p.address + "/api/v1/write"}, "examples/remote-write.yaml")
	host, err := os.Hostname()
	fatal(t, err)
	labels := `{job="ebpfsecurity",instance="` + host + `"}`
	p.follows(r, labels)
	p.stop()
	down := time.Now()
	r.do("open", r.watched, "700")
	r.settledTo(2000, 0)
	up := time.Now()
	p.start()
	p.shows(labels, 2000)
	meanwhile := fmt.Sprintf("sum by (job, instance) (count_over_time(security_ebpf_up{status=\"active\"}[%dms] @ %f))",
		up.Sub(down).Milliseconds(), float64(up.UnixMilli())/1000)
	got, err := p.values(meanwhile)
	fatal(t, err)
	t.Logf("of the %s when it was down: %v", up.Sub(down), got)
	if got[labels] < 1 {
		t.Errorf("nothing of %s", meanwhile)
	}
	r.stop(t)
}

// follows: what Prometheus shows of the opens of watched files is what was done.
func (p *prometheus) follows(r *rig, labels string) {
	p.t.Helper()
	r.do("open", r.watched, "1000")
	p.shows(labels, 1000)
	r.do("open", r.watched, "300")
	p.shows(labels, 1300)
}

// shows waits until Prometheus does.
func (p *prometheus) shows(labels string, want float64) {
	p.t.Helper()
	var got map[string]float64
	eventually(p.t, fmt.Sprintf("%g opens in Prometheus", want), func() bool {
		var err error
		got, err = p.values(opensShown)
		return err == nil && len(got) == 1 && got[labels] == want
	})
	p.t.Logf("in Prometheus: %s: %v", opensShown, got)
}

// values are what a query finds, by labels.
func (p *prometheus) values(query string) (map[string]float64, error) {
	var answer struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	if err := ask(p.address, "query?query="+url.QueryEscape(query), &answer); err != nil {
		return nil, err
	}
	found := make(map[string]float64)
	for _, r := range answer.Result {
		labels := fmt.Sprintf(`{job=%q,instance=%q}`, r.Metric["job"], r.Metric["instance"])
		var err error
		if found[labels], err = strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// TestPrometheusTakesOTLP, from 2.47 on, with this flag from 3.0 on. Debian 12 has
// 2.42, which answers that it knows nothing of it.
func TestPrometheusTakesOTLP(t *testing.T) {
	const takesOTLP, path = "--web.enable-otlp-receiver", "/api/v1/otlp/v1/metrics"
	help, err := exec.Command("prometheus", "--help").CombinedOutput()
	fatal(t, err)
	version, err := exec.Command("prometheus", "--version").CombinedOutput()
	fatal(t, err)
	offered := strings.Contains(string(help), takesOTLP)
	t.Logf("%s of this Prometheus: %t\n%s", takesOTLP, offered, version)
	if !offered {
		p := newPrometheus(t, "")
		p.start()
		response, err := http.Post("http://"+p.address+path, "application/x-protobuf", http.NoBody)
		fatal(t, err)
		fatal(t, response.Body.Close())
		t.Logf("it answers %s", response.Status)
		if response.StatusCode != http.StatusNotFound {
			t.Error("it takes OTLP all the same")
		}
		return
	}
	r, p := newLoads(t), newPrometheus(t, "", takesOTLP)
	p.start()
	r.watch([]string{"METRICS_EXPORTER=otlp_http", "PROMETHEUS_OTLP_URL=http://" + p.address + path}, "examples/remote-write.yaml")
	host, err := os.Hostname()
	fatal(t, err)
	p.follows(r, `{job="ebpfsecurity",instance="`+host+`"}`)
	r.stop(t)
}
