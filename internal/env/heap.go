package env

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// PaceCollector says how much garbage there is when the garbage collector runs: as
// much as it has to go through of what is alive, but at least a share of all that is
// alive, and so many bytes.
//
// By itself it runs when there is as much garbage as there are live bytes. That is
// little for a job that only reads and writes: it has a few MB alive, makes batches of
// the size of its input, and would spend a fifth of its time on the collector. And it
// is much where most of what is alive is tables without pointers, which cost the
// collector nothing.
func PaceCollector(least int) {
	if os.Getenv("GOGC") == "" {
		pace(&pacer{least: uint64(least)})
	}
}

// garbageShare is the share of what is alive that garbage may take in any case.
const garbageShare = 16

// A pacer is garbage all the time: its finalizer runs when the collector has run.
type pacer struct {
	least   uint64
	percent int
	_       *pacer // an object with a pointer has a finalizer of its own
}

func pace(p *pacer) {
	if percent := collectPercent(p.least); percent != p.percent {
		p.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.SetFinalizer(p, pace)
}

// collectPercent is how much garbage there may be, in percent of what the last
// collection has found alive.
func collectPercent(least uint64) int {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(s)
	live, scanned := s[0].Value.Uint64(), s[1].Value.Uint64()
	const first = 4 << 20 // what the collector takes for alive if less is
	return int(100 * max(scanned, live/garbageShare, least) / max(live, first))
}
