// Package wire is the form of events outside a process: on a network, in a spill
// file, in a checkpoint.
//
// A frame is
//
//	length  uint32  of what follows the checksum
//	sum     uint64  xxh3 of that
//	kind    byte    exchange.Kind
//	body            Watermark, Barrier: uint64; End: nothing; Data: a batch
//
// A batch is
//
//	rows, columns, marks  uvarint
//	kinds   byte 0, or 1 and a byte a row
//	marks   row uvarint, time varint
//	columns tag byte, validity (byte 0, or 1 and the bitmap), then
//	  fixed  the values, little-endian, as in memory
//	  bytes  offsets, length of data, data
//	  list   offsets, column;  map: offsets, two columns
//	  row    number of fields, columns
//	  const  column of one row;  dict: codes, number of words, column
//
// All numbers are little-endian. A batch with a selection is made compact first.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// FrameBytesMax is the longest frame that is read.
const FrameBytesMax = 1 << 31

// ErrFrame is wrapped by the errors about bytes that are no frame.
var ErrFrame = errors.New("bad frame")

const headBytes = 12

type tag byte

const (
	tagBool tag = iota
	tagInt8
	tagInt16
	tagInt32
	tagInt64
	tagFloat32
	tagFloat64
	tagInt128
	tagBytes
	tagList
	tagMap
	tagRow
	tagConst
	tagDict
)

// Append appends the frame of an event.
func Append(dst []byte, ev exchange.Event) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, headBytes)...)
	dst = append(dst, byte(ev.Kind))
	switch ev.Kind {
	case exchange.Data:
		dst = appendBatch(dst, vec.Compact(ev.Batch))
	case exchange.Watermark:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(ev.Time))
	case exchange.Barrier:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(ev.Epoch))
	}
	body := dst[at+headBytes:]
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(body)))
	binary.LittleEndian.PutUint64(dst[at+4:], xxh3.Hash(body))
	return dst
}

// Decode reads the frame at the front of src and returns how long it is; 0 when
// src holds only a part of it. The event shares no memory with src.
func Decode(src []byte) (ev exchange.Event, n int, err error) {
	if len(src) < headBytes {
		return ev, 0, nil
	}
	size := int(binary.LittleEndian.Uint32(src))
	if size == 0 || size > FrameBytesMax {
		return ev, 0, fmt.Errorf("%w: length %d", ErrFrame, size)
	}
	if len(src) < headBytes+size {
		return ev, 0, nil
	}
	body := src[headBytes : headBytes+size]
	if xxh3.Hash(body) != binary.LittleEndian.Uint64(src[4:]) {
		return ev, 0, fmt.Errorf("%w: checksum", ErrFrame)
	}
	r := &reader{src: body[1:]}
	ev.Kind = exchange.Kind(body[0])
	switch ev.Kind {
	case exchange.Data:
		ev.Batch = r.batch()
	case exchange.Watermark:
		ev.Time = int64(r.uint64())
	case exchange.Barrier:
		ev.Epoch = base.Epoch(r.uint64())
	case exchange.End:
	default:
		return ev, 0, fmt.Errorf("%w: kind %d", ErrFrame, ev.Kind)
	}
	if r.bad || len(r.src) > 0 {
		return ev, 0, fmt.Errorf("%w: body", ErrFrame)
	}
	return ev, headBytes + size, nil
}

func appendBatch(dst []byte, b *vec.Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.Rows))
	dst = binary.AppendUvarint(dst, uint64(len(b.Cols)))
	dst = binary.AppendUvarint(dst, uint64(len(b.Marks)))
	if b.Kinds == nil {
		dst = append(dst, 0)
	} else {
		dst = append(dst, 1)
		for _, k := range b.Kinds {
			dst = append(dst, byte(k))
		}
	}
	for _, m := range b.Marks {
		dst = binary.AppendUvarint(dst, uint64(m.Row))
		dst = binary.AppendVarint(dst, m.Time)
	}
	for _, c := range b.Cols {
		dst = appendColumn(dst, c)
	}
	return dst
}

// raw views values as bytes. The engine runs on little-endian machines only.
func raw[T any](vals []T) []byte {
	if len(vals) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&vals[0])), len(vals)*int(unsafe.Sizeof(vals[0])))
}

func appendFixed[T vec.Scalar](dst []byte, t tag, v *vec.Fixed[T]) []byte {
	dst = appendValid(append(dst, byte(t)), v.Valid)
	return append(dst, raw(v.Vals)...)
}

func appendValid(dst []byte, b vec.Bitmap) []byte {
	if b == nil {
		return append(dst, 0)
	}
	return append(append(dst, 1), raw(b)...)
}

func appendColumn(dst []byte, v vec.Vector) []byte {
	switch v := v.(type) {
	case *vec.Fixed[bool]:
		return appendFixed(dst, tagBool, v)
	case *vec.Fixed[int8]:
		return appendFixed(dst, tagInt8, v)
	case *vec.Fixed[int16]:
		return appendFixed(dst, tagInt16, v)
	case *vec.Fixed[int32]:
		return appendFixed(dst, tagInt32, v)
	case *vec.Fixed[int64]:
		return appendFixed(dst, tagInt64, v)
	case *vec.Fixed[float32]:
		return appendFixed(dst, tagFloat32, v)
	case *vec.Fixed[float64]:
		return appendFixed(dst, tagFloat64, v)
	case *vec.Fixed[types.Int128]:
		return appendFixed(dst, tagInt128, v)
	case *vec.Bytes:
		dst = appendValid(append(dst, byte(tagBytes)), v.Valid)
		dst = append(dst, raw(v.Offs)...)
		return append(binary.AppendUvarint(dst, uint64(len(v.Data))), v.Data...)
	case *vec.List:
		dst = appendValid(append(dst, byte(tagList)), v.Valid)
		return appendColumn(append(dst, raw(v.Offs)...), v.Elem)
	case *vec.Map:
		dst = appendValid(append(dst, byte(tagMap)), v.Valid)
		return appendColumn(appendColumn(append(dst, raw(v.Offs)...), v.Key), v.Elem)
	case *vec.Row:
		dst = appendValid(append(dst, byte(tagRow)), v.Valid)
		dst = binary.AppendUvarint(dst, uint64(len(v.Fields)))
		for _, f := range v.Fields {
			dst = appendColumn(dst, f)
		}
		return dst
	case *vec.Const:
		return appendColumn(append(dst, byte(tagConst)), v.Val)
	case *vec.Dict:
		dst = append(append(dst, byte(tagDict)), raw(v.Codes)...)
		return appendColumn(binary.AppendUvarint(dst, uint64(v.Words.Len())), v.Words)
	}
	panic("wire: unknown vector")
}
