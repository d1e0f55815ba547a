package check

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

const metricHostsOptions = "linux.security.hosts_options_info"

func hostsAccess() Check {
	return Check{
		ID:       "hosts_options",
		Category: Network,
		Reads:    "/etc/hosts.allow, /etc/hosts.deny",
		Metrics:  []string{metricHostsOptions},
		Run:      runHostsAccess,
	}
}

func runHostsAccess(_ context.Context, h *Host, f *Findings) error {
	for _, file := range []string{"hosts.allow", "hosts.deny"} {
		b, err := h.ReadIfAny("etc/" + file)
		f.Problem(err)
		action := strings.TrimPrefix(file, "hosts.")
		for line := range joinedLines(b) {
			if err := showAccess(f, file, action, line); err != nil {
				f.Problem(fmt.Errorf("/etc/%s: %w", file, err))
			}
		}
	}
	return nil
}

// showAccess adds a point for each service and host of a rule.
func showAccess(f *Findings, file, action, line string) error {
	rule, ok := parseAccess(line, action)
	if !ok {
		return fmt.Errorf("not a rule: %q", Text(line))
	}
	for _, service := range rule.services {
		for _, host := range rule.hosts {
			f.Point(metricHostsOptions, 1, "file", file, "service", service, "host", host, "action", rule.action)
			f.Watch("hosts_options."+file+" "+service+" "+host, rule.action)
		}
	}
	if rule.overflow > 0 {
		f.Overflow += rule.overflow
		f.WatchSecret("hosts_options."+file+" more", number(uint32(rule.overflow))+" more", line)
	}
	return nil
}

// An access is a rule of hosts_access(5).
type access struct {
	services, hosts []string
	action          string
	overflow        int // services and hosts that were too many
}

// maxAccessLine is more than libwrap takes, in bytes.
const maxAccessLine = 64 << 10

// maxAccessList is how many services, and how many hosts, a rule may have.
const maxAccessList = 500

// parseAccess reads services : hosts : options, with colons that a backslash or
// brackets keep from separating.
func parseAccess(line, action string) (a access, ok bool) {
	if len(line) > maxAccessLine {
		return a, false
	}
	fields := splitColons(line)
	if len(fields) < 2 {
		return a, false
	}
	a = access{services: accessList(fields[0]), hosts: accessList(fields[1]), action: action}
	for _, list := range []*[]string{&a.services, &a.hosts} {
		a.overflow += max(0, len(*list)-maxAccessList)
		*list = (*list)[:min(len(*list), maxAccessList)]
	}
	for _, option := range fields[2:] {
		word, _ := field1(strings.TrimSpace(option))
		switch word = strings.ToLower(word); word {
		case "allow", "deny", "spawn", "twist":
			a.action = word
		}
	}
	return a, len(a.services) > 0 && len(a.hosts) > 0
}

// accessList splits a list at commas and white space, unless some are excepted.
func accessList(s string) []string {
	list := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t", r) })
	for _, word := range list {
		if strings.EqualFold(word, "EXCEPT") {
			return []string{strings.Join(list, " ")}
		}
	}
	return list
}

func splitColons(s string) []string {
	var fields []string
	var b strings.Builder
	brackets := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && s[i+1] == ':':
			i++
			b.WriteByte(':')
		case c == ':' && !brackets:
			fields = append(fields, b.String())
			b.Reset()
		default:
			brackets = c == '[' || brackets && c != ']'
			b.WriteByte(c)
		}
	}
	return append(fields, b.String())
}

// joinedLines are lines after those that end with a backslash have been
// joined, without empty ones and comments.
func joinedLines(b []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		whole := strings.ReplaceAll(string(b), "\\\n", "")
		for line := range lines([]byte(whole)) {
			if !yield(line) {
				return
			}
		}
	}
}
