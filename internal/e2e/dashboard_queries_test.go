//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A grafana asks Prometheus what dashboards ask, in the way that Grafana does.
type grafana struct {
	address  string
	from     time.Time
	interval time.Duration // between two scrapes
	instance string        // the value of the variable
}

// A series is what Prometheus answers, with one reading for a query about now.
type series struct {
	Metric map[string]string
	Value  reading
	Values []reading
}

// A reading is a time and a value.
type reading struct {
	at time.Time
	v  float64
}

// UnmarshalJSON reads [seconds, "value"].
func (s *reading) UnmarshalJSON(text []byte) error {
	var seconds float64
	var value string
	if err := json.Unmarshal(text, &[]any{&seconds, &value}); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(value, 64)
	s.at, s.v = time.UnixMilli(int64(seconds*1000)), v
	return err
}

// ask calls an API of Prometheus.
func (g *grafana) ask(api string, parameters url.Values, answer any) error {
	page, err := get("http://" + g.address + "/api/v1/" + api + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	whole := struct{ Data any }{answer}
	return json.Unmarshal([]byte(page), &whole)
}

// choose takes the first value that a variable of a dashboard offers.
func (g *grafana) choose(v *variable) error {
	var metric, label string
	parts := labelValues.FindStringSubmatch(v.Definition)
	if parts == nil {
		return fmt.Errorf("variable %s: %q is not understood", v.Name, v.Definition)
	}
	metric, label = parts[1], parts[2]
	var values []string
	if err := g.ask("label/"+label+"/values", url.Values{"match[]": {metric}}, &values); err != nil {
		return err
	}
	if len(values) == 0 {
		return fmt.Errorf("variable %s has no values", v.Name)
	}
	filter, err := regexp.Compile(strings.Trim(v.Regex, "/"))
	if err != nil {
		return err
	}
	found := filter.FindStringSubmatch(values[0])
	if len(found) < 2 {
		return fmt.Errorf("variable %s: %q does not match %s", v.Name, values[0], v.Regex)
	}
	g.instance = found[1]
	return nil
}

var labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

// step is the time between two points: as between two scrapes, or more if they
// were too many.
func (g *grafana) step() time.Duration {
	const most = 45
	return max(g.interval, (time.Since(g.from) / most).Truncate(time.Second))
}

// expand puts values in place of variables.
func (g *grafana) expand(expr string) string {
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + "s" }
	step := g.step()
	return strings.NewReplacer(
		"$__rate_interval", seconds(max(step+g.interval, 4*g.interval)),
		"$__range", seconds(time.Since(g.from).Truncate(time.Second)),
		"$instance", strings.ReplaceAll(regexp.QuoteMeta(g.instance), `\`, `\\`),
	).Replace(expr)
}

// run is what a target shows.
func (g *grafana) run(q *target) ([]series, error) {
	expr := g.expand(q.Expr)
	if strings.Contains(expr, "$") {
		return nil, fmt.Errorf("a variable is left in %s", expr)
	}
	var answer struct{ Result []series }
	api, parameters := "query", url.Values{"query": {expr}}
	if q.Range {
		api = "query_range"
		parameters.Set("start", strconv.FormatInt(g.from.Unix(), 10))
		parameters.Set("end", strconv.FormatInt(time.Now().Unix(), 10))
		parameters.Set("step", strconv.Itoa(int(g.step().Seconds())))
	}
	if err := g.ask(api, parameters, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	for i := range answer.Result {
		s := &answer.Result[i]
		if !q.Range {
			s.Values = []reading{s.Value}
		}
		s.Values = slices.DeleteFunc(s.Values, func(v reading) bool { return math.IsNaN(v.v) })
	}
	return slices.DeleteFunc(answer.Result, func(s series) bool { return len(s.Values) == 0 }), nil
}

// errEmpty says that a target shows nothing.
var errEmpty = errors.New("nothing to show")

// try runs a target of a panel, and looks whether it has what the panel shows.
func (g *grafana) try(p *panel, q *target) ([]series, error) {
	found, err := g.run(q)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %s", errEmpty, g.expand(q.Expr))
	}
	for _, name := range p.labels(q) {
		// Of a series with an empty label Prometheus does not know the label.
		if !slices.ContainsFunc(found, func(s series) bool { return s.Metric[name] != "" }) {
			return nil, fmt.Errorf("there is no label %s: %s", name, q.Expr)
		}
	}
	return found, nil
}

// labels are those that a panel shows of what a target finds.
func (p *panel) labels(q *target) []string {
	var names []string
	for _, placeholder := range placeholders.FindAllStringSubmatch(q.LegendFormat, -1) {
		names = append(names, placeholder[1])
	}
	for _, t := range p.Transformations {
		switch t.ID {
		case "organize":
			names = append(names, slices.Sorted(maps.Keys(t.Options.RenameByName))...)
		case "groupingToMatrix":
			names = append(names, t.Options.ColumnField, t.Options.RowField)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "Value" })
}

var placeholders = regexp.MustCompile(`{{ *(\w+) *}}`)
