package check

import "testing"

func TestHostsAccess(t *testing.T) {
	expect(t, one(t, hostsAccess(), newTree(t, map[string]string{
		"etc/hosts.allow": "# ALL: ALL\nsshd, vsftpd : 10.0.0.0/8 [2001:db8::]/32 \\\n .example.org\n" +
			"ALL EXCEPT in.fingerd: 192.168. EXCEPT 192.168.1.1 : DENY\nx: y : spawn (echo a\\:b) : twist /bin/false\n",
		"etc/hosts.deny": "ALL: ALL\nALL: ALL\n",
	}).host()), `
		hosts_options_info{file="hosts.allow",service="sshd",host="10.0.0.0/8",action="allow"} 1
		hosts_options_info{file="hosts.allow",service="sshd",host="[2001:db8::]/32",action="allow"} 1
		hosts_options_info{file="hosts.allow",service="sshd",host=".example.org",action="allow"} 1
		hosts_options_info{file="hosts.allow",service="vsftpd",host="10.0.0.0/8",action="allow"} 1
		hosts_options_info{file="hosts.allow",service="vsftpd",host="[2001:db8::]/32",action="allow"} 1
		hosts_options_info{file="hosts.allow",service="vsftpd",host=".example.org",action="allow"} 1
		hosts_options_info{file="hosts.allow",service="ALL EXCEPT in.fingerd",host="192.168. EXCEPT 192.168.1.1",action="deny"} 1
		hosts_options_info{file="hosts.allow",service="x",host="y",action="twist"} 1
		hosts_options_info{file="hosts.deny",service="ALL",host="ALL",action="deny"} 1
		status ok`)
}

func TestHostsAccessStatus(t *testing.T) {
	expect(t, one(t, hostsAccess(), newTree(t, nil).host()), "status ok")
	expect(t, one(t, hostsAccess(), newTree(t, map[string]string{"etc/hosts.allow/": ""}).host()), "status unreadable")
	expect(t, one(t, hostsAccess(), newTree(t, map[string]string{"etc/hosts.deny": "ALL\n: b\n"}).host()), "status error")
}

func FuzzHostsAccess(f *testing.F) {
	f.Add("a b : c, [::1] : deny")
	f.Add("a\\:b : EXCEPT d \\")
	f.Fuzz(func(_ *testing.T, line string) { _ = showAccess(newFindings(10), "f", "allow", line) })
}
