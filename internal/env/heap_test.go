package env

import (
	"runtime"
	"testing"
)

var sink []byte

// collections is how often the collector runs while so many MB of garbage are made.
func collections(mb int) uint32 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range mb * 16 {
		sink = make([]byte, 64<<10)
	}
	runtime.ReadMemStats(&after)
	return after.NumGC - before.NumGC
}

func TestHeapFloor(t *testing.T) {
	defer func() { floor = nil }()
	without := collections(400)
	HeapFloor(64 << 20)
	with := collections(400)
	if with > 10 || without < 2*with {
		t.Errorf("%d collections without a floor of 64 MB, %d with it", without, with)
	}
	dropFloor(4 << 30)
	if floor == nil {
		t.Error("a limit of 4 GB drops a floor of 64 MB")
	}
	dropFloor(256 << 20)
	if floor != nil {
		t.Error("a floor of 64 MB stays under a limit of 256 MB")
	}
}
