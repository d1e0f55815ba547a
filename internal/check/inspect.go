package check

import (
	"debug/buildinfo"
	"debug/elf"
	"io"
	"path"
	"regexp"
	"runtime/debug"
	"strings"
)

// inspectRead is how much of a program is read for each of two ways to find out
// its version, in bytes.
const inspectRead = 512 << 10

// inspect finds out what a program is by what is in its file.
func (h *Host) inspect(p program) pkg {
	f, err := h.openProgram(p)
	if err != nil {
		return pkg{}
	}
	defer func() { _ = f.Close() }()
	r, ok := f.(io.ReaderAt)
	if !ok {
		return pkg{}
	}
	return inspectFile(path.Base(p.path), r)
}

func inspectFile(name string, r io.ReaderAt) (found pkg) {
	defer func() { _ = recover() }() // a file made to break a parser has no version
	if info, err := buildinfo.Read(&budget{r, inspectRead}); err == nil {
		return goProgram(info)
	}
	return pkg{version: findVersion(name, readOnlyData(r))}
}

// A budget ends a file after so many bytes were read of it.
type budget struct {
	io.ReaderAt
	left int
}

func (b *budget) ReadAt(p []byte, at int64) (int, error) {
	if len(p) > b.left {
		return 0, io.ErrUnexpectedEOF
	}
	b.left -= len(p)
	return b.ReaderAt.ReadAt(p, at)
}

// goProgram is the name of the main package and the version of its module, or
// the commit it was built from.
func goProgram(info *debug.BuildInfo) pkg {
	p := pkg{programName(info.Path), info.Main.Version}
	if p.version == "" || p.version == "(devel)" {
		p.version = ""
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				p.version = s.Value
			}
		}
	}
	return p
}

// programName leaves out the major version at the end of a path.
func programName(p string) string {
	dir, base := path.Split(p)
	if majorVersion.MatchString(base) && dir != "" {
		return path.Base(dir)
	}
	return base
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// readOnlyData is where a compiler puts the texts of a program.
func readOnlyData(r io.ReaderAt) []byte {
	limited := &budget{r, inspectRead}
	f, err := elf.NewFile(limited)
	if err != nil {
		return nil
	}
	section := f.Section(".rodata")
	if section == nil {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(section.Open(), int64(limited.left/2)))
	return b
}

// findVersion returns the version that follows a program's name, as servers
// name themselves: name/1.2.3, name_1.2p1, "name version 1.2".
func findVersion(name string, text []byte) string {
	if name == "" || len(name) > 64 {
		return ""
	}
	pattern, err := regexp.Compile(`(?i)(?:^|[^0-9a-z])` + regexp.QuoteMeta(name) +
		`(?:[ /_-]| version | server )v?([0-9]{1,4}(?:\.[0-9]{1,6}){1,4}[0-9a-z.+~-]{0,24})`)
	if err != nil {
		return ""
	}
	if found := pattern.FindSubmatch(text); found != nil {
		return strings.TrimRight(string(found[1]), ".-+~")
	}
	return ""
}
