package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// says is a check that judges one rule by what a function says.
func says(id string, f func(ctx context.Context) (value string, err error)) Check {
	return Check{
		ID: id, Category: System,
		Rules: []Rule{{ID: id + ".good", Severity: High, Level: 1}},
		Run: func(ctx context.Context, _ *Host, found *Findings) error {
			value, err := f(ctx)
			if err != nil {
				return err
			}
			found.Point("m", 1, "value", value)
			found.Judge(id+".good", value == "good", value)
			found.Watch(id+".value", value)
			return nil
		},
	}
}

func good(context.Context) (string, error) { return "good", nil }

func outcomes(r *Runner) []Outcome {
	all, _ := r.Outcomes()
	return all
}

// each tells every change alone.
func each(changed func(Change)) func(Outcome, []Change) {
	if changed == nil {
		return nil
	}
	return func(_ Outcome, list []Change) {
		for _, c := range list {
			changed(c)
		}
	}
}

func statuses(r *Runner) string {
	var all []string
	for _, o := range outcomes(r) {
		all = append(all, o.Check+" "+o.Status.String())
	}
	return strings.Join(all, ", ")
}

// run starts a runner in a bubble, whose time it is that passes.
func run(t *testing.T, checks []Check, o Options, changed func(Change)) *Runner {
	r := newRunner(checks, fstest.MapFS{}, o, nil, each(changed))
	r.Start()
	t.Cleanup(r.Close)
	pass(time.Second) // runs that come later do so in between what a test does
	return r
}

// pass lets time pass, and all that begins in it come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestOneCheckTakesNoOtherWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		r := run(t, []Check{
			says("panics", func(context.Context) (string, error) { panic("oh") }),
			says("hangs", func(context.Context) (string, error) { <-release; return "good", nil }),
			says("waits", func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }),
			says("fails", func(context.Context) (string, error) { return "", errors.New("failed") }),
			says("works", good),
		}, DefaultOptions(), nil)
		pass(30 * time.Second)
		equal(t, "statuses", statuses(r), "panics error, hangs timeout, waits timeout, fails error, works ok")
		equal(t, "ratio", PassRatio(outcomes(r)), 1)
	})
}

func TestCheckThatHangsIsNotStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		release := make(chan struct{})
		r := run(t, []Check{says("hangs", func(context.Context) (string, error) {
			runs.Add(1)
			<-release
			return "good", nil
		})}, DefaultOptions(), nil)
		pass(10 * time.Minute)
		equal(t, "statuses", statuses(r), "hangs timeout")
		equal(t, "runs", runs.Load(), 1)
		close(release)
		pass(time.Minute)
		equal(t, "statuses", statuses(r), "hangs ok")
		equal(t, "runs", runs.Load(), 2)
	})
}

func TestPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var normal, slow atomic.Int32
		a := says("a", func(context.Context) (string, error) { normal.Add(1); return "good", nil })
		b := says("b", func(context.Context) (string, error) { slow.Add(1); return "good", nil })
		b.Pace = Slow
		r := run(t, []Check{a, b}, DefaultOptions(), nil)
		equal(t, "at once", statuses(r), "a ok, b ok")
		pass(time.Hour)
		equal(t, "normal runs", normal.Load(), 61)
		equal(t, "slow runs", slow.Load(), 5)
	})
}

// What takes long does not keep the others waiting.
func TestSlowChecksDelayNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var normal atomic.Int32
		a := says("a", func(context.Context) (string, error) { normal.Add(1); return "good", nil })
		b := says("b", func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() })
		b.Pace = Slow
		o := DefaultOptions()
		o.SlowInterval = 2 * time.Minute
		_ = run(t, []Check{a, b}, o, nil)
		pass(time.Hour)
		equal(t, "normal runs", normal.Load(), 61)
	})
}

func TestCloseEndsARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []Change
		r := newRunner([]Check{says("waits", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})}, fstest.MapFS{}, DefaultOptions(), nil, each(func(c Change) { changes = append(changes, c) }))
		r.Close() // unstarted
		r.Start()
		synctest.Wait()
		r.Close()
		r.Close()
		equal(t, "outcomes", len(outcomes(r)), 0)
		equal(t, "changes", len(changes), 0)
	})
}

func TestDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		script := []struct {
			value string
			err   error
			want  string
		}{
			{"good", nil, ""},
			{"good", nil, ""},
			{"bad", nil, "x.good high changed good bad pass fail, x.value medium changed good bad  "},
			{"worse", nil, "x.good high changed bad worse fail fail, x.value medium changed bad worse  "},
			{"", errors.New("no"), "status medium changed ok error  "},
			{"", errors.New("no"), ""},
			{"worse", nil, "status medium changed error ok  "},
			{"none", nil, "x.good high removed worse  fail , x.value medium removed worse   "},
			{"good", nil, "x.good high added  good  pass, x.value medium added  good  "},
		}
		var step atomic.Int32
		c := says("x", func(context.Context) (string, error) { s := script[step.Load()]; return s.value, s.err })
		inner := c.Run
		c.Run = func(ctx context.Context, h *Host, f *Findings) error {
			if script[step.Load()].value == "none" {
				return nil
			}
			return inner(ctx, h, f)
		}
		_ = run(t, []Check{c}, DefaultOptions(), func(c Change) {
			equal(t, "check", c.Check, "x")
			equal(t, "time", c.Time, time.Now())
			seen = append(seen, fmt.Sprintf("%s %s %s %s %s %s %s", c.Item, c.Severity, c.Kind, c.Old, c.New, c.Was, c.Is))
		})
		for i := range script {
			equal(t, fmt.Sprintf("changes of step %d", i), strings.Join(seen, ", "), script[i].want)
			seen = nil
			if i+1 < len(script) {
				step.Store(int32(i + 1))
				pass(time.Minute)
			}
		}
	})
}

func TestSelection(t *testing.T) {
	level2 := Rule{ID: "a.two", Severity: High, Level: 2}
	low := Rule{ID: "a.low", Severity: Low, Level: 1}
	high := Rule{ID: "a.high", Severity: Critical, Level: 1}
	a := Check{ID: "a", Category: SSH, Rules: []Rule{level2, low, high}, Run: func(_ context.Context, _ *Host, f *Findings) error {
		f.Judge("a.two", true, "")
		f.Judge("a.low", false, "")
		f.Judge("a.high", true, "")
		f.Judge("a.own", true, "")
		return nil
	}}
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"cis-1", Options{Profile: CIS1}, "a.low low, a.high critical, a.own medium"},
		{"cis-2", Options{Profile: CIS2}, "a.two high, a.low low, a.high critical, a.own medium"},
		{"minimal", Options{Profile: Minimal}, "a.high critical"},
		{"a rule more", Options{Profile: Minimal, Enabled: []string{"a.two"}}, "a.two high, a.high critical"},
		{"a check more", Options{Profile: Minimal, Enabled: []string{"a"}}, "a.two high, a.low low, a.high critical, a.own medium"},
		{"a rule less", Options{Profile: CIS1, Disabled: []string{"a.low"}}, "a.high critical, a.own medium"},
		{"severity", Options{Profile: Minimal, Severities: map[string]Severity{"a.high": Low}}, "a.high low"},
		{"without the check", Options{Profile: CIS1, Disabled: []string{"a"}}, ""},
		{"without the category", Options{Profile: CIS1, Disabled: []string{"ssh"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.o.Limit = 10
			r := newRunner([]Check{a}, fstest.MapFS{}, test.o, nil, nil)
			r.runAll(t.Context(), Normal)
			var got []string
			for _, o := range outcomes(r) {
				for _, result := range o.Results {
					got = append(got, result.Rule+" "+string(result.Severity))
				}
			}
			equal(t, "results", strings.Join(got, ", "), test.want)
		})
	}
}

func TestPassRatio(t *testing.T) {
	equal(t, "of nothing", PassRatio(nil), 0)
	equal(t, "of a quarter", PassRatio([]Outcome{
		{Results: []Result{{Pass: true}, {}}}, {Results: []Result{{}, {}}}, {},
	}), 0.25)
}

// The table is what documentation and configuration rely on.
func TestTable(t *testing.T) {
	ids := map[string]bool{}
	unique := func(id string) {
		if ids[id] || id == "" {
			t.Errorf("ID %q is not unique", id)
		}
		ids[id] = true
	}
	categories := map[Category]bool{}
	for _, c := range All() {
		unique(c.ID)
		categories[c.Category] = true
		if c.Reads == "" || c.Run == nil || c.Category == "" || len(c.Metrics)+len(c.Rules) == 0 {
			t.Errorf("%s is not complete", c.ID)
		}
		for _, r := range c.Rules {
			unique(r.ID)
			if !strings.HasPrefix(r.ID, c.ID+".") || r.ID != strings.ToLower(r.ID) {
				t.Errorf("%s is not a name for a rule of %s", r.ID, c.ID)
			}
			if !slices.Contains([]Severity{Low, Medium, High, Critical}, r.Severity) || r.Level < 1 || r.Level > 2 {
				t.Errorf("%s has severity %q and level %d", r.ID, r.Severity, r.Level)
			}
			for _, line := range []string{r.Rationale, r.Remedy} {
				if !strings.HasSuffix(line, ".") || strings.Contains(line, "\n") {
					t.Errorf("%s: %q is not a sentence", r.ID, line)
				}
			}
		}
	}
	for c := range categories {
		if ids[string(c)] {
			t.Errorf("%s is the name of a category and of a check", c)
		}
	}
}
