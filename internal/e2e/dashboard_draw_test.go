//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A drawn panel is what internal/tools/draw draws of one.
type drawn struct {
	Title, Kind, Unit, Text string
	X, Y, W, H              int
	Stack                   bool
	Series                  []line
	Columns                 []string
	Rows                    [][]string
}

type line struct {
	Name   string
	Points []point
}

type point struct{ X, Y float64 }

// keep writes what a dashboard shows to DIR/name.json, for internal/tools/draw.
func (r *rig) keep(g *grafana, dir, name string, d *dashboard) {
	r.Helper()
	var picture struct{ Panels []drawn }
	for i := range d.Panels {
		picture.Panels = append(picture.Panels, r.drawn(g, &d.Panels[i]))
	}
	data, err := json.Marshal(picture)
	fatal(r, err)
	fatal(r, os.WriteFile(filepath.Join(dir, name+".json"), data, 0o644))
}

func (r *rig) drawn(g *grafana, p *panel) drawn {
	at := p.GridPos
	out := drawn{
		Title: p.Title, Kind: p.Type, Unit: p.FieldConfig.Defaults.Unit, Text: p.FieldConfig.Defaults.NoValue,
		X: at.X, Y: at.Y, W: at.W, H: at.H, Stack: p.FieldConfig.Defaults.Custom.Stacking.Mode == "normal",
	}
	for i := range p.Targets {
		q := &p.Targets[i]
		found, err := g.run(q)
		fatal(r, err)
		switch {
		case q.Format == "table":
			out.Columns, out.Rows = p.rows(found)
		case p.Type == "stat":
			out.Series = []line{{Name: p.word(found)}}
		default:
			out.Series = append(out.Series, graphs(q, found)...)
		}
	}
	slices.SortStableFunc(out.Series, func(a, b line) int {
		if p.Type == "bargauge" {
			return int(b.Points[0].Y - a.Points[0].Y)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// graphs are the series of a target, each with its name.
func graphs(q *target, found []series) (all []line) {
	for _, s := range found {
		l := line{Name: placeholders.ReplaceAllStringFunc(q.LegendFormat, func(p string) string {
			return s.Metric[strings.Trim(p, "{} ")]
		})}
		for _, v := range s.Values {
			l.Points = append(l.Points, point{float64(v.at.UnixMilli()) / 1000, v.v})
		}
		all = append(all, l)
	}
	return all
}

// word is what a panel of one number shows.
func (p *panel) word(found []series) string {
	if len(found) == 0 {
		return p.FieldConfig.Defaults.NoValue
	}
	v := found[0].Values[0].v
	for _, m := range p.FieldConfig.Defaults.Mappings {
		if to, ok := m.Options[strconv.FormatFloat(v, 'f', -1, 64)]; ok {
			return to.Text
		}
	}
	switch p.FieldConfig.Defaults.Unit {
	case "percentunit":
		return fmt.Sprintf("%.0f%%", v*100)
	case "s":
		if day := 24 * time.Hour.Seconds(); v >= 2*day {
			return fmt.Sprintf("%.0f days", v/day)
		}
		return time.Duration(v * float64(time.Second)).Round(time.Minute).String()
	}
	return fmt.Sprintf("%.0f", v)
}

// rows are the table that a panel shows.
func (p *panel) rows(found []series) (columns []string, rows [][]string) {
	if len(p.Transformations) != 1 || len(found) == 0 {
		return nil, nil
	}
	o := p.Transformations[0].Options
	if p.Transformations[0].ID == "groupingToMatrix" {
		return matrix(found, o.RowField, o.ColumnField)
	}
	names := slices.SortedFunc(maps.Keys(o.RenameByName), func(a, b string) int { return o.IndexByName[a] - o.IndexByName[b] })
	for _, name := range names {
		columns = append(columns, o.RenameByName[name])
	}
	for _, s := range found {
		var row []string
		for _, name := range names {
			cell := s.Metric[name]
			if name == "Value" {
				cell = fmt.Sprint(s.Values[0].v)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, slices.Compare)
	return columns, rows
}

// matrix has a row for each value of one label, and a column for each of another.
func matrix(found []series, row, column string) (columns []string, rows [][]string) {
	cells := make(map[string]map[string]string)
	seen := make(map[string]bool)
	for _, s := range found {
		if cells[s.Metric[row]] == nil {
			cells[s.Metric[row]] = make(map[string]string)
		}
		cells[s.Metric[row]][s.Metric[column]] = fmt.Sprint(s.Values[0].v)
		seen[s.Metric[column]] = true
	}
	names := slices.Sorted(maps.Keys(seen))
	for _, name := range slices.Sorted(maps.Keys(cells)) {
		line := []string{name}
		for _, n := range names {
			line = append(line, cells[name][n])
		}
		rows = append(rows, line)
	}
	return append([]string{row}, names...), rows
}

// day has things happen for some minutes, more at some times than at others,
// so that there is something to see in pictures.
func (r *rig) day() {
	r.Helper()
	for part := range 48 {
		n := strconv.Itoa(20 + 20*(part%12)*(part/12%2))
		r.do("run", "/usr/bin/true", n)
		r.do("run", "/usr/bin/id", "20")
		r.do("connect", n)
		r.do("open", "/etc/passwd", n)
		if part%4 == 3 {
			r.do("run", r.dropped, "2")
			r.do("prioritize", filepath.Join(r.dir, "mnt"), "3")
			r.do("rest", "10")
		}
		time.Sleep(5 * time.Second)
	}
}
