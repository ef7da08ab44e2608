package keyed

import (
	"sync"

	"github.com/millrace-io/millrace/vec"
)

// Sizes of an index segment, in cells of 8 bytes.
const (
	segmentMin = 16
	segmentMax = 1 << 16
)

// segmentSmall is the size up to which a segment is kept half empty: it lies in
// cache, so that short probes are worth more than space.
const segmentSmall = 1 << 13

// An index finds slots by hash tag, the low half of the hash. A cell is
// tag<<32 | slot+1, or 0. Cells lie in segments that are probed linearly; the top
// bits of the tag choose the segment through a directory, its low bits the place
// where probing starts. A segment that is full doubles while it is the only one
// and smaller than segmentMax; then it splits in two by the next bit of the tag
// (extendible hashing: Fagin et al., TODS 1979). Nothing but tags is read to do
// so. Several places of the directory may share a segment.
type index struct {
	dir   [][]uint64
	shift uint                  // tag>>shift is the place in dir
	depth []uint8               // by place: how many bits of the tag its segment has in common
	used  []int32               // by first place of a segment: cells in use
	big   []*[segmentMax]uint64 // dir again, once there are several segments
	mem   *meter
}

func (x *index) reset() {
	x.mem.add(-8 * x.cells())
	x.dir, x.shift, x.depth, x.used = [][]uint64{make([]uint64, segmentMin)}, 32, []uint8{0}, []int32{0}
	x.big = nil
	x.mem.add(8 * segmentMin)
}

// cells returns the number of cells.
func (x *index) cells() (n int) {
	for i := range x.dir {
		if i == x.first(i) {
			n += len(x.dir[i])
		}
	}
	return n
}

// recycle takes all slots out and keeps the segments.
func (x *index) recycle() {
	for i := range x.dir {
		if i == x.first(i) {
			clear(x.dir[i])
		}
	}
	clear(x.used)
}

// first returns the first place that shares the segment of place i.
func (x *index) first(i int) int {
	global := 32 - x.shift
	return i &^ (1<<(global-uint(x.depth[i])) - 1)
}

// insert adds a slot, which is not there.
func (x *index) insert(tag uint32, s Slot) {
	i := int(uint64(tag) >> x.shift)
	f := x.first(i)
	seg := x.dir[f]
	if int(x.used[f]) >= fullAt(len(seg)) {
		x.enlarge(f)
		i = int(uint64(tag) >> x.shift)
		f = x.first(i)
		seg = x.dir[f]
	}
	x.used[f]++
	place(seg, tag, uint64(tag)<<32|uint64(uint32(s)+1))
}

// fullAt returns how many cells of a segment may be used.
func fullAt(cells int) int {
	if cells <= segmentSmall {
		return cells / 2
	}
	return cells / 16 * 11
}

func place(seg []uint64, tag uint32, cell uint64) {
	mask := uint32(len(seg) - 1)
	p := tag & mask
	for seg[p] != 0 {
		p = (p + 1) & mask
	}
	seg[p] = cell
}

// enlarge makes room in the segment whose first place is f.
func (x *index) enlarge(f int) {
	old := x.dir[f]
	if len(x.dir) == 1 && len(old) < segmentMax {
		seg := newChunk(2 * len(old))
		for _, c := range old {
			if c != 0 {
				place(seg, uint32(c>>32), c)
			}
		}
		x.dir[0] = seg
		x.mem.add(8 * len(old))
		return
	}
	if int(x.depth[f]) == int(32-x.shift) {
		x.double()
		f *= 2
	}
	x.split(f, old)
}

// double doubles the directory.
func (x *index) double() {
	n := len(x.dir)
	dir, depth, used := make([][]uint64, 2*n), make([]uint8, 2*n), make([]int32, 2*n)
	for i := range n {
		dir[2*i], dir[2*i+1] = x.dir[i], x.dir[i]
		depth[2*i], depth[2*i+1] = x.depth[i], x.depth[i]
		used[2*i] = x.used[i]
	}
	x.dir, x.depth, x.used = dir, depth, used
	x.shift--
}

// split distributes a segment over two by the first bit in which tags differ.
func (x *index) split(f int, old []uint64) {
	d := x.depth[f] + 1
	half := 1 << (32 - x.shift - uint(d)) // places of each
	bit := uint32(1) << (32 - d)
	a, b := newChunk(len(old)), newChunk(len(old))
	var na, nb int32
	for _, c := range old {
		if c == 0 {
			continue
		}
		if tag := uint32(c >> 32); tag&bit == 0 {
			place(a, tag, c)
			na++
		} else {
			place(b, tag, c)
			nb++
		}
	}
	for i := range half {
		x.dir[f+i], x.dir[f+half+i] = a, b
		x.depth[f+i], x.depth[f+half+i] = d, d
	}
	x.used[f], x.used[f+half] = na, nb
	x.big = x.big[:0]
	for _, seg := range x.dir {
		x.big = append(x.big, (*[segmentMax]uint64)(seg))
	}
	x.mem.add(8 * len(old))
}

// remove takes a slot out, moving later cells of its run back, so that no probe
// meets a gap.
func (x *index) remove(tag uint32, s Slot) {
	f := x.first(int(uint64(tag) >> x.shift))
	seg := x.dir[f]
	mask := uint32(len(seg) - 1)
	cell := uint64(tag)<<32 | uint64(uint32(s)+1)
	p := tag & mask
	for seg[p] != cell {
		if seg[p] == 0 {
			panic("keyed: delete of a slot that is not in the index")
		}
		p = (p + 1) & mask
	}
	x.used[f]--
	for q := (p + 1) & mask; seg[q] != 0; q = (q + 1) & mask {
		// The cell at q may move to the gap at p if its probe starts at or before p.
		if home := uint32(seg[q]>>32) & mask; (q-home)&mask >= (q-p)&mask {
			seg[p] = seg[q]
			p = q
		}
	}
	seg[p] = 0
}

// candidates sets slots[i] to the first slot with the tag of hash[i], or None,
// and returns how many it found none for. It reads only the index.
//
// It goes over the keys once for each step of probing, and over fewer each time:
// those whose cell had another tag. The loops have no branch that depends on what
// a cell holds, so the processor runs ahead and the misses of many keys overlap.
func (x *index) candidates(hash []uint64, slots []Slot) (missing int) {
	room := candidateLists.Get().(*[]uint32)
	defer candidateLists.Put(room)
	if len(*room) < len(hash) {
		*room = make([]uint32, max(len(hash), 2*vec.BatchRowsMax))
	}
	list := (*room)[:len(hash)]
	if len(x.big) == 0 {
		list = list[:firstSmall(x.dir[0], hash, slots, list)]
	} else {
		list = list[:firstBig(x.big, x.shift, hash, slots, list)]
	}
	for step := uint32(1); len(list) > 0; step++ {
		var n, empty int
		if len(x.big) == 0 {
			n, empty = nextSmall(x.dir[0], step, hash, slots, list)
		} else {
			n, empty = nextBig(x.big, x.shift, step, hash, slots, list)
		}
		list = list[:n]
		missing += empty
	}
	return missing
}

// candidateLists are what candidates works in: tables come and go with windows.
var candidateLists = sync.Pool{New: func() any { return new([]uint32) }}

// The steps set a slot to what the cell says and list the keys whose cell is
// another's or empty. A cell minus tag<<32 + 1 is below cellOther if it is in use
// with that tag, and its low half is the slot, None of an empty cell, in any case.
const cellOther = 1<<32 - 1

func cellOf(c uint64, hash uint64) (s Slot, other int) {
	d := c - (hash<<32 + 1)
	if d >= cellOther {
		other = 1
	}
	return Slot(uint32(d)), other
}

func firstSmall(seg []uint64, hash []uint64, slots []Slot, list []uint32) (n int) {
	slots, list = slots[:len(hash)], list[:len(hash)]
	mask := uint32(len(seg) - 1)
	for i, h := range hash {
		s, other := cellOf(seg[uint32(h)&mask], h)
		slots[i] = s
		list[n] = uint32(i)
		n += other
	}
	return n
}

func nextSmall(seg []uint64, step uint32, hash []uint64, slots []Slot, list []uint32) (n, missing int) {
	mask := uint32(len(seg) - 1)
	for _, i := range list {
		if slots[i] == None {
			missing++
			continue
		}
		h := hash[i]
		s, other := cellOf(seg[(uint32(h)+step)&mask], h)
		slots[i] = s
		list[n] = i
		n += other
	}
	return n, missing
}

func firstBig(dir []*[segmentMax]uint64, shift uint, hash []uint64, slots []Slot, list []uint32) (n int) {
	slots, list = slots[:len(hash)], list[:len(hash)]
	for i, h := range hash {
		s, other := cellOf(dir[uint64(uint32(h))>>(shift&63)][uint32(h)%segmentMax], h)
		slots[i] = s
		list[n] = uint32(i)
		n += other
	}
	return n
}

func nextBig(dir []*[segmentMax]uint64, shift uint, step uint32, hash []uint64, slots []Slot, list []uint32) (n, missing int) {
	for _, i := range list {
		if slots[i] == None {
			missing++
			continue
		}
		h := hash[i]
		s, other := cellOf(dir[uint64(uint32(h))>>(shift&63)][(uint32(h)+step)%segmentMax], h)
		slots[i] = s
		list[n] = i
		n += other
	}
	return n, missing
}
