package keyed

import (
	"encoding/binary"
	"math"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// fillScalar writes a value of fixed width that is not NULL into an image.
func fillScalar(w []uint64, v vec.Vector, r int) {
	switch v := v.(type) {
	case *vec.Fixed[int32]:
		w[0] = uint64(int64(v.Vals[r]))
	case *vec.Fixed[int16]:
		w[0] = uint64(int64(v.Vals[r]))
	case *vec.Fixed[int8]:
		w[0] = uint64(int64(v.Vals[r]))
	case *vec.Fixed[bool]:
		if v.Vals[r] {
			w[0] = 1
		}
	case *vec.Fixed[float32]:
		w[0] = uint64(math.Float32bits(v.Vals[r]))
	case *vec.Fixed[float64]:
		w[0] = math.Float64bits(v.Vals[r])
	case *vec.Fixed[types.Int128]:
		w[0], w[1] = v.Vals[r].Lo, uint64(v.Vals[r].Hi)
	default:
		panic("keyed: a column has another type than the table's")
	}
}

// appendRow appends the durable value of a row of which extra words and image are given:
// the extra words and its keyenc.AppendRow form. Any goroutine may call it.
func (m *Multi) appendRow(dst []byte, row []uint64) []byte {
	dst = append(dst, valueVersion)
	for _, x := range row[:m.extra] {
		dst = binary.LittleEndian.AppendUint64(dst, x)
	}
	img := row[m.extra:]
	dst, nulls := keyenc.AppendRowHead(dst, len(m.phys))
	for c, p := range m.phys {
		if img[c>>6]&(1<<(c&63)) != 0 {
			keyenc.SetRowNull(dst, nulls, c)
			continue
		}
		if p >= types.PhysBytes {
			text := textOf(img, m.at[c])
			if p == types.PhysBytes {
				dst = keyenc.AppendRowBytes(dst, text)
			} else {
				dst = append(dst, text...)
			}
			continue
		}
		x := img[m.at[c]]
		switch p {
		case types.PhysBool:
			dst = keyenc.AppendRowBool(dst, x != 0)
		case types.PhysFloat32:
			dst = keyenc.AppendRowFloat32(dst, math.Float32frombits(uint32(x)))
		case types.PhysFloat64:
			dst = keyenc.AppendRowFloat(dst, math.Float64frombits(x))
		case types.PhysInt128:
			dst = keyenc.AppendRowInt128(dst, types.Int128{Lo: x, Hi: int64(img[m.at[c]+1])})
		default:
			dst = keyenc.AppendRowInt(dst, int64(x))
		}
	}
	return dst
}

// half returns a half word of an image; setHalf sets one that is 0.
func half(img []uint64, i int) int    { return int(uint32(img[i>>1] >> (i & 1 * 32))) }
func setHalf(img []uint64, i, to int) { img[i>>1] |= uint64(to) << (i & 1 * 32) }

// textOf returns the string whose place in the image a half word tells, and the next.
func textOf(img []uint64, at int) []byte { return imageBytes(img)[half(img, at):half(img, at+1)] }

// Gather returns a column of the rows; NULL for Ref 0.
func (m *Multi) Gather(refs []Ref, col int) vec.Vector {
	valid := m.gatherValid(refs, col)
	if m.phys[col] == types.PhysBytes {
		return m.gatherStrings(refs, col, valid)
	}
	at := rowHead + m.extra + m.at[col]
	chunks := m.rows.chunks
	switch m.phys[col] {
	case types.PhysInt64:
		return &vec.Fixed[int64]{Vals: gatherInts[int64](chunks, refs, at), Valid: valid}
	case types.PhysInt32:
		return &vec.Fixed[int32]{Vals: gatherInts[int32](chunks, refs, at), Valid: valid}
	case types.PhysInt16:
		return &vec.Fixed[int16]{Vals: gatherInts[int16](chunks, refs, at), Valid: valid}
	case types.PhysInt8:
		return &vec.Fixed[int8]{Vals: gatherInts[int8](chunks, refs, at), Valid: valid}
	case types.PhysBool:
		return &vec.Fixed[bool]{Vals: gatherFunc(chunks, refs, at, func(x uint64) bool { return x != 0 }), Valid: valid}
	case types.PhysFloat32:
		return &vec.Fixed[float32]{Vals: gatherFunc(chunks, refs, at, func(x uint64) float32 { return math.Float32frombits(uint32(x)) }), Valid: valid}
	case types.PhysFloat64:
		return &vec.Fixed[float64]{Vals: gatherFunc(chunks, refs, at, math.Float64frombits), Valid: valid}
	case types.PhysInt128:
		vals := make([]types.Int128, len(refs))
		for i, r := range refs {
			if r != 0 {
				w := m.rows.words(uint32(r))[at:]
				vals[i] = types.Int128{Lo: w[0], Hi: int64(w[1])}
			}
		}
		return &vec.Fixed[types.Int128]{Vals: vals, Valid: valid}
	}
	b := vec.NewBuilder(m.rowTypes[col])
	for i, r := range refs {
		if valid.Null(i) {
			b.Null()
			continue
		}
		text := textOf(m.imageOf(m.rows.words(uint32(r))), m.at[col])
		if _, err := keyenc.DecodeRowValue(text, m.rowTypes[col], b); err != nil {
			panic("keyed: a row in memory is malformed")
		}
	}
	return b.Finish()
}

// gatherValid returns which rows have a value, nil if all.
func (m *Multi) gatherValid(refs []Ref, col int) (valid vec.Bitmap) {
	at, bit := uint32(rowHead+m.extra+col>>6), uint64(1)<<(col&63)
	chunks := m.rows.chunks
	for i, r := range refs {
		if r == 0 || chunks[r>>chunkShift][uint32(r)&chunkMask+at]&bit != 0 {
			valid = setNull(valid, i, len(refs))
		}
	}
	return valid
}

func gatherInts[T int8 | int16 | int32 | int64](chunks [][]uint64, refs []Ref, at int) []T {
	out := make([]T, len(refs))
	for i, r := range refs {
		if r != 0 {
			out[i] = T(chunks[r>>chunkShift][int(r&chunkMask)+at])
		}
	}
	return out
}

func gatherFunc[T any](chunks [][]uint64, refs []Ref, at int, get func(uint64) T) []T {
	out := make([]T, len(refs))
	for i, r := range refs {
		if r != 0 {
			out[i] = get(chunks[r>>chunkShift][int(r&chunkMask)+at])
		}
	}
	return out
}

// gatherStrings measures first, so that the bytes are allocated once.
func (m *Multi) gatherStrings(refs []Ref, col int, valid vec.Bitmap) vec.Vector {
	offs := make([]uint32, len(refs)+1)
	chunks := m.rows.chunks
	img, at := uint32(rowHead+m.extra), m.at[col]
	n := uint32(0)
	for i, r := range refs {
		if r != 0 {
			w := chunks[r>>chunkShift][uint32(r)&chunkMask+img:]
			n += uint32(half(w, at+1) - half(w, at)) // NULL has length 0
		}
		offs[i+1] = n
	}
	data := make([]byte, n)
	for i, r := range refs {
		if offs[i] != offs[i+1] {
			copy(data[offs[i]:offs[i+1]], textOf(chunks[r>>chunkShift][uint32(r)&chunkMask+img:], at))
		}
	}
	return &vec.Bytes{Offs: offs, Data: data, Valid: valid}
}
