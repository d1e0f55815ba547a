package check

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const metricSysctl = "linux.security.sysctl_param_secure"

func sysctls() Check {
	c := Check{
		ID:       "sysctl",
		Category: Kernel,
		Reads:    "/proc/sys",
		Metrics:  []string{metricSysctl},
		Run:      runSysctl,
	}
	for _, p := range sysctlTable() {
		c.Rules = append(c.Rules, Rule{
			"sysctl." + p.param, p.severity, p.level, p.cis, p.rationale,
			"Set " + p.param + " to " + p.remedy() + " in a file of /etc/sysctl.d.",
		})
	}
	return c
}

// errOtherNetNS says that the parameters of the network that can be read are
// those of this process's container.
var errOtherNetNS = errors.New("the receiver is in another network namespace than the host")

func runSysctl(_ context.Context, h *Host, f *Findings) error {
	other := h.inOtherNetNS()
	if other {
		f.Problem(&fs.PathError{Op: "read", Path: "/proc/sys/net", Err: errOtherNetNS})
	}
	for _, p := range h.expectedSysctls() {
		if other && strings.HasPrefix(p.param, "net.") {
			continue
		}
		actual, err := h.Line("proc/sys/" + sysctlPath(p.param))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // this kernel does not have it
		case err != nil:
			f.Problem(err)
			continue
		}
		actual = strings.Join(strings.Fields(actual), " ")
		secure := isExpected(actual, p.expected)
		value := 0.0
		if secure {
			value = 1
		}
		f.Point(metricSysctl, value, "param", p.param, "name", p.name, "actual", actual, "expected", p.expected)
		f.Judge("sysctl."+p.param, secure, actual)
	}
	return nil
}

// expectedSysctls are the table and the user's own expectations, which win.
func (h *Host) expectedSysctls() []sysctl {
	var all []sysctl
	own := maps.Clone(h.Sysctl)
	for _, p := range sysctlTable() {
		if expected, ok := own[p.param]; ok {
			p.expected = expected
			delete(own, p.param)
		}
		if p.expected != "" {
			all = append(all, p)
		}
	}
	for _, param := range slices.Sorted(maps.Keys(own)) {
		if own[param] != "" {
			all = append(all, sysctl{param: param, name: param, expected: own[param]})
		}
	}
	return all
}

// inOtherNetNS says whether this process sees another network than the host's
// first process. Not all may look at that one.
func (h *Host) inOtherNetNS() bool {
	hosts, err := h.Link("proc/1/ns/net")
	return err == nil && h.NetNS != "" && hosts != h.NetNS
}

// sysctlPath makes a path of a parameter's name as sysctl(8) does: dots
// separate, unless a slash comes first.
func sysctlPath(param string) string {
	if i := strings.IndexAny(param, "./"); i >= 0 && param[i] == '/' {
		return param
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, param)
}

// isExpected compares a value with a value, values with commas between, or >=N.
func isExpected(actual, expected string) bool {
	if low, ok := strings.CutPrefix(expected, ">="); ok {
		want, err1 := strconv.ParseInt(strings.TrimSpace(low), 10, 64)
		have, err2 := strconv.ParseInt(actual, 10, 64)
		return err1 == nil && err2 == nil && have >= want
	}
	for value := range strings.SplitSeq(expected, ",") {
		if strings.TrimSpace(value) == actual {
			return true
		}
	}
	return false
}
