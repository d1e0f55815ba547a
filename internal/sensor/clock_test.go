//go:build linux && (amd64 || arm64)

package sensor

import "testing"

func TestClockLearns(t *testing.T) {
	const boot = int64(1_700_000_000_000_000_000)
	at := func(before, middle, after int64) look { return look{before, boot + middle, after} }
	for _, c := range []struct {
		name string
		look look
		was  int64
		want int64
	}{
		{"the first time", at(1000, 1020, 1040), 0, boot},
		{"that nothing changed, as far as it can tell", at(1000, 1030, 1040), boot, boot},
		{"that nothing changed, though others ran in between", at(1000, 10_001_000, 10_002_000), boot, boot},
		{"that the host's clock was put forward", at(1000, 51_020, 1040), boot, boot + 50_000},
		{"that the host's clock was put back", at(100_000, 50_020, 100_040), boot, boot - 50_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := clock{offset: c.was}
			clock.learn(c.look)
			if clock.offset != c.want {
				t.Errorf("off by %d ns", clock.offset-c.want)
			}
		})
	}
}

func TestClosestLook(t *testing.T) {
	var taken int
	take := func(took ...int64) func() look {
		taken = 0
		return func() look {
			l := look{before: int64(taken) * 1_000_000_000}
			l.after = l.before + took[min(taken, len(took)-1)]
			taken++
			return l
		}
	}
	for _, c := range []struct {
		name        string
		took        []int64
		best, looks int64
	}{
		{"the first one, if nobody ran in between", []int64{60}, 60, 1},
		{"the one in which nobody ran in between", []int64{9_700_000, 12_000_000, 70}, 70, 3},
		{"the shortest, if somebody always did", []int64{9_700_000, 12_000_000, 5_000, 8_000}, 5_000, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			best, last := closest(take(c.took...))
			if best.took() != c.best || int64(taken) != c.looks || last.before != (c.looks-1)*1_000_000_000 {
				t.Errorf("%+v is the best of %d, and %+v the last", best, taken, last)
			}
		})
	}
}
