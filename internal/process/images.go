package process

import "github.com/hashicorp/golang-lru/v2/simplelru"

// averageImage is what one image may take if all take as much, in bytes. With
// the default of 16384 images they take 16 MiB at most.
const averageImage = 1024

// images holds the images used last, within a number and a sum of bytes.
type images struct {
	lru             *simplelru.LRU[uint64, *Image]
	bytes, maxBytes uint64
	stats           *counters
}

func newImages(n int, stats *counters) *images {
	i := &images{maxBytes: uint64(n) * averageImage, stats: stats}
	i.lru = newLRU(n, func(_ uint64, img *Image) { i.bytes -= img.size() })
	return i
}

// get returns nil if it does not know the image.
func (i *images) get(id uint64) *Image {
	if id == 0 {
		return nil
	}
	img, _ := i.lru.Get(id)
	return img
}

func (i *images) add(img *Image) {
	i.lru.Remove(img.id)
	i.bytes += img.size()
	evicted := uint64(0)
	if i.lru.Add(img.id, img) {
		evicted++
	}
	for i.bytes > i.maxBytes && i.lru.Len() > 1 {
		i.lru.RemoveOldest()
		evicted++
	}
	i.stats.imageEvictions.Add(evicted)
	i.stats.images.Store(uint64(i.lru.Len()))
	i.stats.imageBytes.Store(i.bytes)
}

func newLRU[K comparable, V any](n int, evicted func(K, V)) *simplelru.LRU[K, V] {
	l, err := simplelru.NewLRU(n, evicted)
	if err != nil {
		panic(err) // n is not positive: a mistake in this package
	}
	return l
}
