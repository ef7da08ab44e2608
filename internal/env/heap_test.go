package env

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
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

func TestPaceCollector(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	PaceCollector(64 << 20)
	if n := collections(400); n > 10 { // with a hundred percent of the little that is alive a hundred
		t.Errorf("%d collections for 400 MB of garbage", n)
	}

	table := make([]byte, 1<<30)
	if !percentGets(func(percent int) bool { return percent < 10 }) {
		t.Error("beside a large table without pointers there may be as much garbage")
	}
	runtime.KeepAlive(table)
	table = nil
	if !percentGets(func(percent int) bool { return percent > 100 }) {
		t.Error("once the table is gone there may be little garbage")
	}
	runtime.KeepAlive(table)
}

// percentGets waits until collections have made the percentage right.
func percentGets(right func(int) bool) bool {
	for range 1000 {
		runtime.GC()
		percent := debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		if right(percent) {
			return true
		}
		time.Sleep(time.Millisecond) // for the goroutine of finalizers
	}
	return false
}
