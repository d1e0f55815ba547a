package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestShadow(t *testing.T) {
	h := newTree(t, map[string]string{
		"etc/shadow": "root:*:20000:0:99999:7:::\nalice:$y$j9T$a$b:0:1:365:14:30:20500:\nodd:!:x:1:1:1:1:1:\n" +
			"old:!: 5:+6:-0\nlarge:!:4294967294:4294967295:::::\nalice::1:1:1:1:1:1:\n",
	}).host()
	o := one(t, shadowed(), h)
	expect(t, Outcome{Points: o.Points}, `
		last_password_change{username="root"} 20000
		password_min_days{username="root"} 0
		password_max_days{username="root"} 99999
		password_warn_days{username="root"} 7
		last_password_change{username="alice"} 0
		password_min_days{username="alice"} 1
		password_max_days{username="alice"} 365
		password_warn_days{username="alice"} 14
		password_inactive{username="alice"} 30
		account_expire{username="alice"} 20500
		last_password_change{username="old"} 5
		password_min_days{username="old"} 6
		password_max_days{username="old"} 0
		last_password_change{username="large"} -2
		status ok`)
}

func TestShadowRules(t *testing.T) {
	const good = ":$y$j9T$a$b:20000:1:365:7:30::\n"
	h := newTree(t, map[string]string{
		"etc/shadow": "good" + good + "locked:!:99999::::::\nlocked2:*:::::::\nempty::::::::\n" +
			"md5:$1$x$y:20000:1:365:7:30::\ndes:abcdefghijklm:20000:1:365:7:30::\nnone:NP:20000:1:365:7:30::\nbsd:_J9..rasmBYk8r9AiWNc:20000:1:365:7:30::\nmax:$6$x$y:20000:1:99999:7:30::\n" +
			"min:$6$x$y:20000:0:365:7:30::\nwarn:$6$x$y:20000:1:365:6:30::\nnever:$6$x$y:20000:1:365:7:::\n" +
			"future:$6$x$y:20002:1:365:7:30::\n",
	}).host()
	h.Now = func() time.Time { return time.Unix(20001*86400+1, 0) }
	got := map[string]string{}
	for _, r := range one(t, shadowed(), h).Results {
		got[strings.TrimPrefix(r.Rule, "shadow.")] = fmt.Sprint(r.Value, " ", r.Pass)
	}
	want := map[string]string{
		"empty_password": "empty false", "weak_hash": "md5,des,bsd false", "max_days": "max false", "min_days": "min false",
		"warn_days": "warn false", "inactive": "never false", "changed_in_future": "future false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Another hash is another password, also on the same day.
func TestShadowDrift(t *testing.T) {
	h := newTree(t, map[string]string{"etc/shadow": "a:$6$x$y:20000:1:365:7:30::\n"})
	var b baseline
	equal(t, "changes", len(b.compare(one(t, shadowed(), h.host()))), 0)
	h.write("etc/shadow", "a:$6$x$z:20000:1:365:7:30::\n")
	changes := b.compare(one(t, shadowed(), h.host()))
	equal(t, "changes", len(changes), 1)
	for _, c := range changes {
		equal(t, "item", c.Item, "shadow.user.a")
		equal(t, "the hash is shown", strings.Contains(fmt.Sprint(c), "$6$"), false)
	}
}

func TestShadowAbsent(t *testing.T) {
	expect(t, one(t, shadowed(), newTree(t, nil).host()), "status unreadable")
}
