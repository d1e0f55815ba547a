package rpmdb

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown is a package as RPM lists it for testdata/make.sh.
func shown(p Package) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %d ", p.Name, p.Version, p.Installed.Unix())
	for dir, base := range p.Files() {
		b.WriteString(dir + base + " ")
	}
	return b.String()
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func list(db, wal []byte) ([]string, error) {
	var log *io.SectionReader
	if wal != nil {
		log = section(wal)
	}
	var all []string
	err := Read(section(db), log, func(p Package) error {
		all = append(all, shown(p))
		return nil
	})
	slices.Sort(all)
	return all, err
}

// stored returns what testdata/make.sh made.
func stored(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func compare(t *testing.T, file func(testing.TB, string) []byte) {
	want := strings.Split(strings.TrimSuffix(string(file(t, "rpm-qa")), "\n"), "\n")
	for _, test := range []struct {
		name, db, wal string
		want          []string
	}{
		{"SQLite with a log", "rpmdb.sqlite", "rpmdb.sqlite-wal", want},
		{"SQLite alone", "rpmdb.sqlite", "", slices.Concat(want[:1], want[2:])},
		{"NDB", "Packages.db", "", want},
		{"Berkeley DB", "Packages", "", want},
	} {
		t.Run(test.name, func(t *testing.T) {
			var wal []byte
			if test.wal != "" {
				wal = file(t, test.wal)
			}
			got, err := list(file(t, test.db), wal)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRead(t *testing.T) { compare(t, stored) }

// What is cut off or overwritten is an error, and never more packages.
func TestReadDamaged(t *testing.T) {
	for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
		whole := stored(t, name)
		all, err := list(whole, nil)
		if err != nil {
			t.Fatal(err)
		}
		for size := 0; size < len(whole); size += len(whole)/64 + 1 {
			got, err := list(whole[:size], nil)
			if err == nil && len(got) < len(all) {
				t.Errorf("%s: %d of %d packages in %d of %d bytes, and no error", name, len(got), len(all), size, len(whole))
			}
		}
	}
}

// A log that was overwritten is not believed.
func TestReadDamagedLog(t *testing.T) {
	db, wal := stored(t, "rpmdb.sqlite"), stored(t, "rpmdb.sqlite-wal")
	for _, at := range []int{0, 8, 24, walHeader, walHeader + 8, walHeader + 16, walHeader + walFrame + 100} {
		damaged := bytes.Clone(wal)
		damaged[at] ^= 0xff
		got, err := list(db, damaged)
		if err != nil || len(got) != 2 {
			t.Errorf("byte %d: %d packages, %v", at, len(got), err)
		}
	}
	for _, size := range []int{0, 31, walHeader, walHeader + 10} {
		got, err := list(db, wal[:size])
		if err != nil || len(got) != 2 {
			t.Errorf("%d bytes: %d packages, %v", size, len(got), err)
		}
	}
}

func TestReadOther(t *testing.T) {
	for _, b := range []string{"", "short", strings.Repeat("no database ", 20)} {
		if got, err := list([]byte(b), nil); err == nil {
			t.Errorf("%q: %v", b, got)
		}
	}
}

func TestReadStops(t *testing.T) {
	stop := errors.New("stop")
	for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
		n := 0
		err := Read(section(stored(t, name)), nil, func(Package) error { n++; return stop })
		if !errors.Is(err, stop) || n != 1 {
			t.Errorf("%s: %d packages, %v", name, n, err)
		}
	}
}

// tinyNDB has one package.
func tinyNDB() []byte {
	b := make([]byte, ndbPage, 2*ndbPage)
	copy(b, "RpmP\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	for at := 2 * ndbSlot; at < len(b); at += ndbSlot {
		copy(b[at:], "Slot")
	}
	copy(b[2*ndbSlot+4:], "\x01\x00\x00\x00\x00\x01\x00\x00\x03")
	return append(b, "BlbS\x01\x00\x00\x00\x00\x00\x00\x00"+string(rune(len(tinyHeader)))+"\x00\x00\x00"+tinyHeader...)
}

const tinyHeader = "\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x03\xe8\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x01a\x00"

func TestTiny(t *testing.T) {
	for name, test := range map[string]struct {
		db   []byte
		want string
	}{
		"SQLite":      {stored(t, "tiny.sqlite"), "bash 5.1.8-1.el9 1700000004 ,openssh-server 8.7p1-1.el9 1700000014 "},
		"Berkeley DB": {stored(t, "tiny.berkeley"), "bash 5.1.8-1.el9 1700000004 ,openssh-server 8.7p1-1.el9 1700000014 "},
		"NDB":         {tinyNDB(), "a - -62135596800 "},
	} {
		got, err := list(test.db, nil)
		if err != nil || strings.Join(got, ",") != test.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(stored(f, "tiny.sqlite"), []byte{})
	f.Add(stored(f, "tiny.sqlite"), []byte("\x37\x7f\x06\x82"+strings.Repeat("\x00", 600)))
	f.Add(stored(f, "tiny.berkeley"), []byte{})
	f.Add(tinyNDB(), []byte{})
	f.Fuzz(func(_ *testing.T, db, wal []byte) { _, _ = list(db, wal) })
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte(tinyHeader))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if p, err := parseHeader(b); err == nil {
			_ = shown(p)
		}
	})
}
