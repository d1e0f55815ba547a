package check

import (
	"context"
	"errors"
	"io/fs"
	"strings"
)

const (
	metricSELinuxConfig = "linux.security.selinux_config"
	metricSELinuxMode   = "linux.security.selinux_mode"
)

func selinux() Check {
	return Check{
		ID:       "selinux",
		Category: MAC,
		Reads:    "/etc/selinux/config, /sys/fs/selinux/enforce, /proc/filesystems",
		Metrics:  []string{metricSELinuxConfig, metricSELinuxMode},
		Rules: []Rule{
			{
				"selinux.mode", High, 1, "",
				"Only while SELinux enforces its policy does it keep a taken service within its bounds.",
				"Run setenforce 1; if it is disabled, set SELINUX=enforcing in /etc/selinux/config and reboot.",
			},
			{
				"selinux.config", Medium, 1, "",
				"What is set in the file holds after the next boot.",
				"Set SELINUX=enforcing in /etc/selinux/config.",
			},
		},
		Run: runSELinux,
	}
}

// errNoSELinuxFS says that SELinux runs, and its file system cannot be seen.
var errNoSELinuxFS = errors.New("selinuxfs is not mounted here")

func runSELinux(_ context.Context, h *Host, f *Findings) error {
	config, err := h.ReadIfAny("etc/selinux/config")
	f.Problem(err)
	if config != nil {
		settings := parseSELinux(config)
		value := strings.ToLower(settings.get("SELINUX", ""))
		f.Judge("selinux.config", value == "enforcing", value)
		settings.show(f, metricSELinuxConfig, "selinux.config")
	}
	mode, err := h.selinuxMode()
	if err != nil {
		return err
	}
	for _, m := range []string{"enforcing", "permissive", "disabled"} {
		f.Point(metricSELinuxMode, asNumber(m == mode), "mode", m)
	}
	if config != nil || mode != "disabled" { // else the host is not made for it
		f.Judge("selinux.mode", mode == "enforcing", mode)
	}
	return nil
}

// selinuxMode asks the kernel. The file of the mode is there if SELinux is on.
func (h *Host) selinuxMode() (string, error) {
	enforce, err := h.Line("sys/fs/selinux/enforce")
	switch {
	case err == nil && enforce == "1":
		return "enforcing", nil
	case err == nil:
		return "permissive", nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	filesystems, err := h.Read("proc/filesystems")
	if err != nil {
		return "", err
	}
	if strings.Contains(string(filesystems), "selinuxfs") {
		return "", &fs.PathError{Op: "open", Path: "/sys/fs/selinux/enforce", Err: errNoSELinuxFS}
	}
	return "disabled", nil
}

// parseSELinux reads assignments. The last of two holds.
func parseSELinux(b []byte) *settings {
	s := newSettings()
	for line := range lines(b) {
		if key, value, ok := strings.Cut(line, "="); ok {
			s.set(strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
	return s
}

func asNumber(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
