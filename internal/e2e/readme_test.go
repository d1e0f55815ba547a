//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// bare is what a config needs that README.md shows a part of.
const bare = "yaml:{exporters: {debug: {}}, service: {pipelines: {logs: {receivers: [ebpfsecurity], exporters: [debug]}}}}"

var yamlBlocks = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

func TestConfigsOfREADMEAreValid(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlocks.FindAllSubmatch(page, -1)
	if len(blocks) == 0 {
		t.Fatal("README.md shows no config")
	}
	for i, block := range blocks {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(config, block[1], 0o600); err != nil {
				t.Fatal(err)
			}
			if output, err := command("validate", "--config", bare, "--config", config).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\n%s", err, output, block[1])
			}
		})
	}
}
