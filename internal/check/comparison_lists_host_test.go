//go:build linux && host

package check

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A counterlist is what Lynis only lists, as we do.
type counterlist struct {
	name, metric, test string
	ours               func(p Point) (string, bool)
	lynis              func(report string) []string
	// Of these expressions, what matches is only in our list, or only in that of
	// Lynis, for a reason.
	onlyOurs, onlyLynis, why string
}

func counterlists() []counterlist {
	service := func(label string) func(p Point) (string, bool) {
		return func(p Point) (string, bool) { return p.Label("service_name"), p.Label(label) == "true" }
	}
	return []counterlist{
		{
			name: "number of packages", metric: metricPackageCount, test: "PKGS-7345",
			ours:  func(p Point) (string, bool) { return fmt.Sprint(p.Value), true },
			lynis: reported("installed_packages="),
		},
		{
			name: "services that run", metric: metricServices, test: "BOOT-5177",
			ours: service("is_running"), lynis: reported("running_service[]="),
		},
		{
			name: "services that are enabled", metric: metricServices, test: "BOOT-5177",
			ours: service("is_enabled"), lynis: reported("boot_service[]="),
			onlyOurs: ".@.|^console-getty$|^systemd-remount-fs$", onlyLynis: "@$",
			why: "Lynis names templates, we name their instances, and what is enabled until the next boot.",
		},
		{name: "ports", metric: metricPorts, test: "NETW-3012", ours: listedPort, lynis: lynisPorts},
		{
			name: "users", metric: metricAccount, test: "AUTH-9234",
			ours: listedUser, lynis: reported("real_user[]="),
			onlyOurs: "^zero,0$", onlyLynis: "^zero,00$", why: "Lynis takes the number as it is written.",
		},
	}
}

// reported are the values of a key in the report of Lynis.
func reported(key string) func(report string) []string {
	return func(report string) []string {
		var all []string
		for line := range strings.Lines(report) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok {
				all = append(all, value)
			}
		}
		return all
	}
}

func listedPort(p Point) (string, bool) {
	addr := p.Label("local_ip")
	if strings.Contains(addr, ":") {
		addr = "[" + addr + "]"
	}
	return fmt.Sprintf("%s %s:%s %s", strings.TrimSuffix(p.Label("protocol"), "6"), addr, p.Label("local_port"), p.Label("process")), true
}

// lynisPorts reads what Lynis makes of the lines of ss: raw,ss,v1|tcp|addr:port|process|.
func lynisPorts(report string) []string {
	var all []string
	for _, value := range reported("network_listen[]=raw,ss,v1|")(report) {
		fields := strings.Split(value, "|")
		processes, _, _ := strings.Cut(fields[2], ",")
		all = append(all, fields[0]+" "+strings.Replace(fields[1], "*:", "[::]:", 1)+" "+processes)
	}
	return all
}

// listedUser knows root and those who are not services.
func listedUser(p Point) (string, bool) {
	uid, err := strconv.Atoi(p.Label("uid"))
	return p.Label("username") + "," + p.Label("uid"), err == nil && (uid == 0 || uid >= 1000 && uid != 65534)
}

// ourLists are those of the root that this process sees.
func ourLists(t *testing.T, outcomes []Outcome) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, list := range counterlists() {
		for _, o := range outcomes {
			for _, p := range o.Points {
				if text, ok := list.ours(p); ok && p.Metric == list.metric {
					all[list.name] = append(all[list.name], text)
				}
			}
		}
	}
	return all
}

// compareLists wants the same in both, but for what there is a reason for.
func compareLists(t *testing.T, tree string, j judgement) {
	t.Helper()
	for _, list := range counterlists() {
		ours, theirs := j.Lists[list.name], j.lists[list.name]
		if len(ours) == 0 || len(theirs) == 0 {
			t.Errorf("%s: of %s we list %d, Lynis %d", tree, list.name, len(ours), len(theirs))
		}
		for _, text := range missing(ours, theirs, list.onlyOurs) {
			t.Errorf("%s: of %s only we list %q", tree, list.name, text)
		}
		for _, text := range missing(theirs, ours, list.onlyLynis) {
			t.Errorf("%s: of %s only Lynis lists %q", tree, list.name, text)
		}
	}
}

// missing are those that are not among others, without what may be missing.
func missing(all, others []string, may string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(text string) bool {
		return slices.Contains(others, text) || may != "" && regexp.MustCompile(may).MatchString(text)
	})
}
