package topn

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

// BenchmarkAdd counts keys that are held, from uniform and Zipf streams, and
// (new) keys of which each takes another's place.
func BenchmarkAdd(b *testing.B) {
	const samples = 1 << 16
	for _, capacity := range []int{100, 10_000} {
		r := rand.New(rand.NewPCG(8, 9))
		z := rand.NewZipf(r, 1.2, 1, uint64(capacity-1))
		for _, s := range []struct {
			name string
			key  func(int) uint64
		}{
			{"uniform", func(int) uint64 { return r.Uint64N(uint64(capacity)) }},
			{"zipf", func(int) uint64 { return z.Uint64() }},
			{"new", func(i int) uint64 { return uint64(i) }},
		} {
			keys := make([][]byte, samples)
			for i := range keys {
				keys[i] = fmt.Appendf(nil, "/usr/bin/%06d", s.key(i))
			}
			b.Run(fmt.Sprint(s.name, "/", capacity), func(b *testing.B) {
				c := New(capacity)
				for _, key := range keys {
					c.Add(key, 1)
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					c.Add(keys[i%samples], 1)
				}
			})
		}
	}
}

// TestMemoryStaysBounded: a stream of new keys must not let the map grow.
func TestMemoryStaysBounded(t *testing.T) {
	c := New(DefaultCapacity)
	var key [300]byte
	add := func(n int) uint64 {
		for range n {
			copy(key[:], fmt.Sprintf("%016x", rand.Uint64()))
			c.Add(key[:], 1)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := add(10_000)
	assert.Less(t, add(500_000), before+1<<20)
	runtime.KeepAlive(c)
}
