package keyed

import (
	"math/bits"
	"unsafe"
)

// The arena's chunks. The first grows to chunkWords by doubling, for most tables
// of most buckets are small; the others have that size.
const (
	chunkShift    = 15
	chunkWords    = 1 << chunkShift // 256 KiB
	chunkWordsMin = 1 << 7
	chunkMask     = chunkWords - 1
)

// Blocks have classWords sizes: as many words as are asked for up to exactWords, for
// that is what rows mostly have, then in steps of an eighth at most; larger ones have a
// chunk each.
const (
	blockWordsMax = chunkWords / 4
	exactShift    = 6
	exactWords    = 1 << exactShift
	blockClasses  = exactWords + 8*(chunkShift-2-exactShift)
)

// An arena hands out blocks of words, named by 32-bit references that tell chunk
// and place; 0 is none. Freed blocks wait in a list for their size. Blocks do not
// move, but the first chunk may when it grows: a slice of a block is valid until
// the next alloc.
type arena struct {
	chunks [][]uint64
	at     int // words used in the last chunk that is shared
	last   int // that chunk
	free   [blockClasses]uint32
	spare  []uint32   // numbers of chunks that were given back
	kept   [][]uint64 // chunks of chunkWords to be used again
	mem    *meter

	freeWords int // in the lists
}

// classOf returns the class of blocks of n words, 0 < n <= blockWordsMax.
func classOf(n int) int {
	if n <= exactWords {
		return n - 1
	}
	s := bits.Len(uint(n-1)) - 4
	return exactWords + (s-exactShift+3)*8 + (n-1)>>s - 8
}

// classWords returns the size of the blocks of a class.
func classWords(c int) int {
	if c < exactWords {
		return c + 1
	}
	c -= exactWords
	return (c%8 + 9) << (c/8 + exactShift - 3)
}

// alloc returns a block of at least n words; its contents are arbitrary.
func (a *arena) alloc(n int) uint32 {
	n = max(n, 1)
	if n > blockWordsMax {
		return a.chunk(n) << chunkShift
	}
	c := classOf(n)
	if ref := a.free[c]; ref != 0 {
		a.free[c] = uint32(a.chunks[ref>>chunkShift][ref&chunkMask])
		a.freeWords -= classWords(c)
		return ref
	}
	n = classWords(c)
	if len(a.chunks) == 0 || a.at+n > len(a.chunks[a.last]) {
		a.room(n)
	}
	ref := uint32(a.last<<chunkShift + a.at)
	a.at += n
	return ref
}

// room makes room for n words in the last chunk.
func (a *arena) room(n int) {
	if len(a.chunks) == 0 {
		a.chunks = append(a.chunks, make([]uint64, chunkWordsMin))
		a.mem.add(8 * chunkWordsMin)
		a.at = 1 // 0 is no reference
	}
	for a.last == 0 && a.at+n > len(a.chunks[0]) && len(a.chunks[0]) < chunkWords {
		grown := newChunk(2 * len(a.chunks[0]))
		a.mem.add(8 * copy(grown, a.chunks[0]))
		a.chunks[0] = grown
	}
	if a.at+n <= len(a.chunks[a.last]) {
		return
	}
	// What is left becomes free blocks.
	for left := chunkWords - a.at; left > 0; left = chunkWords - a.at {
		c := classOf(min(left, blockWordsMax))
		if classWords(c) > left {
			c--
		}
		a.put(uint32(a.last<<chunkShift+a.at), c)
		a.at += classWords(c)
	}
	a.last, a.at = int(a.chunk(chunkWords)), 0
}

// chunk adds a chunk of n words and returns its number.
func (a *arena) chunk(n int) uint32 {
	if len(a.chunks) == 0 {
		a.room(1) // chunk 0 is a shared one
	}
	if k := len(a.kept); k > 0 && n == chunkWords {
		a.chunks = append(a.chunks, a.kept[k-1])
		a.kept = a.kept[:k-1]
		return uint32(len(a.chunks) - 1)
	}
	a.mem.add(8 * n)
	if k := len(a.spare); k > 0 {
		i := a.spare[k-1]
		a.spare = a.spare[:k-1]
		a.chunks[i] = newChunk(n)
		return i
	}
	if len(a.chunks) >= 1<<(32-chunkShift) {
		panic("keyed: a table has more than 32 GiB of strings or rows")
	}
	a.chunks = append(a.chunks, newChunk(n))
	return uint32(len(a.chunks) - 1)
}

func (a *arena) put(ref uint32, class int) {
	a.chunks[ref>>chunkShift][ref&chunkMask] = uint64(a.free[class])
	a.free[class] = ref
	a.freeWords += classWords(class)
}

// release frees a block of n words.
func (a *arena) release(ref uint32, n int) {
	n = max(n, 1)
	if n > blockWordsMax {
		i := ref >> chunkShift
		a.mem.add(-8 * len(a.chunks[i]))
		a.chunks[i] = nil
		a.spare = append(a.spare, i)
		return
	}
	a.put(ref, classOf(n))
}

// words returns the memory from a block's start to the end of its chunk.
func (a *arena) words(ref uint32) []uint64 { return a.chunks[ref>>chunkShift][ref&chunkMask:] }

// bytes returns the first n > 0 bytes of a block.
func (a *arena) bytes(ref uint32, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&a.chunks[ref>>chunkShift][ref&chunkMask])), n)
}

// recycle frees all blocks and keeps the chunks.
func (a *arena) recycle() {
	if len(a.chunks) == 0 {
		return
	}
	for _, c := range a.chunks[1:] {
		if len(c) == chunkWords {
			a.kept = append(a.kept, c)
		} else {
			a.mem.add(-8 * len(c))
		}
	}
	clear(a.chunks[1:])
	*a = arena{chunks: a.chunks[:1], at: 1, kept: a.kept, spare: a.spare[:0], mem: a.mem}
}

// reset frees everything.
func (a *arena) reset() {
	for _, c := range append(a.chunks, a.kept...) {
		a.mem.add(-8 * len(c))
	}
	*a = arena{mem: a.mem}
}

// Strings in an arena are named by a word: reference<<32 | length. The empty one
// has no block; 0 is none at all.
const emptyString = uint64(1<<32-1) << 32

func wordsFor(bytes int) int { return (bytes + 7) / 8 }

// store copies b and returns its word.
func (a *arena) store(b []byte) uint64 {
	if len(b) == 0 {
		return emptyString
	}
	ref := a.alloc(wordsFor(len(b)))
	copy(a.bytes(ref, len(b)), b)
	return uint64(ref)<<32 | uint64(len(b))
}

// load returns the bytes of a word that is not 0.
func (a *arena) load(w uint64) []byte {
	if n := int(uint32(w)); n > 0 {
		return a.bytes(uint32(w>>32), n)
	}
	return []byte{}
}

// drop frees the bytes of a word.
func (a *arena) drop(w uint64) {
	if n := int(uint32(w)); n > 0 {
		a.release(uint32(w>>32), wordsFor(n))
	}
}
