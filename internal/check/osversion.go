package check

import (
	"context"
	"errors"
	"io/fs"
	"strings"
)

const metricOSVersion = "linux.security.os_version_info"

// osReleaseKeys are those that are shown; os-release(5) has more, which are
// addresses of web pages.
var osReleaseKeys = [...]string{
	"PRETTY_NAME", "NAME", "VERSION", "VERSION_ID", "VERSION_CODENAME", "ID", "ID_LIKE", "VARIANT_ID", "BUILD_ID",
}

func osVersion() Check {
	return Check{
		ID:       "os_version",
		Category: System,
		Reads:    "/etc/os-release, or /usr/lib/os-release",
		Metrics:  []string{metricOSVersion},
		Run:      runOSVersion,
	}
}

func runOSVersion(_ context.Context, h *Host, f *Findings) error {
	b, err := h.Read("etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		b, err = h.Read("usr/lib/os-release")
	}
	if err != nil {
		return err
	}
	release := parseOSRelease(b)
	var labels []string
	for _, key := range osReleaseKeys {
		name := strings.ToLower(key)
		if key == "NAME" {
			name = "os_name"
		}
		labels = append(labels, name, release[key])
	}
	f.Point(metricOSVersion, 1, labels...)
	f.Watch("os_version", release["PRETTY_NAME"])
	return nil
}

// parseOSRelease reads os-release(5): assignments as in a shell, without
// anything being expanded. The last of a key holds.
func parseOSRelease(b []byte) map[string]string {
	release := map[string]string{}
	for line := range lines(b) {
		if key, value, ok := strings.Cut(line, "="); ok {
			release[key] = unquote(value)
		}
	}
	return release
}

// unquote takes a shell's quotes from a value. Within double quotes and
// without quotes a backslash keeps the next byte; within single quotes it is
// one.
func unquote(s string) string {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
