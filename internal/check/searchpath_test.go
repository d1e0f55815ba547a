package check

import (
	"fmt"
	"os"
	"testing"
)

// expectOwned leaves the owner of what the test makes out.
func TestSearchPath(t *testing.T) {
	h := newTree(t, map[string]string{
		"etc/login.defs":  "ENV_SUPATH\tPATH=/usr/bin:/opt/own\nENV_PATH PATH=/bin:/none:$HOME/bin\n",
		"etc/environment": "PATH=\"/usr/bin:.\"\n",
		"etc/passwd":      fmt.Sprintf("me:x:%d:0::/:\n", os.Getuid()), "etc/group": fmt.Sprintf("us:x:%d:\n", os.Getgid()),
		"bin":          "-> usr/bin",
		"usr/bin/good": "", "usr/bin/bad": "", "usr/bin/link": "-> ../lib/target", "usr/bin/dangling": "-> none",
		"usr/lib/target": "", "opt/own/x": "",
	})
	h.chmod("usr/bin/bad", 0o757)
	h.chmod("usr/lib/target", 0o666)
	h.chmod("opt/own", 0o777)
	o := one(t, searchPath(), h.host())
	equal(t, "status", o.Status, OK)
	got := map[string]string{}
	for _, p := range o.Points {
		if p.Label("type") == "file" || p.Label("mode") == "0777" {
			got[p.Label("path")] = p.Label("type") + " " + p.Label("owner") + " " + p.Label("group") + " " + p.Label("mode")
		}
	}
	equal(t, "found", fmt.Sprint(got), fmt.Sprint(map[string]string{
		"/opt/own":      "directory me us 0777",
		"/usr/bin/bad":  "file me us 0757",
		"/usr/bin/link": "file me us 0666",
	}))
	for _, r := range o.Results {
		switch r.Rule {
		case "search_path.absolute":
			equal(t, r.Rule, r.Value, "/usr/bin:.")
		case "search_path.files":
			equal(t, r.Rule, r.Value, "/usr/bin/bad,/usr/bin/link")
		}
		equal(t, r.Rule, r.Pass, false)
	}
}

func TestSearchPathOfNothing(t *testing.T) {
	expect(t, one(t, searchPath(), newTree(t, nil).host()), `
		search_path.absolute pass (none)
		search_path.directories pass (none)
		search_path.files pass (none)
		status ok`)
	o := one(t, searchPath(), newTree(t, map[string]string{"etc/login.defs/": ""}).host())
	equal(t, "status", o.Status, Unreadable)
	equal(t, "results", len(o.Results), 0) // there may be more directories
}
