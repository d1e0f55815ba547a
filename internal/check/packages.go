package check

import (
	"context"
	"strconv"
	"time"
)

const (
	metricPackageCount = "linux.security.package_count"
	metricLastPatch    = "linux.security.last_patch_time"
)

// packages has no opinion: a host without a new package may have needed none.
func packages() Check {
	return Check{
		ID:       "package_count",
		Category: Packages,
		Pace:     Slow,
		Reads:    "the databases of dpkg, RPM (SQLite, NDB, Berkeley DB), apk and pacman",
		Metrics:  []string{metricPackageCount, metricLastPatch},
		Run:      runPackages,
	}
}

func runPackages(ctx context.Context, h *Host, f *Findings) error {
	for _, db := range pkgDBs() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c, found, err := db.census(h)
		if err != nil {
			f.Problem(err)
			continue // what is half read counts wrong
		}
		if !found {
			continue
		}
		f.Point(metricPackageCount, float64(c.count), "package_type", db.kind)
		f.Watch("package_count."+db.kind, strconv.Itoa(c.count))
		if !c.last.IsZero() {
			f.Point(metricLastPatch, float64(c.last.Unix()), "package_type", db.kind)
			f.Watch("package_count."+db.kind+".last_patch", c.last.UTC().Format(time.RFC3339))
		}
	}
	return nil
}
