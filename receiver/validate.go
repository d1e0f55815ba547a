package receiver

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// The collector validates every value of a config on its own and puts the
// path of its key before each mistake, so each kind of value is a type here.
// Validation looks at the text only, never at the host, so that a config can
// be checked on any machine.

// maxPath is how long a path may be, in bytes: what the kernel side compares.
const maxPath = 255

// A Path is an absolute path without detours.
type Path string

// Validate refuses what is not an absolute path without detours.
func (p Path) Validate() error { return validatePath(string(p)) }

// An OptionalPath is an absolute path without detours, or empty.
type OptionalPath string

// Validate refuses what is neither empty nor a Path.
func (p OptionalPath) Validate() error {
	if p == "" {
		return nil
	}
	return validatePath(string(p))
}

// A Directory is an absolute path without detours, and not the root.
type Directory string

// Validate refuses the root directory and what is not a Path.
func (d Directory) Validate() error {
	if d == "/" {
		return errors.New(`"/" would make every executable suspicious`)
	}
	return validatePath(string(d))
}

// A WatchPath is the absolute path of a file; that of a directory with a slash
// at its end, which stands for all below it; or "~/" and two names, which stands
// for that path in any directory.
type WatchPath string

// Validate refuses what is none of the three forms.
func (p WatchPath) Validate() error {
	text := string(p)
	if home, ok := strings.CutPrefix(text, "~/"); ok {
		if strings.Count(home, "/") != 1 || validatePath("/"+home) != nil {
			return fmt.Errorf(`%q must have exactly two names after "~/"`, text)
		}
		return nil
	}
	clean := path.Clean(text)
	if strings.HasSuffix(text, "/") && clean != "/" {
		clean += "/"
	}
	return compare(text, clean)
}

// Validate refuses a second entry for the same operation on the same path.
func (l WatchList) Validate() error {
	var errs []error
	seen := make(map[Watch]int)
	for i, w := range l {
		key := Watch{Path: w.Path, Operation: w.Operation}
		if w.Operation.isAny() {
			key.Operation = anyOperation
		}
		if first, ok := seen[key]; ok {
			errs = append(errs, fmt.Errorf("entries %d and %d are both for %q and operation %q", first, i, w.Path, key.Operation))
			continue
		}
		seen[key] = i
	}
	return errors.Join(errs...)
}

// A Severity says how much opening a file matters.
type Severity string

const (
	info     Severity = "info"
	warning  Severity = "warning"
	critical Severity = "critical"
)

// Validate refuses other words.
func (s Severity) Validate() error { return oneOf(s, info, warning, critical) }

// An Operation says what a file is opened for. Empty is any.
type Operation string

const (
	read         Operation = "read"
	write        Operation = "write"
	anyOperation Operation = "any"
)

// Validate refuses other words.
func (o Operation) Validate() error {
	if o.isAny() {
		return nil
	}
	return oneOf(o, read, write, anyOperation)
}

func (o Operation) isAny() bool { return o == anyOperation || o == "" }

// SyscallTracepoints says when programs under syscalls/ may be used, each of
// which slows every syscall of the host.
type SyscallTracepoints string

const (
	auto  SyscallTracepoints = "auto"  // where nothing cheaper serves a hook
	never SyscallTracepoints = "never" // the hook is not served then
)

// Validate refuses other words.
func (s SyscallTracepoints) Validate() error { return oneOf(s, auto, never) }

func oneOf[T ~string](got T, words ...T) error {
	names := make([]string, len(words))
	for i, word := range words {
		if got == word {
			return nil
		}
		names[i] = string(word)
	}
	last := len(names) - 1
	return fmt.Errorf("must be %s or %s, not %q", strings.Join(names[:last], ", "), names[last], got)
}

func validatePath(p string) error { return compare(p, path.Clean(p)) }

// compare refuses p unless it is absolute and the same as its clean form.
func compare(p, clean string) error {
	switch {
	case p == "":
		return errors.New("must not be empty")
	case len(p) > maxPath:
		return fmt.Errorf("%q… has %d bytes, more than %d", p[:32], len(p), maxPath)
	case strings.Contains(p, "\x00"):
		return fmt.Errorf("%q contains a NUL byte", p)
	case !path.IsAbs(p):
		return fmt.Errorf("%q must be absolute", p)
	case p != clean:
		return fmt.Errorf("%q must be written as %q", p, clean)
	}
	return nil
}
