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

// Strs makes a column of texts: f appends a row's text to dst. Rows left out are empty.
func Strs(rows []int32, n int, f func(dst []byte, i int) []byte) vec.Vector {
	offs := make([]uint32, n+1)
	var data []byte
	if rows == nil {
		for i := range n {
			if i == sampleRows {
				data = grown(data, n)
			}
			data = f(data, i)
			offs[i+1] = uint32(len(data))
		}
		return &vec.Bytes{Offs: offs, Data: data}
	}
	at := 0
	for k, r := range rows {
		if k == sampleRows {
			data = grown(data, len(rows))
		}
		for ; at < int(r); at++ {
			offs[at+1] = uint32(len(data))
		}
		data = f(data, at)
		at++
		offs[at] = uint32(len(data))
	}
	for ; at < n; at++ {
		offs[at+1] = uint32(len(data))
	}
	return &vec.Bytes{Offs: offs, Data: data}
}

// sampleRows are so many rows that their length tells that of the others.
const sampleRows = 64

// grown makes room for the texts of n rows, if the first ones tell how long they are.
func grown(data []byte, n int) []byte {
	return slices.Grow(data, len(data)/sampleRows*(n-sampleRows)*5/4)
}

// StrsNull is Strs for a function that may give NULL: ok is false then.
func StrsNull(rows []int32, n int, f func(dst []byte, i int) (out []byte, ok bool)) vec.Vector {
	var valid vec.Bitmap
	v := Strs(rows, n, func(dst []byte, i int) []byte {
		out, ok := f(dst, i)
		if !ok {
			setNull(&valid, i, n)
			return dst
		}
		return out
	}).(*vec.Bytes)
	v.Valid = valid
	return v
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
