//go:build linux && host

package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// output returns what a command writes, and fails the test if it fails.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &problems)
	}
	return string(out)
}

func TestHostPackageCount(t *testing.T) {
	want := 0
	for state := range strings.Lines(output(t, "dpkg-query", "-W", "-f", "${db:Status-Status}\n")) {
		if state = strings.TrimSpace(state); state != "config-files" && state != "not-installed" && state != "half-installed" {
			want++
		}
	}
	o := one(t, packages(), hostAt(t, "/"))
	equal(t, "packages", value(t, o, metricPackageCount, "package_type", "dpkg"), float64(want))
}

// TestHostOwners asks dpkg-query who owns each program of this machine.
func TestHostOwners(t *testing.T) {
	var paths []string
	for _, dir := range []string{"/usr/bin", "/usr/sbin"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	want := dpkgSearch(t, paths)
	got, err := hostAt(t, "/").owners(paths)
	equal(t, "error", err, nil)
	versions := dpkgVersions(t)
	owned := 0
	for _, p := range paths {
		names := want[p]
		if len(names) == 0 && got[p].name == "" {
			continue
		}
		owned++
		if !slices.Contains(names, got[p].name) || !versions[got[p]] {
			t.Errorf("%s is of %v, dpkg says %v", p, got[p], names)
		}
	}
	if owned < 100 {
		t.Errorf("%d of %d programs have packages", owned, len(paths))
	}
}

// dpkgSearch returns the packages that have a file where it is, not diverted.
func dpkgSearch(t testing.TB, paths []string) map[string][]string {
	t.Helper()
	var names []string
	for _, p := range paths {
		names = append(names, aliases(p)...)
	}
	// It fails because some files are of no package.
	out, _ := exec.CommandContext(t.Context(), "dpkg-query", append([]string{"-S"}, names...)...).Output()
	found := map[string][]string{}
	var by, from string
	moved := map[string]string{}
	for line := range strings.Lines(string(out)) {
		who, path, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch diverted := strings.Fields(who); {
		case strings.HasPrefix(who, "diversion by ") && diverted[3] == "from":
			by, from = diverted[2], path
		case strings.HasPrefix(who, "diversion by "):
			moved[from], found[path] = by, []string{"not " + by + " of " + from}
		default:
			for name := range strings.SplitSeq(who, ", ") {
				name, _, _ = strings.Cut(name, ":")
				found[path] = append(found[path], name)
			}
		}
	}
	resolveDiversions(found, moved)
	for _, p := range paths {
		for _, name := range aliases(p) {
			if name != p {
				found[p] = append(found[p], found[name]...)
			}
		}
	}
	return found
}

// resolveDiversions makes the owners of files of those that dpkg-query tells:
// all packages that list a name, also those whose file lies elsewhere.
func resolveDiversions(found map[string][]string, moved map[string]string) {
	for path, names := range found {
		if by, ok := strings.CutPrefix(names[0], "not "); ok {
			by, from, _ := strings.Cut(by, " of ")
			found[path] = slices.DeleteFunc(slices.Clone(found[from]), func(name string) bool { return name == by })
		}
	}
	for from, by := range moved {
		found[from] = []string{by}
	}
}

func dpkgVersions(t testing.TB) map[pkg]bool {
	all := map[pkg]bool{}
	for line := range strings.Lines(output(t, "dpkg-query", "-W", "-f", "${Package} ${Version}\n")) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[pkg{name, version}] = true
	}
	return all
}

// TestHostLastPatch lets dpkg install a package, below another root.
func TestHostLastPatch(t *testing.T) {
	dir := t.TempDir()
	h := newTree(t, map[string]string{
		"DEBIAN/control": "Package: probe\nVersion: 2:1.5-1\nArchitecture: all\nMaintainer: none <none@example.org>\nDescription: none\n",
		"usr/bin/probe":  "",
	})
	deb, root := filepath.Join(dir, "probe.deb"), filepath.Join(dir, "root")
	output(t, "dpkg-deb", "--root-owner-group", "--build", h.dir, deb)
	for _, d := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info", "var/log"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Truncate(time.Second)
	output(t, "dpkg", "--root", root, "--log", filepath.Join(dir, "log"), "--install", deb)
	after := time.Now()
	o := one(t, packages(), hostAt(t, root))
	equal(t, "packages", value(t, o, metricPackageCount, "package_type", "dpkg"), 1)
	last := time.Unix(int64(value(t, o, metricLastPatch, "package_type", "dpkg")), 0)
	if last.Before(before) || last.After(after) {
		t.Errorf("last patch at %v, dpkg ran between %v and %v", last, before, after)
	}
	owners, err := hostAt(t, root).owners([]string{"/usr/bin/probe"})
	equal(t, "error", err, nil)
	equal(t, "owner", owners["/usr/bin/probe"], pkg{"probe", "2:1.5-1"})
}
