package lsm

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// radixMin is from how many keys on they are sorted by radix.
const radixMin = 256

// Keys are packed when what tells them apart has packedBytes at most: with the number
// of the key that is one word.
const (
	packedBytes = 5
	packedShift = 24
)

// freeWords and freeNumbers are what was sorted in, for as many as are sorted at a time.
var (
	freeWords   = make(chan []uint64, 8)
	freeNumbers = make(chan []uint32, 4)
)

// order sorts n keys, which it asks for by number: those that are equal stay in the
// order of their numbers, and again tells which equal the one before them; it is nil if
// none does. tail is how many bytes at the ends of the keys mostly ascend.
//
// Keys of a table are alike: most of their bytes are the same in all of them, as the
// high ones of numbers are. Where the keys have one length, eight bytes that differ are
// taken together, which is mostly all there are; else the eight behind what all keys
// begin with. By those they are sorted, least byte first, each byte in a pass of its
// own; what they do not tell apart is compared.
func order(n, tail int, key func(i int) []byte) (at []uint32, again []bool) {
	at = make([]uint32, n)
	if n < radixMin {
		for i := range at {
			at[i] = uint32(i)
		}
		return at, finish(at, key, 0, n, nil)
	}
	take, all, ascend := telling(n, tail, key)
	if all && len(take) <= packedBytes && n <= 1<<packedShift {
		return at, packed(at, take, ascend, key)
	}
	words := taken(freeWords, n)
	if take != nil {
		for i := range words {
			words[i] = wordAt(key(i), take)
		}
	} else {
		same := common(n, key)
		for i := range words {
			words[i] = wordOf(key(i)[same:])
		}
	}
	for i := range at {
		at[i] = uint32(i)
	}
	words = sortBytes(words, at, 0, 8)
	switch {
	case !all:
		start := 0
		for i := range words {
			if words[i] != words[start] {
				again = finish(at, key, start, i, again)
				start = i
			}
		}
		again = finish(at, key, start, n, again)
	case !ascend:
		again = alike(words, 0)
	}
	giveBack(freeWords, words)
	return at, again
}

// packed is order for keys that a few bytes tell apart.
func packed(at []uint32, take []int, ascend bool, key func(i int) []byte) (again []bool) {
	words := taken(freeWords, len(at))
	for i := range words {
		words[i] = wordAt(key(i), take)<<packedShift | uint64(i)
	}
	words = sortBytes(words, nil, packedShift/8, packedShift/8+len(take))
	for i, w := range words {
		at[i] = uint32(w & (1<<packedShift - 1))
	}
	if !ascend {
		again = alike(words, packedShift)
	}
	giveBack(freeWords, words)
	return again
}

// alike returns which words are the one before them but for some low bits, nil if none is.
func alike(words []uint64, shift int) (again []bool) {
	for i := 1; i < len(words); i++ {
		if words[i]>>shift == words[i-1]>>shift {
			if again == nil {
				again = make([]bool, len(words))
			}
			again[i] = true
		}
	}
	return again
}

// telling returns where keys of one length differ, up to eight places; nil if their
// lengths differ, or nothing does. all is true if they differ nowhere else. With ascend,
// the tails are not among the places, because each is above the one before.
func telling(n, tail int, key func(i int) []byte) (take []int, all, ascend bool) {
	first := key(0)
	if len(first) > tellingMax {
		return nil, false, false
	}
	var diff [tellingMax]byte
	last := first
	body := len(first) - tail
	ascend = tail > 0 && body >= 0
	for i := 1; i < n; i++ {
		k := key(i)
		if len(k) != len(first) {
			return nil, false, false
		}
		at := 0
		for ; at+8 <= len(k); at += 8 {
			x := binary.LittleEndian.Uint64(k[at:]) ^ binary.LittleEndian.Uint64(first[at:])
			binary.LittleEndian.PutUint64(diff[at:], binary.LittleEndian.Uint64(diff[at:])|x)
		}
		for ; at < len(k); at++ {
			diff[at] |= k[at] ^ first[at]
		}
		ascend = ascend && bytes.Compare(last[body:], k[body:]) < 0
		last = k
	}
	upto := len(first)
	if ascend {
		upto = body
	}
	for i := range upto {
		if diff[i] == 0 {
			continue
		}
		if len(take) == 8 {
			return take, false, false
		}
		take = append(take, i)
	}
	return take, take != nil, ascend && take != nil
}

// tellingMax is the length of keys up to which it is looked for where they differ.
const tellingMax = 64

// wordAt returns the bytes at some places, the first one highest.
func wordAt(key []byte, take []int) (w uint64) {
	for _, at := range take {
		w = w<<8 | uint64(key[at])
	}
	return w
}

// wordOf returns the first eight bytes, big-endian.
func wordOf(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var w [8]byte
	copy(w[:], b)
	return binary.BigEndian.Uint64(w[:])
}

// common returns how many bytes all keys begin with.
func common(n int, key func(i int) []byte) int {
	first := key(0)
	same := len(first)
	for i := range n {
		same = shared(first[:same], key(i))
	}
	return same
}

// sortBytes sorts words by some of their bytes, the lowest first, and leaves equals as
// they are. What at has is moved with them, unless it is nil.
func sortBytes(words []uint64, at []uint32, lowest, upto int) []uint64 {
	var ends [8][256]uint32
	for _, w := range words {
		for b := lowest; b < upto; b++ {
			ends[b][byte(w>>(8*b))]++
		}
	}
	to := taken(freeWords, len(words))
	from, was := at, []uint32(nil)
	if at != nil {
		was = taken(freeNumbers, len(at))
	}
	for b := lowest; b < upto; b++ {
		end := &ends[b]
		n, most := uint32(0), uint32(0)
		for i, k := range end {
			end[i] = n
			n += k
			most = max(most, k)
		}
		if int(most) == len(words) {
			continue // all have the same
		}
		shift := 8 * b & 63
		if at == nil {
			for _, w := range words {
				d := byte(w >> shift)
				to[end[d]] = w
				end[d]++
			}
		} else {
			for i, w := range words {
				d := byte(w >> shift)
				to[end[d]], was[end[d]] = w, from[i]
				end[d]++
			}
			from, was = was, from
		}
		words, to = to, words
	}
	giveBack(freeWords, to)
	if at != nil {
		if &from[0] != &at[0] {
			copy(at, from)
			was = from
		}
		giveBack(freeNumbers, was)
	}
	return words
}

// finish orders those of a range that were not told apart, and tells of equals.
func finish(at []uint32, key func(i int) []byte, from, upto int, again []bool) []bool {
	part := at[from:upto]
	if len(part) < 2 {
		return again
	}
	slices.SortFunc(part, func(a, b uint32) int {
		return cmp.Or(bytes.Compare(key(int(a)), key(int(b))), cmp.Compare(a, b))
	})
	for i := 1; i < len(part); i++ {
		if bytes.Equal(key(int(part[i])), key(int(part[i-1]))) {
			if again == nil {
				again = make([]bool, len(at))
			}
			again[from+i] = true
		}
	}
	return again
}
