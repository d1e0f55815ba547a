package check

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccounts(t *testing.T) {
	h := newTree(t, map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/bash\n# x\nalice:x:1000:1000:A:/home/alice:/bin/sh\nalice:x:1000:1000:B:/home/alice:/bin/sh\n" +
			"open::1001:7::/:\n+nis::::::\n-nis2:x:5:5:::\nbad:x:y:0::/:\nshort:x:1\n",
		"etc/group":  "root:x:0:\nwheel:x:10:alice,root,alice\nalice:x:1000:alice\nadm:x:4:alice\n",
		"etc/shadow": "root:*:1:::::\nalice:$y$j9T$x:19000:0:99999:7:::\nroot:!:1:0:99999:7:::\n",
	}).host()
	o := one(t, accounts(), h)
	expect(t, Outcome{Points: o.Points, Err: o.Err}, `
		account_info{username="root",uid="0",home_dir="/root",shell="/bin/bash",primary_group="root",other_groups="wheel",has_sudo="false",password="locked"} 1
		account_info{username="alice",uid="1000",home_dir="/home/alice",shell="/bin/sh",primary_group="alice",other_groups="adm,wheel",has_sudo="false",password="set"} 1
		account_info{username="open",uid="1001",home_dir="/",shell="",primary_group="7",other_groups="",has_sudo="false",password="empty"} 1
		status ok`)
	want := map[string]string{
		"uid_zero": "none", "gid_zero": "none", "shadowed": "open", "groups_exist": "open", "shadow_group": "none",
		"unique_uids": "1000", "unique_gids": "none", "unique_names": "alice", "unique_groups": "none", "system_shells": "none",
	}
	for _, r := range o.Results {
		rule := strings.TrimPrefix(r.Rule, "account.")
		equal(t, rule, r.Value, want[rule])
		equal(t, rule, r.Pass, want[rule] == "none")
		delete(want, rule)
	}
	equal(t, "rules without a result", len(want), 0)
}

func TestAccountRules(t *testing.T) {
	o := one(t, accounts(), newTree(t, map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/bash\ntoor:x:0:0::/root:/bin/bash\nsync:x:4:0::/bin:/bin/sync\n" +
			"svc:x:100:100::/:\nweb:x:101:42::/:/usr/sbin/nologin\nbob:x:700:101::/:/bin/sh\nold:$1$x$y:1000:101::/:/bin/sh\n",
		"etc/group":      "root:x:0:\nshadow:x:42:svc\na:x:100:\nb:x:101:\nb:x:102:\nc:x:100:\n",
		"etc/login.defs": "UID_MIN 500\n",
	}).host())
	var got []string
	for _, r := range o.Results {
		if !r.Pass {
			got = append(got, strings.TrimPrefix(r.Rule, "account.")+" "+r.Value)
		}
	}
	want := []string{
		"uid_zero toor", "gid_zero toor", "shadowed old", "shadow_group svc,web", "unique_uids 0", "unique_gids 100",
		"unique_groups b", "system_shells svc",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What the password is worth, by what is in the two files.
func TestAccountPasswords(t *testing.T) {
	for _, test := range []struct{ passwd, shadow, want string }{
		{"x", "a:$6$salt$hash:::::::\n", "set"},
		{"x", "a:!$6$salt$hash:::::::\n", "locked"},
		{"x", "a:*:::::::\n", "locked"},
		{"x", "a::::::::\n", "empty"},
		{"x", "b:x:::::::\n", "locked"},
		{"", "a:!:::::::\n", "empty"},
		{"*", "a::::::::\n", "locked"},
		{"$1$x$y", "", "set"},
	} {
		h := newTree(t, map[string]string{
			"etc/passwd": "a:" + test.passwd + ":0:0::/:\n", "etc/group": "", "etc/shadow": test.shadow,
		}).host()
		o := one(t, accounts(), h)
		equal(t, fmt.Sprint(test), o.Points[0].Label("password"), test.want)
	}
}

func TestAccountsUnreadable(t *testing.T) {
	h := newTree(t, map[string]string{"etc/passwd": "a:x:0:0::/:\n", "etc/group": "", "etc/shadow": "a::::::::\n"})
	o := one(t, accounts(), h.faulty(map[string]error{"etc/shadow": fs.ErrPermission}, nil))
	equal(t, "password", o.Points[0].Label("password"), "unknown")
	equal(t, "status", o.Status, OK)
	o = one(t, accounts(), h.faulty(map[string]error{"etc/passwd": fs.ErrPermission}, nil))
	expect(t, o, "status unreadable")
}

func FuzzPasswd(f *testing.F) {
	f.Add([]byte("root:x:0:0::/:\n+::::::\n::::::\n"))
	f.Add([]byte("g:x:1:a,,b\n"))
	f.Add([]byte("a:!:-1:0:99999:7:::\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		u := users{accounts: parsePasswd(b), groups: parseGroup(b)}
		u.member = membershipsOf(u.groups)
		judgeAccounts(newFindings(10), &u)
		for _, a := range u.accounts {
			u.member.others(a)
		}
		for _, e := range parseShadow(b) {
			_ = e.String()
		}
	})
}
