package check

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

const metricMountOption = "linux.security.mount_option"

// A mountRule is what is expected of a directory that users fill.
type mountRule struct {
	path    string
	level   int      // of being a file system of its own
	cis     string   // of that; the options follow
	options []string // in the order of their numbers
}

func mountTable() []mountRule {
	return []mountRule{
		{"/tmp", 1, "1.1.2.1", []string{"nodev", "nosuid", "noexec"}},
		{"/dev/shm", 1, "1.1.2.2", []string{"nodev", "nosuid", "noexec"}},
		{"/home", 2, "1.1.2.3", []string{"nodev", "nosuid"}},
		{"/var", 2, "1.1.2.4", []string{"nodev", "nosuid"}},
		{"/var/tmp", 2, "1.1.2.5", []string{"nodev", "nosuid", "noexec"}},
		{"/var/log", 2, "1.1.2.6", []string{"nodev", "nosuid", "noexec"}},
		{"/var/log/audit", 2, "1.1.2.7", []string{"nodev", "nosuid", "noexec"}},
	}
}

func mountOptions() Check {
	c := Check{
		ID:       "mount_options",
		Category: Files,
		Reads:    "/proc/1/mountinfo",
		Metrics:  []string{metricMountOption},
		Run:      runMountOptions,
	}
	why := map[string]string{
		"nodev":  "A user who can make a device file there reads disks and memory through it.",
		"nosuid": "A set-uid program that gets there gives its rights to any user.",
		"noexec": "An attacker's first download lands there, and should not run.",
	}
	for _, m := range mountTable() {
		c.Rules = append(c.Rules, Rule{
			m.id("separate"), Low, m.level, m.cis + ".1",
			"Who fills it takes no space from the rest of the system, and it can have mount options.",
			"Give " + m.path + " a file system of its own in /etc/fstab, or a tmpfs.",
		})
		for i, option := range m.options {
			c.Rules = append(c.Rules, Rule{
				m.id(option), Medium, 1, m.cis + "." + strconv.Itoa(i+2), why[option],
				"Add " + option + " to the options of " + m.path + " in /etc/fstab, and mount -o remount it.",
			})
		}
	}
	return c
}

func (m mountRule) id(rule string) string {
	return "mount_options." + strings.ReplaceAll(m.path[1:], "/", "_") + "." + rule
}

// runMountOptions asks for options only of what is mounted: those of the file
// system that a directory is part of serve others.
func runMountOptions(_ context.Context, h *Host, f *Findings) error {
	all, err := h.mounts()
	if err != nil {
		return err
	}
	for _, m := range mountTable() {
		at, separate := mountAt(all, m.path)
		if !separate {
			if _, err := h.Stat(m.path); err != nil {
				f.Problem(nothing(err))
				continue
			}
			f.Judge(m.id("separate"), false, "part of another file system")
			continue
		}
		f.Judge(m.id("separate"), true, at.kind)
		for _, option := range []string{"nodev", "nosuid", "noexec"} {
			on := at.has(option)
			f.Point(metricMountOption, asNumber(on), "path", m.path, "option", option)
			if slices.Contains(m.options, option) {
				f.Judge(m.id(option), on, strings.Join(at.options, ","))
			} else {
				f.Watch(m.id(option), onOff(on))
			}
		}
	}
	return nil
}
