package check

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sudoUsers are the accounts of the tests' hosts. alice is in wheel and in the
// group 50, bob in wheel, carol in none.
var sudoUsers = map[string]string{
	"etc/hostname": "web1.example.org\n",
	"etc/passwd": "root:x:0:0::/root:/bin/sh\nalice:x:1001:50::/:/bin/sh\nbob:x:1002:1002::/:/bin/sh\n" +
		"carol:x:1003:1003::/:/bin/sh\nd, e:x:1004:1004::/:/bin/sh\n",
	"etc/group": "root:x:0:\nstaff:x:50:\nwheel:x:10:alice,bob\nbob:x:1002:\ncarol:x:1003:\nx y:x:1005:carol\n",
}

// sudoCases are sudoers, and who of alice, bob and carol may run something.
// The comparison with sudo itself runs them too.
var sudoCases = []struct{ name, sudoers, want string }{
	{"nothing", "", ""},
	{"a user", "alice ALL=(ALL:ALL) ALL", "alice"},
	{"two users", "alice, carol ALL = ALL", "alice carol"},
	{"a number", "#1003 ALL=ALL", "carol"},
	{"a number after a name", "alice,#1003 ALL=ALL", "alice carol"},
	{"a group", "%wheel ALL=(ALL) ALL", "alice bob"},
	{"a group's number", "%#10 ALL=ALL", "alice bob"},
	{"the own group", "%staff ALL=ALL", "alice"},
	{"a group of another name", "%whee ALL=ALL", ""},
	{"a group in quotes", `"%x y" ALL=ALL`, "carol"},
	{"a group with an escape", `%x\ y ALL=ALL`, "carol"},
	{"all but one", "ALL, !bob ALL=ALL", "alice carol"},
	{"all, whatever comes before", "!bob, ALL ALL=ALL", "alice bob carol"},
	{"a group but one", "%wheel, !alice ALL=ALL", "bob"},
	{"not not", "!!alice ALL=ALL", "alice"},
	{"an alias", "User_Alias A = alice, carol\nA ALL=ALL", "alice carol"},
	{"an alias that comes later", "A ALL=ALL\nUser_Alias A = bob", "bob"},
	{"two aliases in a line", "User_Alias A = alice : B = bob\nB ALL=ALL", "bob"},
	{"an alias in an alias", "User_Alias A = B, carol\nUser_Alias B = bob\nA ALL=ALL", "bob carol"},
	{"not an alias", "User_Alias A = alice\nALL, !A ALL=ALL", "bob carol"},
	{"an alias of what is not", "User_Alias A = ALL, !alice\nA ALL=ALL", "bob carol"},
	{"not an alias of what is not", "User_Alias A = ALL, !alice\n!A ALL=ALL", "alice"},
	{"an alias that is not there", "A ALL=ALL\nbob ALL=ALL", "bob"},
	{"a word that looks like sudo in a comment", "# alice ALL=ALL\nbob ALL=ALL # carol ALL=ALL", "bob"},
	{"a continued line", "alice \\\n  ALL = \\\n ALL", "alice"},
	{"a comment is not continued", "# x \\\nalice ALL=ALL", "alice"},
	{"no commands", "alice ALL = !ALL", ""},
	{"taken away", "alice ALL = ALL\nalice ALL = !ALL", ""},
	{"taken away from a group", "%wheel ALL = ALL\nalice ALL = !ALL", "bob"},
	{"given after it was taken away", "alice ALL = !ALL\nalice ALL = ALL", "alice"},
	{"all but a shell", "alice ALL = ALL, !/bin/sh", "alice"},
	{"a shell, and not", "alice ALL = /bin/sh, !/bin/sh", ""},
	{"not a shell", "alice ALL = !/bin/sh", ""},
	{"a command with escapes", `alice ALL = /bin/ls a\,b\:c\=d, !/bin/sh`, "alice"},
	{"a command alias", "Cmnd_Alias C = /bin/ls, /bin/cat\nalice ALL = C", "alice"},
	{"not a command alias", "Cmnd_Alias C = /bin/ls\nalice ALL = C, !C", ""},
	{"an alias of no commands", "Cmnd_Alias C = !ALL\nalice ALL = ALL, C", ""},
	{"not an alias of no commands", "Cmnd_Alias C = !ALL\nalice ALL = !C", "alice"},
	{"tags", "alice ALL = (root) NOPASSWD: NOEXEC: /bin/ls, PASSWD: /bin/cat", "alice"},
	{"another user", "alice ALL = (bob) /bin/ls", "alice"},
	{"a digest", "alice ALL = sha224:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA== /bin/ls", "alice"},
	{"an option", "alice ALL = (root) CWD=/tmp NOPASSWD: /bin/ls", "alice"},
	{"another host", "alice mail = ALL", ""},
	{"this host or another", "alice mail = /bin/ls : ALL = /bin/cat", "alice"},
	{"all hosts but one", "alice ALL, !mail = ALL", "alice"},
	{"a host alias", "Host_Alias H = mail, !ALL\nalice H = ALL\nbob !H = ALL", "bob"},
	{"defaults", "Defaults env_reset, secure_path=\"/bin:/sbin\"\nDefaults env_keep += \"A B\", env_check-=C, !visiblepw\nDefaults:alice !authenticate\nDefaults!/bin/ls noexec\nbob ALL=ALL", "bob"},
	{"a bad line", "alice ALL ALL\nbob ALL=ALL", "bob"},
	{"a name that is not a user's", "alic ALL=ALL\nalice1 ALL=ALL", ""},
	{"capital letters", "ALICE ALL=ALL\nUser_Alias BOB = carol\nBOB ALL=ALL", "alice carol"},
	{"capital letters that matter", "Defaults !case_insensitive_user\nALICE ALL=ALL\n%WHEEL ALL=ALL", "alice bob"},
	{"a group in capital letters", "%WHEEL ALL=ALL", "alice bob"},
	{"a group whose letters matter", "Defaults !case_insensitive_group\n%WHEEL ALL=ALL\nCarol ALL=ALL", "carol"},
	{"windows line ends", "alice ALL=ALL\r\nbob ALL=ALL\r\n", "alice bob"},
	{"a regular expression", "alice ALL = /bin/ls ^[a-z:,=]+$, !/bin/cat", "alice"},
	{"a loop of includes", "alice ALL=ALL\n@include /etc/sudoers\nbob ALL=ALL", "alice bob"},
	{"white space", "\talice\tALL\t=\t(\tALL\t)\tALL\t", "alice"},
}

func sudoTree(t testing.TB, files map[string]string) tree {
	h := newTree(t, sudoUsers)
	h.roots = true
	for name, content := range files {
		h.write(name, content)
	}
	return h
}

// mayUse are those of alice, bob and carol who may run something.
func mayUse(t testing.TB, h *Host) string {
	t.Helper()
	var names []string
	o := one(t, accounts(), h)
	for _, name := range []string{"alice", "bob", "carol"} {
		if value(t, o, metricAccount, "username", name) == 1 && hasSudo(o, name) == "true" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func hasSudo(o Outcome, name string) string {
	for _, p := range o.Points {
		if p.Label("username") == name {
			return p.Label("has_sudo")
		}
	}
	return ""
}

func TestSudoers(t *testing.T) {
	for _, test := range sudoCases {
		t.Run(test.name, func(t *testing.T) {
			equal(t, "who may", mayUse(t, sudoTree(t, map[string]string{"etc/sudoers": test.sudoers}).host()), test.want)
		})
	}
}

// These depend on the host, so that sudo on another one says something else.
func TestSudoersHosts(t *testing.T) {
	for hosts, want := range map[string]string{
		"web1": "alice", "web1.example.org": "alice", "WEB1": "alice", "web2": "", "web?": "alice", "web*, !web1": "",
		"web1.example.com": "", "10.1.2.0/24": "alice", "fe80::/10": "alice", "::1, mail": "alice", "ALL, !10.1.2.3": "alice",
	} {
		h := sudoTree(t, map[string]string{"etc/sudoers": "alice " + hosts + " = ALL"}).host()
		equal(t, hosts, mayUse(t, h), want)
	}
}

func TestSudoersIncludes(t *testing.T) {
	h := sudoTree(t, map[string]string{
		"etc/sudoers":          "#includedir /etc/sudoers.d\n@include /etc/more\\ of\n@include \"rel\"\n#include /etc/%h\n@include /etc/none\n",
		"etc/sudoers.d/10-a":   "alice ALL=ALL\n",
		"etc/sudoers.d/20-b":   "alice ALL=!ALL\n",
		"etc/sudoers.d/30.rpm": "carol ALL=ALL\n",
		"etc/sudoers.d/40~":    "carol ALL=ALL\n",
		"etc/more of":          "bob ALL=ALL\n",
		"etc/rel":              "bob ALL=!ALL\n",
		"etc/web1":             "carol ALL=ALL",
	})
	equal(t, "who may", mayUse(t, h.host()), "carol")
	o := one(t, accounts(), h.host())
	equal(t, "status, as one is missing", o.Status, Unreadable)
}

func TestSudoersLoops(t *testing.T) {
	h := sudoTree(t, map[string]string{
		"etc/sudoers":   "alice ALL=ALL\n@include /etc/sudoers.2\nUser_Alias A = B\nUser_Alias B = A\nA ALL=ALL\n",
		"etc/sudoers.2": "@include /etc/sudoers\n@include /etc/sudoers\n",
	})
	equal(t, "has sudo", hasSudo(one(t, accounts(), h.host()), "alice"), "unknown")
	equal(t, "status", one(t, sudo(), h.host()).Status, Error)
}

// Aliases of aliases grow without bounds, if one lets them.
func TestSudoersManyAliases(t *testing.T) {
	var b strings.Builder
	b.WriteString("alice ALL=ALL\n")
	for c := 'A'; c < 'Z'; c++ {
		next := string(c + 1)
		b.WriteString("User_Alias U" + string(c) + " = " + strings.Repeat("U"+next+", ", 9) + "U" + next + "\n")
		b.WriteString("Cmnd_Alias C" + string(c) + " = " + strings.Repeat("C"+next+", ", 9) + "C" + next + "\n")
	}
	b.WriteString("UA ALL=CA\nbob ALL=CA\n")
	h := sudoTree(t, map[string]string{"etc/sudoers": b.String()})
	equal(t, "who may", mayUse(t, h.host()), "alice")
	equal(t, "status", one(t, sudo(), h.host()).Status, Error)
}

func TestSudoUnknown(t *testing.T) {
	h := sudoTree(t, map[string]string{"etc/sudoers/": ""})
	o := one(t, accounts(), h.host())
	equal(t, "status", o.Status, Unreadable)
	equal(t, "has sudo", hasSudo(o, "alice"), "unknown")
	equal(t, "has sudo without sudoers", hasSudo(one(t, accounts(), sudoTree(t, nil).host()), "alice"), "false")
}

func TestSudoRules(t *testing.T) {
	for _, test := range []struct {
		name, sudoers string
		want          map[string]bool
	}{
		{
			"as it should be",
			"Defaults use_pty,logfile=\"/var/log/sudo.log\"\nDefaults timestamp_timeout = 5\nalice ALL=ALL\n",
			map[string]bool{
				"sudo.use_pty": true, "sudo.logfile": true, "sudo.authenticate": true,
				"sudo.timestamp_timeout": true, "sudo.nopasswd": true, "sudo.writable": true,
			},
		},
		{
			"as it should not be",
			"Defaults use_pty\nDefaults !use_pty, timestamp_timeout=-1\nDefaults:bob !authenticate\nalice ALL=NOPASSWD: /bin/ls\n",
			map[string]bool{
				"sudo.use_pty": false, "sudo.logfile": false, "sudo.authenticate": false,
				"sudo.timestamp_timeout": false, "sudo.nopasswd": false, "sudo.writable": true,
			},
		},
		{
			"only for some",
			"Defaults:alice use_pty, logfile=/x, timestamp_timeout=99\nalice ALL=NOPASSWD: ALL\nalice ALL=PASSWD: ALL\n",
			map[string]bool{
				"sudo.use_pty": false, "sudo.logfile": false, "sudo.authenticate": true,
				"sudo.timestamp_timeout": true, "sudo.nopasswd": true, "sudo.writable": true,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := sudoTree(t, map[string]string{"etc/sudoers": test.sudoers})
			o := one(t, sudo(), h.host())
			if diff := cmp.Diff(test.want, verdicts(o)); diff != "" {
				t.Errorf("%s%v", diff, o.Err)
			}
			equal(t, "status", o.Status, OK)
		})
	}
}

func TestSudoersWritable(t *testing.T) {
	for _, test := range []struct {
		name string
		mode os.FileMode
		want Result
		who  string
	}{
		{"etc/sudoers.d/x", 0o666, Result{Value: "/etc/sudoers.d/x"}, "carol"},
		{"etc/sudoers.d/x", 0o660, Result{Pass: true, Value: "none"}, "bob carol"}, // by root's group
		{"etc/sudoers.d", 0o777, Result{Value: "/etc/sudoers.d"}, "carol"},
		{"etc/sudoers", 0o446, Result{Value: "/etc/sudoers"}, ""},
	} {
		h := sudoTree(t, map[string]string{
			"etc/sudoers": "@includedir /etc/sudoers.d\ncarol ALL=ALL\n", "etc/sudoers.d/x": "bob ALL=ALL\n",
		})
		h.chmod(test.name, test.mode)
		o := one(t, sudo(), h.host())
		i := slices.IndexFunc(o.Results, func(r Result) bool { return r.Rule == "sudo.writable" })
		test.want.Rule, test.want.Severity = "sudo.writable", Critical
		equal(t, test.name, o.Results[i], test.want)
		equal(t, "status", o.Status, OK)
		equal(t, "who may", mayUse(t, h.host()), test.who)
	}
}

// Who may use sudo and gets more rights is a change, too.
func TestSudoWatchesRules(t *testing.T) {
	h := newTree(t, map[string]string{"etc/passwd": "alice:x:1:1::/:\n", "etc/group": "", "etc/sudoers": "alice ALL = /bin/ls\n"})
	var base baseline
	base.compare(one(t, sudo(), h.host()))
	h.write("etc/sudoers", "# no more than a comment\nalice   ALL=/bin/ls\n")
	equal(t, "changes by a comment", len(base.compare(one(t, sudo(), h.host()))), 0)
	h.write("etc/sudoers", "alice ALL = ALL\n")
	changes := base.compare(one(t, sudo(), h.host()))
	equal(t, "changes by more rights", len(changes), 1)
	equal(t, "what changed", changes[0].Item, "sudo.rules")
}

func FuzzSudoers(f *testing.F) {
	for _, test := range sudoCases {
		f.Add(test.sudoers)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		s := &sudoers{aliases: map[string][]member{}}
		for line := range sudoersLines(text) {
			_ = s.parse(line)
			_, _, _ = includeOf(line)
		}
		_, _ = s.of(subject{account: account{name: "alice"}, groups: []string{"wheel"}})
	})
}
