//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const dashboards = "examples/dashboards"

// A dashboard is as much of Grafana's JSON as the examples use.
type dashboard struct {
	UID, Title, Description, Refresh, Timezone string
	SchemaVersion, Version, GraphTooltip       int
	FiscalYearStartMonth                       int
	Editable                                   bool
	Tags                                       []string
	Panels                                     []panel
	Templating                                 struct{ List []variable }
	Annotations, Links, Time, Timepicker       json.RawMessage
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               source
	FieldConfig              struct {
		Defaults  fieldDefaults
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties json.RawMessage
		}
	}
	Options         json.RawMessage
	Targets         []target
	Transformations []transformation
	Collapsed       bool    // rows only
	Panels          []panel // of collapsed rows
}

type fieldDefaults struct {
	Unit, NoValue     string
	Min, Decimals     *float64
	Color, Thresholds json.RawMessage
	Mappings          []mapping
	Custom            struct {
		DrawStyle, LineInterpolation, ShowPoints, Align string
		LineWidth, FillOpacity                          int
		SpanNulls, Filterable, Inspect                  bool
		Stacking                                        struct{ Group, Mode string }
		CellOptions                                     struct{ Type string }
	}
}

// A mapping has words for values.
type mapping struct {
	Type    string
	Options map[string]struct {
		Text, Color string
		Index       int
	}
}

type source struct{ Type, UID string }

type target struct {
	RefID, Expr, LegendFormat, Format, EditorMode string
	Instant, Range                                bool
	Datasource                                    source
}

type transformation struct {
	ID      string
	Options struct {
		ExcludeByName                                 map[string]bool
		IndexByName                                   map[string]int
		RenameByName                                  map[string]string
		ColumnField, RowField, ValueField, EmptyValue string
	}
}

type variable struct {
	Type, Name, Label, Description, Definition, Regex, AllValue string
	Query, Current                                              json.RawMessage
	Datasource                                                  source
	Hide, Refresh, Sort                                         int
	IncludeAll, Multi, SkipURLSync                              bool
	Options                                                     []json.RawMessage
}

// mayBeEmpty says whether the panel has words for nothing, as where nothing is wrong.
func (p *panel) mayBeEmpty() bool { return p.FieldConfig.Defaults.NoValue != "" }

// readDashboards reads all, by name, and refuses what a dashboard does not have.
func readDashboards(t *testing.T) map[string]*dashboard {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", dashboards, "*.json"))
	fatal(t, err)
	all := make(map[string]*dashboard)
	for _, file := range files {
		text, err := os.ReadFile(file)
		fatal(t, err)
		d := &dashboard{}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = d
	}
	if len(all) != 3 {
		t.Fatalf("%d dashboards instead of 3", len(all))
	}
	return all
}

func TestDashboardsAreSound(t *testing.T) {
	uids := make(map[string]string)
	for name, d := range readDashboards(t) {
		if other, taken := uids[d.UID]; taken || d.UID == "" {
			t.Errorf("%s and %s have the same uid %q", name, other, d.UID)
		}
		uids[d.UID] = name
		for _, mistake := range d.mistakes() {
			t.Errorf("%s: %s", name, mistake)
		}
	}
}

// mistakes are what Grafana would show wrongly without a word.
func (d *dashboard) mistakes() (all []string) {
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	names := make([]string, len(d.Templating.List))
	for i, v := range d.Templating.List {
		names[i] = v.Type + " " + v.Name
	}
	add(!slices.Equal(names, []string{"datasource datasource", "query instance"}), "variables %v", names)
	ids, taken := make(map[int]bool), make(map[[2]int]string)
	for _, p := range d.Panels {
		add(ids[p.ID], "two panels have the id %d", p.ID)
		ids[p.ID] = true
		at := p.GridPos
		add(at.W < 1 || at.H < 1 || at.X < 0 || at.X+at.W > 24, "%q is not on the grid: %+v", p.Title, at)
		for x := range at.W {
			for y := range at.H {
				place := [2]int{at.X + x, at.Y + y}
				add(taken[place] != "", "%q lies on %q", p.Title, taken[place])
				taken[place] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		add(p.Title == "" || p.Description == "", "panel %d has no title or description", p.ID)
		add(len(p.Targets) == 0, "%q asks for nothing", p.Title)
		for _, q := range p.Targets {
			add(q.Datasource != dataSource || p.Datasource != dataSource, "%q has another data source", p.Title)
			add(!strings.Contains(q.Expr, hostSelector), "%q shows other hosts than the chosen: %s", p.Title, q.Expr)
			add(q.Instant == q.Range, "%q is neither for now nor for a time: %s", p.Title, q.Expr)
			add(unselected.MatchString(q.Expr), "%q has a metric without the chosen host: %s", p.Title, q.Expr)
		}
	}
	return all
}

var dataSource = source{"prometheus", "${datasource}"}

const hostSelector = `instance=~"$instance(:[0-9]+)?"`

// unselected are metrics of ours with no braces behind them.
var unselected = regexp.MustCompile(`\b(security_ebpf|linux_security|otelcol)_[a-z_]+[^a-z_{]`)
