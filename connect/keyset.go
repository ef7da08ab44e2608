package connect

import (
	"math/bits"
	"sync"
)

// A KeySet is which integers may be keys of a join's build side: a bit for each where they
// lie close together, else a Bloom filter. A KeySet is not changed once it is given away.
type KeySet struct {
	Min, Max int64    // no key is outside; Min > Max: there are none
	bits     []uint64 // by key - base; nil: see bloom
	base     int64
	bloom    []uint64 // by hash, see bloomOf; nil: every key within Min and Max may be one
}

const (
	keyBitsLeast = 1 << 23 // up to so many places each has its bit, however few keys there are
	keyBitsMax   = 1 << 26 // … and up to so many if they are
	keyBitsShare = 1 << 10 // … no more than this for each key
	bloomBits    = 16      // for each key, rounded up to a power of two
	bloomKeysMax = 1 << 23 // with more keys, a set has only their bounds
)

// NewKeySet makes an empty set for n keys from min to max.
func NewKeySet(min, max int64, n int) *KeySet {
	s := &KeySet{Min: min, Max: max, base: min &^ 63}
	if n == 0 || min > max {
		s.Min, s.Max = 1, 0
		return s
	}
	if width := uint64(max) - uint64(s.base); width < keyBitsLeast || width < keyBitsMax && width/keyBitsShare <= uint64(n) {
		s.bits = make([]uint64, width/64+1)
		return s
	}
	if n <= bloomKeysMax {
		s.bloom = make([]uint64, 1<<bits.Len(uint(n*bloomBits/64)))
	}
	return s
}

// Add adds a key from Min to Max.
func (s *KeySet) Add(v int64) {
	switch {
	case s.bits != nil:
		at := uint64(v - s.base)
		s.bits[at>>6] |= 1 << (at & 63)
	case s.bloom != nil:
		at, mask := bloomOf(v, len(s.bloom))
		s.bloom[at] |= mask
	}
}

// Has reports whether a value may be a key.
func (s *KeySet) Has(v int64) bool {
	switch {
	case v < s.Min || v > s.Max:
		return false
	case s.bits != nil:
		at := uint64(v - s.base)
		return s.bits[at>>6]>>(at&63)&1 != 0
	case s.bloom != nil:
		at, mask := bloomOf(v, len(s.bloom))
		return s.bloom[at]&mask == mask
	}
	return true
}

// Any reports whether a value from low to high may be a key.
func (s *KeySet) Any(low, high int64) bool {
	low, high = max(low, s.Min), min(high, s.Max)
	if low > high || s.bits == nil {
		return low <= high
	}
	from, to := uint64(low-s.base), uint64(high-s.base)
	for w := from >> 6; w <= to>>6; w++ {
		word := s.bits[w]
		if w == from>>6 {
			word &= ^uint64(0) << (from & 63)
		}
		if w == to>>6 {
			word &= ^uint64(0) >> (63 - to&63)
		}
		if word != 0 {
			return true
		}
	}
	return false
}

// bloomOf is the word of a key and its bits in it (Putze, Sanders, Singler: Cache-,
// Hash- and Space-Efficient Bloom Filters, WEA 2007). words is a power of two; the place
// comes from the top of the hash, so that a filter of twice the words has a key's bits in
// one of the two words that stand for its word.
func bloomOf(v int64, words int) (at int, mask uint64) {
	high, low := bits.Mul64(uint64(v)^0x9E6C63D0876A9A47, 0xD6E8FEB86659FD93)
	h := high ^ low
	at = int(h >> 1 >> (63 - uint(bits.Len(uint(words))-1)))
	return at, 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) | 1<<(h>>18&63)
}

// union is a set of the keys of both, and maybe others.
func (s *KeySet) union(o *KeySet) *KeySet {
	switch {
	case s.Min > s.Max:
		return o
	case o.Min > o.Max:
		return s
	}
	out := &KeySet{Min: min(s.Min, o.Min), Max: max(s.Max, o.Max), base: min(s.base, o.base)}
	switch width := uint64(out.Max) - uint64(out.base); {
	case s.bits != nil && o.bits != nil && width < 2*keyBitsMax:
		out.bits = make([]uint64, width/64+1)
		for _, x := range [...]*KeySet{s, o} {
			at := uint64(x.base-out.base) / 64
			for i, w := range x.bits {
				out.bits[at+uint64(i)] |= w
			}
		}
	case (s.bits != nil || s.bloom != nil) && (o.bits != nil || o.bloom != nil):
		out.bloom = make([]uint64, max(s.bloomWords(), o.bloomWords()))
		s.addTo(out)
		o.addTo(out)
	}
	return out
}

// bloomWords is how long a Bloom filter of the set is.
func (s *KeySet) bloomWords() int {
	if s.bloom != nil {
		return len(s.bloom)
	}
	n := 0
	for _, w := range s.bits {
		n += bits.OnesCount64(w)
	}
	return 1 << bits.Len(uint(n*bloomBits/64))
}

// addTo adds the keys to a Bloom filter that is no shorter.
func (s *KeySet) addTo(out *KeySet) {
	if s.bloom != nil {
		for i := range out.bloom {
			out.bloom[i] |= s.bloom[i*len(s.bloom)/len(out.bloom)]
		}
		return
	}
	for i, w := range s.bits {
		for ; w != 0; w &= w - 1 {
			out.Add(s.base + int64(i*64+bits.TrailingZeros64(w)))
		}
	}
}

// A KeyFilter tells the readers of one side of a join the keys of the other, when they are
// known: rows with other keys need not be read. The subtasks of the join each publish what
// they have; readers wait for all. Its methods may be called from any goroutine.
type KeyFilter struct {
	mu    sync.Mutex
	parts int // that have come
	set   *KeySet
	ready bool
	wakes []func()
}

// Publish adds the keys of one of so many parts; nil: they are not known.
func (f *KeyFilter) Publish(s *KeySet, of int) {
	f.mu.Lock()
	switch f.parts++; {
	case s == nil:
		f.set, f.parts = nil, of // readers need not wait for the others
	case f.parts == 1:
		f.set = s
	case f.set != nil:
		f.set = f.set.union(s)
	}
	wakes := f.wakes
	if f.ready = f.parts >= of; f.ready {
		f.wakes = nil
	} else {
		wakes = nil
	}
	f.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

// Keys returns the keys, nil if they remain unknown; ready tells whether that is final.
// When it is not, wake, unless it is nil, is called when it is.
func (f *KeyFilter) Keys(wake func()) (s *KeySet, ready bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ready {
		if wake != nil {
			f.wakes = append(f.wakes, wake)
		}
		return nil, false
	}
	return f.set, true
}

// KeyFilters are the filters of a job, by number, for each attempt to run it.
type KeyFilters struct {
	mu    sync.Mutex
	known map[[2]int]*KeyFilter
}

// Get returns a filter, the same for all who ask.
func (k *KeyFilters) Get(attempt, number int) *KeyFilter {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := [2]int{attempt, number}
	if k.known == nil {
		k.known = map[[2]int]*KeyFilter{}
	}
	f := k.known[key]
	if f == nil {
		f = &KeyFilter{}
		k.known[key] = f
	}
	return f
}

// A ScanFilter is keys that rows of a scan must have in a column, which is of integers, to
// be of use: a source may skip the others, and does not begin before they are known.
type ScanFilter struct {
	Column int // in Table.Schema
	Filter *KeyFilter
}
