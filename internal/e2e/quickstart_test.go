//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// promisedSeries are what dashboards and alerts rely on, by the hook without
// which nothing can be known of them; "" is none.
var promisedSeries = map[string][]string{
	"": {
		`security_ebpf_up{status="active"}`,
		`security_ebpf_up{status="degraded"}`,
		`security_ebpf_up{status="disabled"}`,
		`security_ebpf_sample_rate`,
		`security_ebpf_hook_attached{}`,
		`security_ebpf_events_total{outcome="observed"}`,
	},
	"process.exec": {`security_ebpf_process_exec_total{type="system"}`},
	"process.exit": {
		`security_ebpf_process_exit_total{type="system"}`,
		`security_ebpf_process_active_count{type="system"}`,
	},
	"network.tcp": {
		`security_ebpf_connect_total{direction="out",protocol="tcp"}`,
		`security_ebpf_connect_active{direction="in",protocol="tcp"}`,
		`security_ebpf_connect_error_total{type="refused"}`,
	},
	"network.udp":      {`security_ebpf_connect_total{direction="out",protocol="udp"}`},
	"file.open":        {`security_ebpf_file_access_total{operation="read",severity="critical"}`},
	"privilege.change": {`security_ebpf_privilege_escalation_total{result="success",type="setuid"}`},
	"kernel.module":    {`security_ebpf_kernel_module_total{action="load",result="success"}`},
	"kernel.bpf":       {`security_ebpf_kernel_bpf_total{command="prog_load",result="success"}`},
}

const (
	systemExecs = `security_ebpf_process_exec_total{type="system"}`
	execs       = 20
)

func TestQuickstartShowsRealNumbers(t *testing.T) {
	c := start(t)
	page, err := c.scrape()
	if err != nil {
		t.Fatal(err)
	}
	for hook, names := range promisedSeries {
		if _, unserved := value(page, `security_ebpf_hook_attached{hook="`+hook+`",program="none"}`); unserved {
			t.Logf("this kernel offers nothing to %s: no %v", hook, names)
			continue
		}
		for _, name := range names {
			if _, ok := value(page, name); !ok {
				t.Errorf("no %s in\n%s", name, page)
			}
		}
	}
	before, _ := value(page, systemExecs)
	runTrue(t)
	eventually(t, fmt.Sprintf("%s to rise by %d from %g", systemExecs, execs, before), func() bool {
		page, _ = c.scrape()
		now, _ := value(page, systemExecs)
		return now >= before+execs
	})
	c.stop(t)
}

func runTrue(t *testing.T) {
	t.Helper()
	for range execs {
		if err := exec.Command("/usr/bin/true").Run(); err != nil {
			t.Fatal(err)
		}
	}
}

// value finds the first series that begins with a name, and perhaps labels;
// the scope's labels, which Prometheus exporters add, do not matter.
func value(page, name string) (float64, bool) {
	metric, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	lines := bufio.NewScanner(strings.NewReader(page))
	for lines.Scan() {
		series, number, _ := strings.Cut(lines.Text(), " ")
		number, _, _ = strings.Cut(number, " ") // without the time
		got, gotLabels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
		if got != metric || !containsAll(gotLabels, labels) {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		return v, err == nil
	}
	return 0, false
}

func containsAll(labels, wanted string) bool {
	for _, label := range strings.Split(wanted, ",") {
		if !strings.Contains(","+labels+",", ","+label+",") && wanted != "" {
			return false
		}
	}
	return true
}
