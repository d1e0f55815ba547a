package receiver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDashboardsAskForWhatThereIs: metrics, labels and values. Those that are
// rarely there would not be missed where the queries are run.
func TestDashboardsAskForWhatThereIs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "examples", "dashboards", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	known := readKnownSeries(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var dashboard struct {
			Panels []struct{ Targets []struct{ Expr string } }
		}
		require.NoError(t, json.Unmarshal(text, &dashboard))
		queries := 0
		for _, panel := range dashboard.Panels {
			for _, q := range panel.Targets {
				queries++
				for _, wrong := range known.unknown(q.Expr) {
					t.Errorf("%s: there is no %s: %s", file, wrong, q.Expr)
				}
			}
		}
		require.NotZero(t, queries, file)
	}
}
