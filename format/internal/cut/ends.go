package cut

import "math/bits"

// AppendEnds appends a cell for each mark in masks, whose words are of 64 bytes of text
// each, the first of them at base: the mark is where the cell ends, and the next one
// starts behind it. The first cell starts at start.
func AppendEnds(cells []Cell, masks []uint64, start, base uint32) []Cell {
	n := 0
	for _, m := range masks {
		n += bits.OnesCount64(m)
	}
	if n == 0 {
		return cells
	}
	have := len(cells)
	if cap(cells)-have < n+endsAtOnce { // which may be written
		cells = append(cells, make([]Cell, max(n+endsAtOnce, have))...)[:have]
	}
	out := cells[have : have+n+endsAtOnce]
	appendEnds(out, masks, start, base)
	return cells[:have+n]
}

// endsAtOnce is how many cells are written at once, whether there are so many or not.
const endsAtOnce = 16

// appendWords is appendEnds for every processor. Four cells are written at once: to ask
// for each is to guess wrong each time.
func appendWords(out []Cell, masks []uint64, start, base uint32) {
	for _, ends := range masks {
		n := bits.OnesCount64(ends)
		last := base + uint32(63-bits.LeadingZeros64(ends)) + 1
		for first := start; n > 0; n -= 4 {
			end0 := base + uint32(bits.TrailingZeros64(ends))
			ends &= ends - 1
			end1 := base + uint32(bits.TrailingZeros64(ends))
			ends &= ends - 1
			end2 := base + uint32(bits.TrailingZeros64(ends))
			ends &= ends - 1
			end3 := base + uint32(bits.TrailingZeros64(ends))
			ends &= ends - 1
			out[0], out[1], out[2], out[3] = Cell{first, end0}, Cell{end0 + 1, end1}, Cell{end1 + 1, end2}, Cell{end2 + 1, end3}
			out, first, start = out[min(n, 4):], end3+1, last
		}
		base += 64
	}
}
