package env

// floor is memory that nobody writes to, so it takes none of the machine's: it only
// counts as live where the collector asks when to run next.
var floor []byte

// floorShare is the share of a memory limit that the floor may take.
const floorShare = 16

// HeapFloor has the garbage collector let at least so many bytes of garbage lie
// before it runs. It runs when there is as much garbage as there are live bytes: a
// job that only reads and writes has a few MB of those, makes batches of the size of
// its input, and spends a fifth of its time on the collector.
func HeapFloor(bytes int) { floor = make([]byte, bytes) }

// dropFloor gives the floor up if it is much beside a limit: what counts as live
// counts against that.
func dropFloor(limit int64) {
	if int64(len(floor))*floorShare > limit {
		floor = nil
	}
}
