package keyed

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
)

// Regroup copies a table to a store whose keys are in another number of key groups.
func Regroup(from, to state.Store, form Form, shape Shape, groups int) error {
	r := regrouper{in: from.Table(shape.Name), out: to.Table(shape.Name), form: form, shape: shape, groups: groups}
	if form.Rows() {
		r.out.Suffix(8)
	}
	if err := r.run(); err != nil {
		return fmt.Errorf("state table %q: %w", shape.Name, err)
	}
	return nil
}

// A regrouper has some entries, of which the keys' columns are needed for their hashes.
// What is behind the key group in a key stays as it is.
type regrouper struct {
	in, out state.Table
	form    Form
	shape   Shape
	groups  int

	hashes     Keys
	n          int
	keys, vals []byte
	ends       [][2]int // of each entry's key and value
}

func (r *regrouper) run() error {
	bs := builders(r.shape.Key)
	for key, val := range r.in.Scan(nil, nil) {
		if err := r.add(key, val, func(k []byte) ([]byte, error) { return keyenc.DecodeKey(k, r.shape.Key, bs) }); err != nil {
			return err
		}
		if r.n == loadRows {
			r.hashes.Prepare(r.shape.Key, finish(bs), nil, r.n)
			if err := r.put(); err != nil {
				return err
			}
		}
	}
	if err := r.in.Err(); err != nil || r.n == 0 {
		return err
	}
	r.hashes.Prepare(r.shape.Key, finish(bs), nil, r.n)
	return r.put()
}

func (r *regrouper) add(key, val []byte, decode func([]byte) ([]byte, error)) error {
	const group, time, sequence = 2, 8, 8
	front, back := group, 0
	if r.form.Timed() {
		front += time
	}
	if r.form.Rows() {
		back = sequence
	}
	if len(key) < front {
		return fmt.Errorf("a key of %d bytes", len(key))
	}
	if rest, err := decode(key[front:]); err != nil || len(rest) != back {
		return fmt.Errorf("a key is not one of %v", r.shape.Key)
	}
	r.keys = append(r.keys, key...)
	r.vals = append(r.vals, val...)
	r.ends = append(r.ends, [2]int{len(r.keys), len(r.vals)})
	r.n++
	return nil
}

func (r *regrouper) put() error {
	key, val := 0, 0
	for i, end := range r.ends {
		k := r.keys[key:end[0]]
		binary.BigEndian.PutUint16(k, uint16(keyenc.Group(r.hashes.Hash[i], r.groups)))
		if err := r.out.Put(k, r.vals[val:end[1]]); err != nil {
			return err
		}
		key, val = end[0], end[1]
	}
	r.n, r.keys, r.vals, r.ends = 0, r.keys[:0], r.vals[:0], r.ends[:0]
	return nil
}
