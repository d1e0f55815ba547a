package check

import (
	"context"
	"maps"
	"time"
)

const (
	versionTTL  = 5 * time.Minute
	versionKept = time.Hour       // longer
	versionTime = 3 * time.Second // for one program
	maxVersions = 4096            // that are remembered
	maxUnended  = 4               // reads that hang
)

// unknown is what cannot be read of what is there.
const unknown = "unknown"

// Versions finds out what programs are, and remembers it, also that it did not.
type versions struct {
	known   map[string]versioned // by the keys of programs
	reading chan struct{}        // holds one for each read
}

type versioned struct {
	pkg
	until time.Time
}

func newVersions() *versions {
	return &versions{known: map[string]versioned{}, reading: make(chan struct{}, maxUnended)}
}

// find returns the names and versions of programs by their keys: from the
// database of the package that owns the file, or else from the file itself.
// Where neither can be read now, what was read before holds.
func (v *versions) find(ctx context.Context, h *Host, programs map[string]program) (map[string]pkg, error) {
	now := h.Now()
	v.forget(now)
	found := map[string]pkg{}
	var paths []string
	for key, p := range programs {
		if old, ok := v.known[key]; ok && old.until.After(now) {
			found[key] = old.pkg
		} else if p.isHosts {
			paths = append(paths, p.path)
		}
	}
	var owners map[string]pkg
	var err error
	if len(paths) > 0 {
		owners, err = h.owners(paths)
	}
	for key, p := range programs {
		if _, ok := found[key]; ok {
			continue
		}
		if ctx.Err() != nil {
			return found, ctx.Err()
		}
		old, wasKnown := v.known[key]
		found[key] = old.pkg
		owner := owners[p.path]
		switch {
		case p.isHosts && owner != (pkg{}):
			found[key] = owner
		case p.isHosts && err != nil:
			if !wasKnown {
				found[key] = pkg{unknown, unknown}
			}
			continue // with the next run there may be an answer
		default:
			if read, ok := v.read(ctx, h, p); ok {
				found[key] = read
			}
		}
		v.known[key] = versioned{found[key], now.Add(versionTTL)}
	}
	return found, err
}

// forget keeps for a while what is too old to be believed but where nothing
// better is found.
func (v *versions) forget(now time.Time) {
	maps.DeleteFunc(v.known, func(_ string, old versioned) bool { return !old.until.Add(versionKept).After(now) })
	if len(v.known) > maxVersions {
		clear(v.known)
	}
}

// read looks into a program. A file system that does not answer is left alone:
// then it returns false.
func (v *versions) read(ctx context.Context, h *Host, p program) (pkg, bool) {
	select {
	case v.reading <- struct{}{}:
	default:
		return pkg{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, versionTime)
	defer cancel()
	ended := make(chan pkg, 1)
	go func() {
		defer func() { <-v.reading }()
		ended <- h.inspect(p)
	}()
	select {
	case found := <-ended:
		return found, true
	case <-ctx.Done():
		return pkg{}, false
	}
}
