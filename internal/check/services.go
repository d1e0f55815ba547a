package check

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

const metricServices = "linux.security.services_info"

// An unwanted service is one that CIS wants only where it is needed.
type unwanted struct {
	rule     string
	severity Severity
	level    int
	cis      string
	units    []string
	what     string
}

func unwantedServices() []unwanted {
	return []unwanted{
		{"automounter", Low, 1, "2.1.1", []string{"autofs"}, "mounts what anyone plugs in"},
		{"avahi", Medium, 1, "2.1.2", []string{"avahi-daemon"}, "tells the network what the host has"},
		{"dhcp", Medium, 1, "2.1.3", []string{"isc-dhcp-server", "isc-dhcp-server6", "dhcpd", "kea-dhcp4-server"}, "gives addresses and routes to others"},
		{"dns", Low, 1, "2.1.4", []string{"bind9", "named"}, "answers names to others"},
		{"dnsmasq", Low, 1, "2.1.5", []string{"dnsmasq"}, "answers names and gives addresses to others"},
		{"ftp", High, 1, "2.1.6", []string{"vsftpd", "proftpd", "pure-ftpd"}, "takes passwords in clear"},
		{"ldap", Low, 1, "2.1.7", []string{"slapd"}, "serves a directory"},
		{"mail_access", Low, 1, "2.1.8", []string{"dovecot"}, "serves mailboxes"},
		{"nfs", Medium, 1, "2.1.9", []string{"nfs-server", "nfs-kernel-server"}, "shares files with whoever says to be a user"},
		{"nis", High, 1, "2.1.10", []string{"ypserv"}, "gives password hashes to the network"},
		{"print", Low, 1, "2.1.11", []string{"cups"}, "prints for others"},
		{"rpcbind", Medium, 1, "2.1.12", []string{"rpcbind"}, "tells and amplifies"},
		{"rsync", Medium, 1, "2.1.13", []string{"rsync", "rsyncd"}, "shares files without encryption"},
		{"samba", Medium, 1, "2.1.14", []string{"smbd", "smb", "nmbd"}, "shares files"},
		{"snmp", Medium, 1, "2.1.15", []string{"snmpd"}, "takes its passwords in clear"},
		{"tftp", High, 1, "2.1.16", []string{"tftpd-hpa", "tftp", "atftpd"}, "shares files without asking who"},
		{"proxy", Low, 1, "2.1.17", []string{"squid"}, "reaches other hosts for others"},
		{"web", Low, 1, "2.1.18", []string{"apache2", "httpd", "nginx", "lighttpd"}, "is what the network attacks first"},
		{"xinetd", Medium, 1, "2.1.19", []string{"xinetd", "inetd", "openbsd-inetd"}, "starts old services without encryption"},
		{"display", Low, 2, "2.1.20", []string{"gdm", "gdm3", "lightdm", "sddm", "xdm", "display-manager"}, "is not needed on a server"},
	}
}

func servicesInfo() Check {
	c := Check{
		ID:       "service",
		Category: Services,
		Reads:    "systemd (D-Bus), or unit files, their links and control groups; or OpenRC's run levels",
		Metrics:  []string{metricServices},
		Run:      runServices,
	}
	for _, u := range unwantedServices() {
		c.Rules = append(c.Rules, Rule{
			"service." + u.rule, u.severity, u.level, u.cis,
			"A service that " + u.what + " should run only where that is wanted.",
			"Run systemctl disable --now " + u.units[0] + ", or disable this rule where the service is wanted.",
		})
	}
	return c
}

func runServices(_ context.Context, h *Host, f *Findings) error {
	list := h.services()
	f.Problem(list.err)
	on, unsure := map[string]bool{}, map[string]bool{}
	for _, s := range list.all {
		name, isService := strings.CutSuffix(s.Name, ".service")
		if list.manager == "systemd" && !isService {
			continue
		}
		running, enabled := s.labels()
		f.Point(metricServices, 1, "service_name", name, "is_running", running, "service_type", list.manager, "is_enabled", enabled)
		if s.State == unknown || list.instead {
			f.Unsure("service.unit."+name, s.State)
		} else {
			f.Watch("service.unit."+name, s.State)
		}
		on[name] = s.Running || s.enabled()
		unsure[name] = s.Unknown || s.State == unknown
	}
	if list.err != nil || list.manager == "" {
		return nil // a service that was not seen may be there
	}
	for _, u := range unwantedServices() {
		found := slices.DeleteFunc(slices.Clone(u.units), func(name string) bool { return !on[name] })
		f.JudgeNone("service."+u.rule, found, !slices.ContainsFunc(u.units, func(name string) bool { return unsure[name] }))
	}
	return nil
}

// A serviceList is what is known of the host's services.
type serviceList struct {
	manager string // "" if there is none
	all     []Service
	err     error
	// instead says that systemd did not answer, and that its files were read.
	instead bool
}

// listTime is how long it may take to list services.
const listTime = 10 * time.Second

// services lists them, once per run.
func (h *Host) services() serviceList { return h.serviceList() }

func (h *Host) listServices() serviceList {
	ctx, cancel := context.WithTimeout(context.Background(), listTime)
	defer cancel()
	// systemd makes this directory when it is the first process.
	var silent error
	if _, err := h.Stat("run/systemd/system"); err == nil && h.Systemd != nil {
		all, err := h.Systemd.Services(ctx)
		if err == nil {
			return serviceList{manager: "systemd", all: all}
		}
		silent = ignoreAbsent(err) // a container may have no socket of it
	}
	for _, dir := range []string{"usr/lib/systemd/system", "lib/systemd/system"} {
		is, err := h.isDir(dir)
		if is {
			all, err := h.unitFiles(ctx)
			return serviceList{"systemd", all, errors.Join(silent, err), silent != nil}
		}
		if err != nil {
			return serviceList{err: err}
		}
	}
	if is, err := h.isDir("etc/runlevels"); !is {
		return serviceList{err: err}
	}
	all, err := h.openRC()
	return serviceList{manager: "openrc", all: all, err: err}
}
