package kernel

import (
	"slices"

	"github.com/millrace-io/millrace/vec"
)

// Nums makes a column of fixed-width values, one for each wanted row.
func Nums[R vec.Scalar](rows []int32, n int, f func(i int) R) vec.Vector {
	out := make([]R, n)
	if rows == nil {
		for i := range out {
			out[i] = f(i)
		}
	} else {
		for _, r := range rows {
			out[r] = f(int(r))
		}
	}
	return &vec.Fixed[R]{Vals: out}
}

// NumsNull is Nums for a function that may give NULL: ok is false then.
func NumsNull[R vec.Scalar](rows []int32, n int, f func(i int) (v R, ok bool)) vec.Vector {
	out := &vec.Fixed[R]{Vals: make([]R, n)}
	Each(rows, n, func(i int) {
		v, ok := f(i)
		if !ok {
			setNull(&out.Valid, i, n)
			return
		}
		out.Vals[i] = v
	})
	return out
}

// NumsErr is Nums for a function that may fail.
func NumsErr[R vec.Scalar](rows []int32, n int, f func(i int) (R, error)) (vec.Vector, error) {
	out := make([]R, n)
	var err error
	if rows == nil {
		for i := range out {
			if out[i], err = f(i); err != nil {
				return nil, err
			}
		}
		return &vec.Fixed[R]{Vals: out}, nil
	}
	for _, r := range rows {
		if out[r], err = f(int(r)); err != nil {
			return nil, err
		}
	}
	return &vec.Fixed[R]{Vals: out}, nil
}

func setNull(valid *vec.Bitmap, i, n int) {
	if *valid == nil {
		*valid = vec.NewBitmap(n)
	}
	valid.SetNull(i)
}

// Strs makes a column of texts: f appends a row's text to dst.
func Strs(rows []int32, n int, f func(dst []byte, i int) []byte) vec.Vector {
	w := NewStrWriter(n)
	Each(rows, n, func(i int) {
		w.Data = f(w.Data, i)
		w.End(i)
	})
	return w.Finish()
}

// StrsNull is Strs for a function that may give NULL: ok is false then.
func StrsNull(rows []int32, n int, f func(dst []byte, i int) (out []byte, ok bool)) vec.Vector {
	w := NewStrWriter(n)
	Each(rows, n, func(i int) {
		out, ok := f(w.Data, i)
		if !ok {
			w.Null(i)
			return
		}
		w.Data = out
		w.End(i)
	})
	return w.Finish()
}

// StrsErr is StrsNull for a function that may fail too.
func StrsErr(rows []int32, n int, f func(dst []byte, i int) (out []byte, ok bool, err error)) (vec.Vector, error) {
	var failed error
	v := StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		if failed != nil {
			return nil, false
		}
		out, ok, err := f(dst, i)
		if err != nil {
			failed = err
			return nil, false
		}
		return out, ok
	})
	return v, failed
}

// A StrWriter makes a column of texts row by row, rows ascending; rows left out
// are empty. Append a row's bytes to Data, then call End.
type StrWriter struct {
	Data  []byte
	offs  []uint32
	next  int
	rows  int // written so far
	valid vec.Bitmap
}

// NewStrWriter returns a writer of a column of n rows.
func NewStrWriter(n int) *StrWriter { return &StrWriter{offs: make([]uint32, n+1)} }

// End ends row i.
func (w *StrWriter) End(i int) {
	start := w.offs[w.next]
	for k := w.next + 1; k <= i; k++ {
		w.offs[k] = start
	}
	w.offs[i+1] = uint32(len(w.Data))
	w.next = i + 1
	if w.rows++; w.rows == sampleRows && len(w.offs) > 2*sampleRows {
		w.Data = slices.Grow(w.Data, len(w.Data)/sampleRows*(len(w.offs)-i)*5/4)
	}
}

// sampleRows are so many rows that their length tells that of the others.
const sampleRows = 64

// Null makes row i NULL.
func (w *StrWriter) Null(i int) {
	w.End(i)
	setNull(&w.valid, i, len(w.offs)-1)
}

// Finish returns the column.
func (w *StrWriter) Finish() *vec.Bytes {
	start := w.offs[w.next]
	for k := w.next + 1; k < len(w.offs); k++ {
		w.offs[k] = start
	}
	return &vec.Bytes{Offs: w.offs, Data: w.Data, Valid: w.valid}
}
