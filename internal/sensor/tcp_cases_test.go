//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tcp is what one connection of a case counts as.
type tcp struct{ out, in, timeout, refused, reset, unreachable uint64 }

// A tcpCase makes n connections, all of which are gone when it ends.
type tcpCase struct {
	name string
	each tcp
	do   func(p place, n int)
	lack func() string // tells what this kernel has not; nil if every kernel can
}

var orderly = tcp{out: 1, in: 1}

// orderlyCases are connections that end well.
var orderlyCases = []tcpCase{
	{name: "closed by the client first", each: orderly, do: onePair(func(client, server int) { hangUp(client, server) })},
	{name: "closed by the server first", each: orderly, do: onePair(func(client, server int) { hangUp(server, client) })},
	{name: "closed by both at once", each: orderly, do: closeAtOnce},
	{name: "closed by halves", each: orderly, do: onePair(func(client, server int) {
		halfClose(client)
		readEnd(server)
		write(server)
		read(client)
		halfClose(server)
		readEnd(client)
		hangUp(server, client)
	})},
	{name: "closed after talk", each: orderly, do: onePair(func(client, server int) {
		write(client)
		read(server)
		write(server)
		read(client)
		hangUp(client, server)
	})},
	{name: "closed before it is accepted", each: orderly, do: func(p place, n int) {
		for range n {
			hangUp(p.dial())
			hangUp(p.accept())
		}
	}},
	{name: "connected without waiting", each: orderly, do: func(p place, n int) {
		for range n {
			client := p.begin()
			server := p.accept()
			await(unix.POLLOUT, client)
			hangUp(client, server)
		}
	}},
	{name: "connected to itself", each: tcp{out: 1}, do: func(p place, n int) {
		for range n {
			fd := socket(p.domain, unix.SOCK_STREAM, 0)
			must("bind", unix.Bind(fd, p.port(0)))
			must("connect", unix.Connect(fd, p.port(portOf(fd))))
			write(fd)
			read(fd)
			hangUp(fd)
		}
	}},
	{name: "disconnected and connected again", each: tcp{out: 2, in: 2, reset: 1}, do: func(p place, n int) {
		for range n {
			client, server := p.pair()
			disconnect(client)
			broken(server)
			must("connect", unix.Connect(client, p.port(p.at)))
			hangUp(client, p.accept())
		}
	}},
	{name: "opened on one CPU and closed on another", each: orderly, do: func(p place, n int) {
		defer onCPU(-1)
		for range n {
			onCPU(0)
			client, server := p.pair()
			onCPU(1)
			hangUp(client, server)
		}
	}, lack: func() string {
		if runtime.NumCPU() > 1 {
			return ""
		}
		return "it has one CPU"
	}},
	{name: "multipath", each: orderly, do: func(p place, n int) {
		m := meet(p.family, unix.IPPROTO_MPTCP)
		onePair(func(client, server int) {
			write(client)
			read(server)
			hangUp(client, server)
		})(m, n)
		hangUp(m.listener)
	}, lack: func() string {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
		if err != nil {
			return "no multipath TCP"
		}
		_ = unix.Close(fd)
		return ""
	}},
	{name: "fast open", each: orderly, do: func(p place, n int) {
		fastOpen(p)
		for range n {
			client := p.send()
			server := p.accept()
			read(server)
			hangUp(client, server)
		}
	}},
	{name: "fast open, closed by the server before it is established", each: orderly, do: fastClosed},
}

// onePair closes the ends of each connection before the next one begins.
func onePair(end func(client, server int)) func(place, int) {
	return func(p place, n int) {
		for range n {
			end(p.pair())
		}
	}
}

// closeAtOnce lets the ends' FINs cross: neither arrives before both are sent.
func closeAtOnce(p place, n int) {
	clients, servers := p.pairs(n)
	all := append(clients, servers...)
	for _, fd := range all {
		deaf(fd)
		halfClose(fd)
	}
	for _, fd := range all {
		hearing(fd)
	}
	await(unix.POLLHUP, all...)
	hangUp(all...)
}

// disconnect gives a socket up without closing it.
func disconnect(fd int) {
	nobody := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, e := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&nobody)), unsafe.Sizeof(nobody))
	if e != 0 {
		must("disconnect", e)
	}
}

// fastOpen allows connections to begin with data.
func fastOpen(p place) {
	const always = "519" // both sides, without cookies
	must("allow fast open", os.WriteFile("/proc/sys/net/ipv4/tcp_fastopen", []byte(always), 0))
	set(p.listener, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 1000)
}

// send connects by sending.
func (p place) send() int {
	fd := socket(p.domain, unix.SOCK_STREAM, p.protocol)
	must("send", unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, p.port(p.at)))
	return fd
}

// fastClosed lets the server close while the client has not heard of it.
func fastClosed(p place, n int) {
	fastOpen(p)
	var clients []int
	for range n {
		client := socket(p.domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		deaf(client)
		_ = unix.Sendto(client, []byte("x"), unix.MSG_FASTOPEN, p.port(p.at))
		server := p.accept()
		read(server)
		hangUp(server)
		clients = append(clients, client)
	}
	for _, client := range clients {
		hearing(client)
	}
	rest()
	await(unix.POLLRDHUP, clients...)
	hangUp(clients...)
}

// onCPU keeps the thread on one CPU, or on none in particular.
func onCPU(cpu int) {
	var set unix.CPUSet
	for i := range 64 {
		if cpu == i || cpu < 0 {
			set.Set(i)
		}
	}
	must("choose a CPU", unix.SchedSetaffinity(0, &set))
}

// alone keeps everything else off this thread's CPU while do runs and does not sleep. A timer that ends a
// connection does so in the middle of what the CPU is at, and then that is this thread: there are kernels
// that run no BPF programs in the middle of some process, see docs/limits.md. An only CPU it leaves to the
// kernel, which has threads of its own for what arrives.
func alone(do func()) {
	if runtime.NumCPU() == 1 {
		do()
		return
	}
	var cpu uint32
	_, _, e := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0)
	if e != 0 {
		must("ask for the CPU", e)
	}
	onCPU(int(cpu))
	defer onCPU(-1)
	first(true)
	defer first(false)
	do()
}

// rest sleeps while timers of a second are not yet due. Who keeps all others off a CPU for that long must let
// them run for 50 ms after all (since Linux 6.12).
func rest() { time.Sleep(700 * time.Millisecond) }

// first lets this thread run before all others, unless its cgroup has no time for such (CONFIG_RT_GROUP_SCHED).
func first(yes bool) {
	as := unix.SchedAttr{Policy: unix.SCHED_NORMAL}
	if yes {
		as = unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK}
	}
	if err := unix.SchedSetAttr(0, &as, 0); err != unix.EPERM {
		must("change how this thread is scheduled", err)
	}
}
