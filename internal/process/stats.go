package process

import "sync/atomic"

// Stats are the sizes of what a Table remembers. Evictions are what it forgot
// since its start because there was no room.
type Stats struct {
	Images, ImageBytes, ImageEvictions uint64
	Processes, ProcessEvictions        uint64
	Cgroups, CgroupEvictions           uint64
	// Users and Groups are names of /etc; NamesDropped did not fit, at the last reading.
	Users, Groups, NamesDropped uint64
	// Lookups are processes asked of /proc since the start, Refused those that
	// were not asked for as there were too many.
	Lookups, LookupsFailed, LookupsRefused uint64
}

type counters struct {
	images, imageBytes, imageEvictions     atomic.Uint64
	lives, lifeEvictions                   atomic.Uint64
	cgroups, cgroupEvictions               atomic.Uint64
	users, groups, namesDropped            atomic.Uint64
	lookups, lookupsFailed, lookupsRefused atomic.Uint64
}

func (c *counters) read() Stats {
	return Stats{
		Images: c.images.Load(), ImageBytes: c.imageBytes.Load(), ImageEvictions: c.imageEvictions.Load(),
		Processes: c.lives.Load(), ProcessEvictions: c.lifeEvictions.Load(),
		Cgroups: c.cgroups.Load(), CgroupEvictions: c.cgroupEvictions.Load(),
		Users: c.users.Load(), Groups: c.groups.Load(), NamesDropped: c.namesDropped.Load(),
		Lookups: c.lookups.Load(), LookupsFailed: c.lookupsFailed.Load(), LookupsRefused: c.lookupsRefused.Load(),
	}
}
