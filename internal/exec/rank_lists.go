package exec

import (
	"slices"
	"sort"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state/keyed"
)

// A rankEntry is a row in the order of its partition.
type rankEntry struct {
	word uint64 // of the first sort key
	ref  keyed.Ref
	tag  uint32 // of a hash, by which a row is found again
}

// rankLists keep the rows of partitions in order, by slot. A list lies in a block
// of a page, blocks having sizes of powers of two; one with more than a page has a
// rankLong. Pages have no pointers, so that millions of lists cost the collector
// nothing.
//
// The lists are not durable: they follow from the rows.
type rankLists struct {
	heads  []rankHead
	pages  [][]rankEntry
	fill   int         // entries of the last page in use
	free   [][]uint32  // by size class: blocks to use again
	long   []*rankLong // named by the heads of long lists
	unused []uint32    // of long
	mem    *base.Budget
	bytes  int64
}

// rankHead says where a list is.
type rankHead struct {
	at    uint32 // page << rankPageShift | entry; of a long list its number
	n     uint32
	class uint8 // 1 << (class-1) entries; 0: no block; rankLongClass
}

const (
	rankPageShift = 12
	rankPage      = 1 << rankPageShift // entries
	rankLongClass = rankPageShift + 2
	rankEntrySize = 16
)

func (l *rankLists) count(n int) {
	l.bytes += int64(n)
	l.mem.Add(int64(n))
}

// head returns the head of a slot, which is made if it is missing.
func (l *rankLists) head(s keyed.Slot) *rankHead {
	if int(s) >= len(l.heads) {
		n := max(int(s)+1, 2*len(l.heads), 64)
		l.count(12 * (n - len(l.heads)))
		l.heads = append(l.heads, make([]rankHead, n-len(l.heads))...)
	}
	return &l.heads[s]
}

// len returns the number of rows of a slot.
func (l *rankLists) len(s keyed.Slot) int {
	if int(s) >= len(l.heads) {
		return 0
	}
	return int(l.heads[s].n)
}

// short returns the entries of a list that is not long.
func (l *rankLists) short(h *rankHead) []rankEntry {
	if h.class == 0 {
		return nil
	}
	size := 1 << (h.class - 1)
	at := int(h.at & (rankPage - 1))
	return l.pages[h.at>>rankPageShift][at : at+size]
}

// at returns the i'th entry of a slot.
func (l *rankLists) at(s keyed.Slot, i int) *rankEntry {
	h := &l.heads[s]
	if h.class == rankLongClass {
		return l.long[h.at].at(i)
	}
	return &l.pages[h.at>>rankPageShift][int(h.at&(rankPage-1))+i]
}

// search returns the first position whose entry is not before: before is true for
// the entries at the front and false for the rest.
func (l *rankLists) search(s keyed.Slot, before func(e *rankEntry) bool) int {
	if int(s) >= len(l.heads) {
		return 0
	}
	h := &l.heads[s]
	if h.class == rankLongClass {
		return l.long[h.at].search(before)
	}
	list := l.short(h)[:h.n]
	return sort.Search(len(list), func(i int) bool { return !before(&list[i]) })
}

// insert puts an entry at a position.
func (l *rankLists) insert(s keyed.Slot, i int, e rankEntry) {
	h := l.head(s)
	if h.class == rankLongClass {
		l.insertLong(h, i, e)
		return
	}
	list := l.short(h)
	if int(h.n) == len(list) {
		if len(list) == rankPage {
			l.toLong(h)
			l.insertLong(h, i, e)
			return
		}
		list = l.enlarge(h)
	}
	copy(list[i+1:h.n+1], list[i:h.n])
	list[i] = e
	h.n++
}

func (l *rankLists) insertLong(h *rankHead, i int, e rankEntry) {
	x := l.long[h.at]
	was := x.bytes()
	x.insert(i, e)
	h.n++
	l.count(x.bytes() - was)
}

// remove takes the entry at a position out.
func (l *rankLists) remove(s keyed.Slot, i int) {
	h := &l.heads[s]
	h.n--
	if h.class == rankLongClass {
		x := l.long[h.at]
		was := x.bytes()
		x.remove(i)
		l.count(x.bytes() - was)
		if h.n == 0 {
			l.clear(s)
		}
		return
	}
	list := l.short(h)
	copy(list[i:h.n], list[i+1:h.n+1])
	if h.n == 0 {
		l.clear(s)
	}
}

// clear empties the list of a slot.
func (l *rankLists) clear(s keyed.Slot) {
	if int(s) >= len(l.heads) {
		return
	}
	h := &l.heads[s]
	switch h.class {
	case 0:
	case rankLongClass:
		l.count(-l.long[h.at].bytes())
		l.long[h.at] = nil
		l.unused = append(l.unused, h.at)
	default:
		l.release(h)
	}
	*h = rankHead{}
}

func (l *rankLists) release(h *rankHead) {
	c := int(h.class)
	for len(l.free) <= c {
		l.free = append(l.free, nil)
	}
	l.free[c] = append(l.free[c], h.at)
}

// block returns a block of a class.
func (l *rankLists) block(class uint8) uint32 {
	if c := int(class); c < len(l.free) && len(l.free[c]) > 0 {
		f := l.free[c]
		at := f[len(f)-1]
		l.free[c] = f[:len(f)-1]
		return at
	}
	size := 1 << (class - 1)
	if len(l.pages) == 0 || l.fill+size > rankPage {
		l.pages = append(l.pages, make([]rankEntry, rankPage))
		l.fill = 0
		l.count(rankPage * rankEntrySize)
	}
	at := uint32(len(l.pages)-1)<<rankPageShift | uint32(l.fill)
	l.fill += size
	return at
}

// enlarge gives a list a block of twice the size.
func (l *rankLists) enlarge(h *rankHead) []rankEntry {
	old := *h
	h.class = max(old.class+1, 2)
	h.at = l.block(h.class)
	list := l.short(h)
	if old.class > 0 {
		copy(list, l.short(&old))
		l.release(&old)
	}
	return list
}

func (l *rankLists) toLong(h *rankHead) {
	x := &rankLong{}
	for list := l.short(h)[:h.n]; len(list) > 0; {
		n := min(rankRun/2, len(list))
		x.runs = append(x.runs, append(make([]rankEntry, 0, rankRun), list[:n]...))
		list = list[n:]
	}
	l.release(h)
	l.count(x.bytes())
	h.class = rankLongClass
	if n := len(l.unused); n > 0 {
		h.at = l.unused[n-1]
		l.unused = l.unused[:n-1]
		l.long[h.at] = x
		return
	}
	h.at = uint32(len(l.long))
	l.long = append(l.long, x)
}

// held is how much memory the lists have, and how much of that is free.
func (l *rankLists) held() (bytes, free int64) {
	for class, blocks := range l.free {
		if class > 0 {
			free += int64(len(blocks)) << (class - 1)
		}
	}
	return l.bytes, free * rankEntrySize
}

// close gives the memory back to the budget.
func (l *rankLists) close() {
	l.count(int(-l.bytes))
	*l = rankLists{mem: l.mem}
}

// A rankLong is a list in runs of at most rankRun entries: an insertion moves one
// run, a position is found by counting runs.
type rankLong struct{ runs [][]rankEntry }

const rankRun = 1024 // entries

func (x *rankLong) bytes() int { return len(x.runs) * rankRun * rankEntrySize }

// find returns the run of a position, and where in it. With end a position behind
// the last entry of a run counts as in it.
func (x *rankLong) find(i int, end bool) (run, at int) {
	for r, list := range x.runs {
		if i < len(list) || end && i == len(list) {
			return r, i
		}
		i -= len(list)
	}
	panic("exec: a rank beyond its list")
}

func (x *rankLong) at(i int) *rankEntry {
	r, k := x.find(i, false)
	return &x.runs[r][k]
}

func (x *rankLong) search(before func(e *rankEntry) bool) int {
	r := sort.Search(len(x.runs), func(i int) bool { return !before(&x.runs[i][len(x.runs[i])-1]) })
	n := 0
	for _, list := range x.runs[:r] {
		n += len(list)
	}
	if r == len(x.runs) {
		return n
	}
	list := x.runs[r]
	return n + sort.Search(len(list), func(i int) bool { return !before(&list[i]) })
}

func (x *rankLong) insert(i int, e rankEntry) {
	if len(x.runs) == 0 {
		x.runs = [][]rankEntry{make([]rankEntry, 0, rankRun)}
	}
	r, k := x.find(i, true)
	if len(x.runs[r]) == rankRun {
		half := append(make([]rankEntry, 0, rankRun), x.runs[r][rankRun/2:]...)
		x.runs[r] = x.runs[r][:rankRun/2]
		x.runs = slices.Insert(x.runs, r+1, half)
		if k > rankRun/2 {
			r, k = r+1, k-rankRun/2
		}
	}
	list := append(x.runs[r], rankEntry{})
	copy(list[k+1:], list[k:])
	list[k] = e
	x.runs[r] = list
}

func (x *rankLong) remove(i int) {
	r, k := x.find(i, false)
	list := x.runs[r]
	copy(list[k:], list[k+1:])
	x.runs[r] = list[:len(list)-1]
	if len(x.runs[r]) == 0 {
		x.runs = slices.Delete(x.runs, r, r+1)
	}
}
