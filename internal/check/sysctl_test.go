package check

import "testing"

func TestSysctl(t *testing.T) {
	files := map[string]string{
		"proc/sys/kernel/randomize_va_space": "2\n",
		"proc/sys/kernel/kptr_restrict":      "0\n",
		"proc/sys/net/ipv4/ip_forward":       "1\n",
		"proc/sys/net/ipv4/tcp_syncookies":   "1\n",
		"proc/sys/net/ipv4/conf/eth0.1/x":    "3\t4\n",
	}
	own := map[string]string{
		"kernel.kptr_restrict": "", "net.ipv4.ip_forward": "1", "net/ipv4/conf/eth0.1/x": "3 4", "kernel.none": "1",
	}
	const kernel = `sysctl_param_secure{param="kernel.randomize_va_space",name="Address space randomization",actual="2",expected="2"} 1`
	host := newTree(t, files).host(func(o *Options) { o.Sysctl = own })
	expect(t, one(t, sysctls(), host), `
		sysctl_param_secure{param="net.ipv4.ip_forward",name="IPv4 forwarding",actual="1",expected="1"} 1
		sysctl_param_secure{param="net.ipv4.tcp_syncookies",name="SYN cookies",actual="1",expected="1"} 1
		`+kernel+`
		sysctl_param_secure{param="net/ipv4/conf/eth0.1/x",name="net/ipv4/conf/eth0.1/x",actual="3 4",expected="3 4"} 1
		sysctl.net.ipv4.ip_forward pass (1)
		sysctl.net.ipv4.tcp_syncookies pass (1)
		sysctl.kernel.randomize_va_space pass (2)
		sysctl.net/ipv4/conf/eth0.1/x pass (3 4)
		status ok`)
}

func TestSysctlInsecure(t *testing.T) {
	o := one(t, sysctls(), newTree(t, map[string]string{"proc/sys/kernel/kptr_restrict": "0\n"}).host())
	expect(t, o, `
		sysctl_param_secure{param="kernel.kptr_restrict",name="Hidden kernel addresses",actual="0",expected=">=1"} 0
		sysctl.kernel.kptr_restrict fail (0)
		status ok`)
}

func TestSysctlOfAnotherNetwork(t *testing.T) {
	h := newTree(t, map[string]string{
		"proc/1/ns/net":                      "-> net:[1]",
		"proc/sys/kernel/randomize_va_space": "2\n",
		"proc/sys/net/ipv4/ip_forward":       "0\n",
	}).host()
	h.NetNS = "net:[2]"
	o := one(t, sysctls(), h)
	equal(t, "status", o.Status, Unreadable)
	equal(t, "results", len(o.Results), 1)
	h.NetNS = "net:[1]"
	equal(t, "results on the host", len(one(t, sysctls(), h).Results), 2)
}

func TestIsExpected(t *testing.T) {
	for _, test := range []struct {
		actual, expected string
		want             bool
	}{
		{"1", "1", true},
		{"2", "1", false},
		{"2", "1,2", true},
		{"2", ">=1", true},
		{"0", ">=1", false},
		{"-1", ">=2", false},
		{"x", ">=1", false},
		{"1", ">=x", false},
	} {
		equal(t, test.actual+" for "+test.expected, isExpected(test.actual, test.expected), test.want)
	}
}
