package receiver

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// A row of a table in README.md that begins with keys and a default.
var keyRow = regexp.MustCompile("(?m)^\\| `([a-z_]+(?:::[a-z_]+)+)(?:::(?:RULE|PARAMETER))?` \\| `?([^`|]*?)`? \\|")

// reference are the keys that README.md has to list.
var reference = regexp.MustCompile("^(checks|events|top)::")

// TestREADMEHasTheDefaults of all keys of checks, events and top, and no others.
func TestREADMEHasTheDefaults(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "README.md"))
	require.NoError(t, err)
	conf := confmap.New()
	require.NoError(t, conf.Marshal(newDefaultConfig()))
	told := make(map[string]bool)
	for _, row := range keyRow.FindAllStringSubmatch(string(page), -1) {
		key := row[1]
		if !conf.IsSet(key) {
			t.Errorf("there is no key %s", key)
			continue
		}
		told[key] = true
		if value := fmt.Sprint(conf.Get(key)); reference.MatchString(key) && value != "[]" && value != "map[]" {
			assert.Equal(t, row[2], value, key)
		}
	}
	for _, key := range conf.AllKeys() {
		group := strings.HasPrefix(key, "events::classes::") || strings.HasPrefix(key, "events::exclude::") || strings.HasPrefix(key, "events::only::")
		if reference.MatchString(key) && !group {
			assert.True(t, told[key], key)
		}
	}
}
