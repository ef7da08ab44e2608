package cut

import (
	"encoding/binary"

	"github.com/millrace-io/millrace/internal/numtext"
)

// Integers of up to eight digits, which most are, are read many at once where the
// processor has vectors for it: the cells' texts are brought into words of eight digits
// first. A word with anything else in it ends what is read so, and the rest of it is read
// one by one.

// words are of some cells of a column, a number of them that is a multiple of wordsStep.
type words [64]uint64

const (
	wordsStep = 4
	noDigits  = ^uint64(0)
)

// ofInts makes words of integers.
func (w *words) ofInts(n int, x Column, data []byte) {
	last := wordMax(data)
	for k, at := 0, 0; k < n; k, at = k+1, at+x.Width {
		from, to := x.All[at].Bounds()
		w[k] = noDigits
		if size := to - from; uint(size-1) < 8 && from <= last {
			w[k] = numtext.DigitWord(binary.LittleEndian.Uint64(data[from:]), size)
		}
	}
}

// step is how many of the rows that are left are read at once.
func (w *words) step(left int) int { return min(left, len(w)) &^ (wordsStep - 1) }

// longs is the loop for BIGINT.
func (r *Reader) longs(out []int64, x Column) (done int) {
	for n := r.words.step(len(out)); n > 0 && hasDigits; n = r.words.step(len(out) - done) {
		r.words.ofInts(n, x.Skip(done), r.Data)
		read := digits(out[done:], r.words[:n])
		if done += read; read < n {
			k := ints(out[done:done+n-read], x.Skip(done), r.Data)
			if done += k; k < n-read {
				return done
			}
		}
	}
	if done == len(out) {
		return done
	}
	return done + ints(out[done:], x.Skip(done), r.Data)
}

// ints is the loop for INT.
func (r *Reader) ints(out []int32, x Column) (done int) {
	for n := r.words.step(len(out)); n > 0 && hasDigits; n = r.words.step(len(out) - done) {
		r.words.ofInts(n, x.Skip(done), r.Data)
		read := digits(r.read[:], r.words[:n])
		for k, v := range r.read[:read] {
			out[done+k] = int32(v)
		}
		if done += read; read < n {
			k := ints(out[done:done+n-read], x.Skip(done), r.Data)
			if done += k; k < n-read {
				return done
			}
		}
	}
	if done == len(out) {
		return done
	}
	return done + ints(out[done:], x.Skip(done), r.Data)
}
