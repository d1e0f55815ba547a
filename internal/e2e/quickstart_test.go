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

// always are the series that every collector shows, whatever the kernel allows;
// dashboards and alerts rely on these names.
var always = []string{
	`security_ebpf_up{status="active"}`,
	`security_ebpf_up{status="degraded"}`,
	`security_ebpf_up{status="disabled"}`,
	`security_ebpf_sample_rate`,
	`security_ebpf_hook_attached{`,
	`security_ebpf_events_total{`,
	`security_ebpf_process_exec_total{type="system"}`,
	`security_ebpf_process_exit_total{type="system"}`,
	`security_ebpf_process_active_count{type="system"}`,
	`security_ebpf_connect_total{direction="out",protocol="tcp"}`,
	`security_ebpf_connect_active{direction="in",protocol="tcp"}`,
	`security_ebpf_connect_error_total{type="refused"}`,
	`security_ebpf_file_access_total{operation="read",severity="critical"}`,
	`security_ebpf_privilege_escalation_total{result="success",type="setuid"}`,
	`security_ebpf_kernel_module_total{action="load",result="success"}`,
	`security_ebpf_kernel_bpf_total{command="prog_load",result="success"}`,
}

const (
	systemExecs = `security_ebpf_process_exec_total{type="system"}`
	execs       = 20
)

func TestQuickstartShowsRealNumbers(t *testing.T) {
	c := start(t)
	var page string
	for _, name := range always {
		eventually(t, name, func() bool {
			page, _ = scrape()
			_, ok := value(page, name)
			return ok
		})
	}
	before, _ := value(page, systemExecs)
	runTrue(t)
	eventually(t, fmt.Sprintf("%s to rise by %d from %g", systemExecs, execs, before), func() bool {
		page, _ = scrape()
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
