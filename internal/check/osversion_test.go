package check

import "testing"

func TestOSVersion(t *testing.T) {
	debian := `os_version_info{pretty_name="Debian GNU/Linux 12 (bookworm)",os_name="Debian GNU/Linux",version="",` +
		`version_id="12",version_codename="",id="debian",id_like="",variant_id="",build_id=""} 1
		status ok`
	const release = "# comment\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME='Debian GNU/Linux'\n\nVERSION_ID=\"12\"\nID=debian"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"in /etc", map[string]string{"etc/os-release": release}, debian},
		{"a link to /usr/lib", map[string]string{"etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": release}, debian},
		{"an absolute link", map[string]string{"etc/os-release": "-> /usr/lib/os-release", "usr/lib/os-release": release}, debian},
		{"only in /usr/lib", map[string]string{"usr/lib/os-release": release}, debian},
		{"none", nil, "status unreadable"},
		{"a directory", map[string]string{"etc/os-release/": ""}, "status unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			expect(t, one(t, osVersion(), newTree(t, test.files).host()), test.want)
		})
	}
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{
		``: ``, `a`: `a`, `"a b"`: `a b`, `'a\b'`: `a\b`, `"a\"b"`: `a"b`, `"a\\b"`: `a\b`, `a\$b`: `a$b`, `"a`: `a`, `a\`: `a\`,
	} {
		equal(t, in, unquote(in), want)
	}
}

func FuzzOSRelease(f *testing.F) {
	f.Add([]byte("NAME=\"a\\\"b\"\nID='x'\n=\n\"\\"))
	f.Fuzz(func(_ *testing.T, b []byte) { parseOSRelease(b) })
}
