package check

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

const metricSSHD = "linux.security.sshd_config_info"

// sshd shows the effective configuration. It is what sshd -T says, but for what
// depends on sshd's version or build: lists of algorithms are shown as they are
// written, and what is not written is left out where its default has changed.
func sshd() Check {
	return Check{
		ID:       "sshd",
		Category: SSH,
		Reads:    "/etc/ssh/sshd_config, or /usr/etc/ssh/sshd_config, and what it includes",
		Metrics:  []string{metricSSHD},
		Rules:    sshdRules(),
		Run:      runSSHD,
	}
}

func runSSHD(_ context.Context, h *Host, f *Findings) error {
	c := newSSHDConfig()
	err := c.read(h, "etc/ssh/sshd_config", c.global, 0)
	if errors.Is(err, fs.ErrNotExist) {
		err = c.read(h, "usr/etc/ssh/sshd_config", c.global, 0)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there is no sshd
	}
	if err != nil {
		return err
	}
	for _, problem := range c.problems {
		f.Problem(problem)
	}
	if c.unsure {
		delete(c.global.values, "listenaddress") // without ports
	} else {
		c.global.complete()
	}
	c.judge(f)
	c.global.show(f)
	for _, block := range c.matches {
		block.show(f)
	}
	return nil
}

// complete adds the defaults.
func (b *sshdBlock) complete() {
	for _, line := range sshdDefaults() {
		key, value, _ := strings.Cut(line, " ")
		b.setDefault(key, value)
	}
	b.setDefault("port", "22")
	b.values["listenaddress"] = b.listens()
	if !slices.Contains(b.keys, "listenaddress") {
		b.keys = append(b.keys, "listenaddress")
	}
}

func (b *sshdBlock) setDefault(key, value string) {
	if _, ok := b.values[key]; !ok {
		b.keys = append(b.keys, key)
		b.values[key] = []string{value}
	}
}

// listens returns addresses with ports. An address without one is listened to
// on all ports there are.
func (b *sshdBlock) listens() []string {
	addresses := b.values["listenaddress"]
	if len(addresses) == 0 {
		family := b.values["addressfamily"][0]
		if family != "inet" {
			addresses = append(addresses, "::")
		}
		if family != "inet6" {
			addresses = append(addresses, "0.0.0.0")
		}
	}
	var all []string
	for _, a := range addresses {
		_, err := netip.ParseAddr(a)
		if err != nil && strings.Contains(a, ":") && !strings.HasSuffix(a, "]") {
			all = append(all, a)
			continue
		}
		for _, port := range b.values["port"] {
			all = append(all, net.JoinHostPort(strings.Trim(a, "[]"), port))
		}
	}
	return all
}

// show adds a point for each value. Those of a Match block have its criteria
// beside their key.
func (b *sshdBlock) show(f *Findings) {
	for _, key := range b.keys {
		name := key
		if b.criteria != "" {
			name += " [" + b.criteria + "]"
		}
		for _, value := range b.values[key] {
			f.Point(metricSSHD, 1, "info_key", name, "info_value", value)
		}
		f.Watch("sshd."+name, strings.Join(b.values[key], " "))
	}
}

// judge answers the rules. One that passes for all connections fails if it does
// not for those of a Match block.
func (c *sshdConfig) judge(f *Findings) {
	rules := sshdGood()
	for _, r := range sshdRules() {
		key := strings.TrimPrefix(r.ID, "sshd.")
		good, ok := rules[key]
		if !ok {
			continue // not of one option
		}
		value := c.global.value(key)
		if c.unsure && value == "" {
			continue
		}
		pass := good(value)
		if value == "" {
			value = "default"
		}
		for _, block := range c.matches {
			if _, ok := block.values[key]; !ok {
				continue
			}
			if inside := block.value(key); !good(inside) {
				pass = false
				value += ", but " + inside + " for " + block.criteria
			}
		}
		f.Judge("sshd."+key, pass, value)
	}
	if !c.unsure {
		c.judgeSeveral(f)
	}
}

// judgeSeveral answers the rules that are about more than one option.
func (c *sshdConfig) judgeSeveral(f *Findings) {
	interval, count := c.global.value("clientaliveinterval"), c.global.value("clientalivecountmax")
	f.Judge("sshd.client_alive", isBetween(interval, 1, math.MaxInt32) && isBetween(count, 1, math.MaxInt32), interval+" × "+count)
	var limits []string
	for _, key := range []string{"allowusers", "allowgroups", "denyusers", "denygroups"} {
		if len(c.global.values[key]) > 0 {
			limits = append(limits, key)
		}
	}
	f.Judge("sshd.access", len(limits) > 0, listed(limits))
}

// value is an option's, with all that it has.
func (b *sshdBlock) value(key string) string { return strings.Join(b.values[key], " ") }

// sshdGood says of options which values are good.
func sshdGood() map[string]func(string) bool {
	is := func(want ...string) func(string) bool {
		return func(value string) bool {
			return slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(w, value) })
		}
	}
	atMost := func(low, high int64) func(string) bool {
		return func(value string) bool { return isBetween(value, low, high) }
	}
	return map[string]func(string) bool{
		"permitrootlogin":         is("no"),
		"permitemptypasswords":    is("no"),
		"permituserenvironment":   is("no"),
		"hostbasedauthentication": is("no"),
		"ignorerhosts":            is("yes"),
		"gssapiauthentication":    is("no"),
		"disableforwarding":       is("yes"),
		"passwordauthentication":  is("no"),
		"strictmodes":             is("yes"),
		"usepam":                  is("yes"),
		"loglevel":                is("INFO", "VERBOSE"),
		"logingracetime":          atMost(1, 60),
		"maxauthtries":            atMost(1, 4),
		"maxsessions":             atMost(1, 10),
		"maxstartups":             isTightStartups,
		"banner":                  func(value string) bool { return value != "none" },
		"ciphers":                 func(value string) bool { return !hasWeak(value, "", "*-cbc", "*-cbc@*", "arcfour*") },
		"kexalgorithms":           func(value string) bool { return !hasWeak(value, "", "*-sha1") },
		"macs": func(value string) bool {
			const defaults = "umac-64@openssh.com,umac-64-etm@openssh.com"
			return !hasWeak(value, defaults, "*-md5*", "hmac-ripemd160*", "hmac-sha1-96*", "umac-64@*", "umac-64-etm@*")
		},
	}
}

// isTightStartups wants 10:30:60, or less of each.
func isTightStartups(value string) bool {
	limits := []int{10, 30, 60}
	parts := strings.Split(value, ":")
	if len(parts) != len(limits) {
		return false
	}
	// The middle one is a chance in percent: the more, the tighter.
	begin, err1 := strconv.Atoi(parts[0])
	rate, err2 := strconv.Atoi(parts[1])
	full, err3 := strconv.Atoi(parts[2])
	return errors.Join(err1, err2, err3) == nil && begin <= limits[0] && rate >= limits[1] && full <= limits[2]
}

// hasWeak says whether a list of algorithms lets a weak one in. A list may add
// to sshd's defaults with + and ^, and take from them with -. Of the defaults it
// needs to know only those that are weak.
func hasWeak(list, defaults string, weak ...string) bool {
	have := words(list)
	switch {
	case list == "":
		have = words(defaults)
	case list[0] == '+' || list[0] == '^':
		have = append(words(list[1:]), words(defaults)...)
	case list[0] == '-':
		gone := words(list[1:])
		have = slices.DeleteFunc(words(defaults), func(d string) bool { return matchesAny(d, gone) })
	}
	return slices.ContainsFunc(have, func(a string) bool { return matchesAny(a, weak) })
}

func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return err == nil && ok
	})
}
