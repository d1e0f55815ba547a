//go:build linux && host

package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHostAccounts compares lines that are hardly any with what glibc makes of
// them.
func TestHostAccounts(t *testing.T) {
	h := newTree(t, map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\na:x: 0:+0::/:/bin/sh \nb:x:-0:0::/:\nc:x::0::/:\nd:x:4294967296:0::/:\n" +
			"e:x:-1:0::/:\nf:x:1:1:::\ng:x:1:1::\nh:x:1:1::/\nj:x:1:\nk:x:1\n l:x:1:1::/:\nm n:x:1:1::/:\no:x:+7:1:::/bin/x\r\n" +
			":x:5:5:::\nr\n#s:x:8:8:::\n#:x:8:8:::\nt:x:4294967295:9:::\nu:x:-4294967296:9:::\nv:x:1:1\nw:x:1:1:\nx:x:++1:1:::\n\ny:x:0x1:1:::\nz::010:1:::\n",
		"etc/group": "root:x:0:\nga:x: 0:a, b\ngb:x:1\ngc:x:2:\nge:x::a\ngf:x:4:a,,b\ngg::5:a\ngh:x:-6:\ngi:x\n gj:x:7: \n",
		"etc/shadow": "root:!:20003:5:99999:7:::\na:!: 20003:5:99999:7:::\nb:!:20003:+5:99999:7:::\nc:!:20003:5:2147483648:7:::\n" +
			"d:!:20003:5:4294967294:7:::\ne:!:20003:5:9:7:::-1\nf:!:20003:5:9:7::: 3\ng:!:20003:5:9:7:::\ng:*:1:1:1:1:::\n" +
			"h:!:20003:5:9:7:::4294967295\ni:!:0x10:5:9:7:::\nj:x:1:\nk:!:20003:5:9:7:::   \nl:!:20003:5:9:7:::4\r\n" +
			"m n:!:20003:-0:9:7:::\no:!:4294967295:05:9:7:::\np:!: :05:9:7:::\nq:!:::::::\nr:!::::::: \ns:!::::::\nt:!:\n" +
			"u:!:1:2:3::\nv:!:1:2:3\nw:!:1:2:3::::\nz:!:::::::::\n",
	})
	names := "root a b c d e f g h i j k l 'm n' o p q r s t u v w x y z ga gb gc ge gf gg gh gi gj"
	script := "for file in passwd group shadow; do for name in '' " + names + "; do getent $file \"$name\" || true; done; done"
	got := map[string]bool{}
	out := inPlaceOf(t, h, []string{"etc/passwd", "etc/group", "etc/shadow"}, script)
	for line := range strings.Lines(out) {
		got[strings.TrimSuffix(line, "\n")] = true
	}
	if diff := cmp.Diff(got, ours(t, h.host())); diff != "" {
		t.Errorf("glibc and we (-glibc +we):\n%s", diff)
	}
}

// ours are the entries as getent writes them, the first of each name.
func ours(t *testing.T, h *Host) map[string]bool {
	t.Helper()
	u, err := readUsers(h)
	if err != nil {
		t.Fatal(err)
	}
	lines, seen := map[string]bool{}, map[string]bool{}
	add := func(file, name, line string) {
		if key := file + name; !seen[key] {
			lines[line], seen[key] = true, true
		}
	}
	for _, a := range u.accounts {
		gecos := ""
		if a.name == "root" {
			gecos = "root"
		}
		add("passwd", a.name, fmt.Sprintf("%s:%s:%d:%d:%s:%s:%s", a.name, a.password, a.uid, a.gid, gecos, a.home, a.shell))
	}
	for _, g := range u.groups {
		password := "x"
		if g.name == "gg" {
			password = ""
		}
		add("group", g.name, fmt.Sprintf("%s:%s:%d:%s", g.name, password, g.gid, strings.Join(g.members, ",")))
	}
	b, err := h.Read("etc/shadow")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range parseShadow(b) {
		line := e.name + ":" + e.password
		for i := range e.days {
			line += ":"
			if e.has[i] {
				line += fmt.Sprint(e.days[i])
			}
		}
		add("shadow", e.name, line+":"+map[string]string{"f": "3", "h": "4294967295"}[e.name])
	}
	return lines
}
