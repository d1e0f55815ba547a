package check

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const netHeader = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// kernelLine is a line of /proc/net as a kernel of this machine writes it.
func kernelLine(local, state string, inode int) string {
	at := netip.MustParseAddrPort(local)
	ip, zero := at.Addr().AsSlice(), ""
	for len(ip) > 0 {
		zero += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(ip))
		ip = ip[4:]
	}
	return fmt.Sprintf("   0: %s:%04X %s:0000 %s 00000000:00000000 00:00000000 00000000     0        0 %d 1 0000000000000000 100 0 0 10 0\n",
		zero, at.Port(), strings.Repeat("0", len(zero)), state, inode)
}

// portsTree is a host on which sshd, two programs of one server, and one that
// no package has, listen. Systemd holds a socket of sshd, too.
func portsTree(t testing.TB) tree {
	return newTree(t, map[string]string{
		"proc/1/net/tcp": netHeader + kernelLine("0.0.0.0:22", "0A", 10) + kernelLine("127.0.0.1:5432", "0A", 20) +
			kernelLine("10.1.2.3:22", "01", 11) + kernelLine("0.0.0.0:80", "0A", 30) + kernelLine("0.0.0.0:80", "0A", 31) + "not a line\n",
		"proc/1/net/tcp6": netHeader + kernelLine("[2001:db8::12:3456]:8080", "0A", 40) + kernelLine("[::ffff:127.0.0.1]:23", "0A", 99),
		"proc/1/net/udp":  netHeader + kernelLine("0.0.0.0:68", "07", 50) + kernelLine("10.1.2.3:1234", "01", 51) + kernelLine("0.0.0.0:40000", "07", 52),
		"proc/1/comm":     "systemd\n", "proc/1/exe": "-> /usr/lib/systemd/systemd", "proc/1/fd/3": "-> socket:[10]",
		"proc/2/comm": "sshd\n", "proc/2/exe": "-> /usr/sbin/sshd", "proc/2/fd/4": "-> socket:[10]", "proc/2/fd/5": "-> socket:[10]",
		"proc/3/comm": "web\n", "proc/3/exe": "-> /opt/web (deleted)", "proc/3/fd/6": "-> socket:[30]", "proc/3/fd/7": "-> socket:[40]",
		"proc/4/comm": "web\n", "proc/4/exe": "-> /opt/web (deleted)", "proc/4/fd/8": "-> socket:[31]",
		"proc/5/comm": "net\n", "proc/5/exe": "-> /tmp/net", "proc/5/fd/8": "-> socket:[50]", "proc/5/fd/9": "-> socket:[52]",
		"usr/sbin/sshd": "", "usr/lib/systemd/systemd": "", "tmp/net": "", "opt/web": "",
		"var/lib/dpkg/status":                   dpkgTestStatus,
		"var/lib/dpkg/info/openssh-server.list": "/usr/sbin/sshd\n",
	})
}

func TestPorts(t *testing.T) {
	expect(t, one(t, ports(), portsTree(t).host()), `
		ports_use_info{protocol="tcp",local_ip="0.0.0.0",local_port="22",state="LISTEN",process="systemd",exe_path="/usr/lib/systemd/systemd",version="",app_name="systemd"} 1
		ports_use_info{protocol="tcp",local_ip="0.0.0.0",local_port="22",state="LISTEN",process="sshd",exe_path="/usr/sbin/sshd",version="1:9.2p1-2",app_name="openssh-server"} 1
		ports_use_info{protocol="tcp",local_ip="0.0.0.0",local_port="80",state="LISTEN",process="web",exe_path="/opt/web",version="",app_name="web"} 1
		ports_use_info{protocol="tcp",local_ip="127.0.0.1",local_port="5432",state="LISTEN",process="unknown",exe_path="",version="",app_name="unknown"} 1
		ports_use_info{protocol="tcp6",local_ip="::ffff:127.0.0.1",local_port="23",state="LISTEN",process="unknown",exe_path="",version="",app_name="unknown"} 1
		ports_use_info{protocol="tcp6",local_ip="2001:db8::12:3456",local_port="8080",state="LISTEN",process="web",exe_path="/opt/web",version="",app_name="web"} 1
		ports_use_info{protocol="udp",local_ip="0.0.0.0",local_port="68",state="UNCONN",process="net",exe_path="/tmp/net",version="",app_name="net"} 1
		ports_use_info{protocol="udp",local_ip="0.0.0.0",local_port="40000",state="UNCONN",process="net",exe_path="/tmp/net",version="",app_name="net"} 1
		ports.cleartext pass (none)
		ports.container_api pass (none)
		ports.writable_directory fail (udp 0.0.0.0:68,udp 0.0.0.0:40000)
		ports.replaced_program fail (tcp 0.0.0.0:80,tcp6 [2001:db8::12:3456]:8080)
		status ok`)
}

func TestPortsInClear(t *testing.T) {
	h := newTree(t, map[string]string{
		"proc/1/comm":    "init\n",
		"proc/1/net/tcp": kernelLine("192.0.2.1:23", "0A", 1) + kernelLine("127.0.0.1:21", "0A", 2) + kernelLine("0.0.0.0:2375", "0A", 3),
		"proc/1/net/udp": kernelLine("0.0.0.0:69", "07", 4) + kernelLine("0.0.0.0:2375", "07", 5),
	})
	got := verdicts(one(t, ports(), h.host()))
	equal(t, "cleartext", got["ports.cleartext"], false)
	equal(t, "Docker's port", got["ports.container_api"], false)
	for _, r := range one(t, ports(), h.host()).Results {
		if r.Rule == "ports.cleartext" {
			equal(t, "ports", r.Value, "tcp 192.0.2.1:23,udp 0.0.0.0:69")
		}
	}
}

// What a program asks from is another port each time, and no change.
func TestPortsWatched(t *testing.T) {
	h := portsTree(t)
	h.write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n")
	var names []string
	for _, i := range one(t, ports(), h.host()).findings.Items {
		if i.Verdict == NotJudged {
			names = append(names, i.Name+" = "+i.Value)
		}
	}
	equal(t, "items", strings.Join(names, "\n"), `ports.tcp 0.0.0.0:22 = sshd /usr/sbin/sshd 1:9.2p1-2,systemd /usr/lib/systemd/systemd
ports.tcp 0.0.0.0:80 = web /opt/web
ports.tcp 127.0.0.1:5432 = none
ports.tcp6 [::ffff:127.0.0.1]:23 = none
ports.tcp6 [2001:db8::12:3456]:8080 = web /opt/web
ports.udp 0.0.0.0:68 = net /tmp/net`)
}

func TestPortsUnreadable(t *testing.T) {
	expect(t, one(t, ports(), newTree(t, nil).host()), "status unreadable")
	h := portsTree(t)
	if err := syscall.Mkfifo(filepath.Join(h.dir, "proc/1/net/udp6"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := one(t, ports(), h.host())
	equal(t, "status", o.Status, Unreadable)
	equal(t, "points", len(o.Points), 8)
}

func TestTooManyListeners(t *testing.T) {
	var b strings.Builder
	for i := range maxListeners + 10 {
		b.WriteString(kernelLine(fmt.Sprintf("127.0.0.1:%d", i%65535+1), "0A", i+1))
	}
	h := newTree(t, map[string]string{"proc/1/comm": "init\n", "proc/1/net/tcp": b.String(), "proc/1/net/udp": kernelLine("0.0.0.0:9", "07", 1)})
	all, err := h.host().listeners()
	equal(t, "listeners", len(all), maxListeners+1)
	equal(t, "kind", statusOf(err), Unreadable)
	equal(t, "points", len(one(t, ports(), h.host()).Points), DefaultLimit)
}

// Of a server with a million connections little more is read than what listens:
// the kernel lists that first. Sockets of UDP are in no order.
func TestConnectionsAreNotRead(t *testing.T) {
	var tcp, udp strings.Builder
	tcp.WriteString(netHeader + kernelLine("0.0.0.0:443", "0A", 1))
	for i := range 3 * maxConnections {
		tcp.WriteString(kernelLine("10.0.0.1:443", "01", 10+i))
		udp.WriteString(kernelLine("10.0.0.1:443", "01", 10+i))
	}
	tcp.WriteString(kernelLine("0.0.0.0:444", "0A", 2))
	udp.WriteString(kernelLine("0.0.0.0:53", "07", 3))
	h := newTree(t, map[string]string{"proc/1/net/tcp": tcp.String(), "proc/1/net/udp": udp.String()})
	all, err := h.host().listeners()
	equal(t, "error", err, nil)
	equal(t, "listeners", fmt.Sprint(all), "[tcp 0.0.0.0:443 udp 0.0.0.0:53]")
	line := []byte(kernelLine("10.0.0.1:443", "01", 10))
	equal(t, "allocations for a connection", testing.AllocsPerRun(10, func() { mayListen("tcp", line) }), 0)
}

func FuzzListener(f *testing.F) {
	f.Add("tcp", kernelLine("1.2.3.4:5", "0A", 6))
	f.Add("udp6", kernelLine("[1:2:3:4:5:6:7:8]:9", "07", 10))
	f.Fuzz(func(t *testing.T, protocol, line string) {
		l, ok := parseListener(protocol, line)
		if ok && (!l.local.IsValid() || l.state == "") {
			t.Errorf("%q is %v", line, l)
		}
		if ok && !strings.ContainsAny(line, "\t\n\v\f\r\u0085\u00a0") && !mayListen(protocol, []byte(line)) {
			t.Errorf("%q would not have been looked at", line)
		}
	})
}

// BenchmarkPorts looks at 1,000 processes with 1,000 listening sockets, and
// other files.
func BenchmarkPorts(b *testing.B) {
	files := map[string]string{"usr/bin/server": "", "proc/1/net/udp": netHeader}
	table := netHeader
	for i := range 1000 {
		dir := fmt.Sprintf("proc/%d/", i+1)
		table += kernelLine(fmt.Sprintf("127.0.0.1:%d", i+1), "0A", i+1)
		files[dir+"comm"], files[dir+"exe"] = "server\n", "-> /usr/bin/server"
		for fd := range 10 {
			files[fmt.Sprintf("%sfd/%d", dir, fd)] = "-> /dev/null"
		}
		files[dir+"fd/10"] = fmt.Sprintf("-> socket:[%d]", i+1)
	}
	files["proc/1/net/tcp"] = table
	h := newTree(b, files)
	check := ports()
	defer reportCPU(b)()
	for b.Loop() {
		if o := one(b, check, h.host()); len(o.Points) != 1000 {
			b.Fatalf("%d points, %v", len(o.Points), o.Err)
		}
	}
}
