//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// promised is what the distribution consists of, by the names that configs use.
var promised = map[string][]string{
	"receivers":  {"ebpfsecurity", "otlp"},
	"processors": {"attributes", "batch", "filter", "groupbyattrs", "k8s_attributes", "memory_limiter", "redaction", "resource", "resource_detection", "transform"},
	"exporters":  {"debug", "file", "kafka", "otlp_grpc", "otlp_http", "prometheus", "prometheus_remote_write"},
	"connectors": {"count", "forward", "signal_to_metrics"},
	"extensions": {"file_storage", "healthcheckv2", "pprof", "zpages"},
	"providers":  {"env", "file", "http", "https", "yaml"},
}

func TestComponentsAreThere(t *testing.T) {
	output, err := command("components").Output()
	if err != nil {
		t.Fatal(err)
	}
	there := components(string(output))
	for kind, names := range promised {
		for _, name := range names {
			if !slices.Contains(there[kind], name) {
				t.Errorf("%s: no %s in %v", kind, name, there[kind])
			}
		}
	}
}

// components reads the list that the distribution prints: names by kind.
func components(page string) map[string][]string {
	there := make(map[string][]string)
	kind := ""
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		name, isName := strings.CutPrefix(line, "    - name: ")
		scheme, isScheme := strings.CutPrefix(line, "    - scheme: ")
		switch {
		case isName:
			there[kind] = append(there[kind], name)
		case isScheme:
			there[kind] = append(there[kind], scheme)
		case !strings.HasPrefix(line, " "):
			kind = strings.TrimSuffix(line, ":")
		}
	}
	return there
}

func TestQuickstartIsValid(t *testing.T) {
	if output, err := command("validate", "--config", quickstart).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

const mistaken = `
receivers:
  ebpfsecurity:
    root_path: host
    syscall_tracepoints: sometimes
    process:
      world_writable_dirs: [tmp]
    file:
      watch:
        - path: shadow
          severity: severe
exporters:
  debug:
service:
  pipelines:
    metrics:
      receivers: [ebpfsecurity]
      exporters: [debug]
`

func TestMistakesAreReportedTogether(t *testing.T) {
	config := filepath.Join(t.TempDir(), "mistaken.yaml")
	if err := os.WriteFile(config, []byte(mistaken), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := command("validate", "--config", config).CombinedOutput()
	if err == nil {
		t.Fatal("a config with five mistakes is valid")
	}
	for _, key := range []string{
		"root_path:", "syscall_tracepoints:", "process::world_writable_dirs::0:", "file::watch::0::path:", "file::watch::0::severity:",
	} {
		if !strings.Contains(string(output), "receivers::ebpfsecurity::"+key) {
			t.Errorf("no word about %s in:\n%s", key, output)
		}
	}
}
