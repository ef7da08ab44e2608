package exec

import (
	"fmt"
	"math/bits"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Grace hash join (Kitsuregawa et al., 1983): rows of both sides with equal keys go
// to the same partition, so partitions can be joined one by one. A partition whose
// build side is still too large is cut again, by other bits of the hash.

const (
	hashParts = 16 // partitions of one cut
	// hashLevelsMax is how often rows may be cut: rows of one key never part.
	hashLevelsMax = 4
	// hashSpillBytesMin is the least memory of its own that a join gives up.
	hashSpillBytesMin = 4 << 20
)

// A hashStage is a pair of partitions to be joined.
type hashStage struct {
	files [2]*spillFile // by input
	level int           // how often it was cut
	read  bool          // the build side has been read
}

func (s *hashStage) remove() {
	for i, f := range s.files {
		if f != nil {
			f.remove()
			s.files[i] = nil
		}
	}
}

// hashDisk writes rows of both sides to partitions.
type hashDisk struct {
	parts []*hashStage // nil: all is in memory
	level int
	count int // of files, for their names
	keys  keyed.Keys
}

func (d *hashDisk) on() bool { return d.parts != nil }

// full moves the build side to disk when memory is used up.
func (j *HashJoin) full() error {
	m := j.sides[j.build].rows
	if j.ctx.Memory.Add(0) || m.Bytes() < hashSpillBytesMin {
		return nil
	}
	if j.ctx.Spill == nil || len(j.sides[j.build].keys) == 0 {
		return j.ctx.Memory.Exceeded(j.ctx.Op)
	}
	return j.spill(0)
}

// spill writes the rows that are built to partitions, and empties the table.
func (j *HashJoin) spill(level int) error {
	if err := j.disk.start(j, level); err != nil {
		return err
	}
	m := j.sides[j.build].rows
	next := eachRow(m, j.sides[j.build].types)
	for {
		b, err := next()
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := j.disk.write(j, j.build, b); err != nil {
			return err
		}
	}
	return j.newTable()
}

func (d *hashDisk) start(j *HashJoin, level int) error {
	d.level = level
	d.parts = make([]*hashStage, hashParts)
	for i := range d.parts {
		d.parts[i] = &hashStage{level: level + 1}
		for in := range 2 {
			d.count++
			f, err := newSpillFile(j.ctx, fmt.Sprintf("join-%d", d.count), j.sides[in].types)
			if err != nil {
				return err
			}
			d.parts[i].files[in] = f
		}
	}
	return nil
}

// write puts rows of an input into their partitions.
func (d *hashDisk) write(j *HashJoin, in int, b *vec.Batch) error {
	j.sides[in].prepare(&d.keys, b)
	var rows [hashParts][]int32
	for i, h := range d.keys.Hash[:b.Len()] {
		p := bits.RotateLeft64(h, 17*d.level) * 0x9E3779B97F4A7C15 >> 60
		rows[p] = append(rows[p], int32(b.Row(i)))
	}
	cols := make([]vec.Vector, len(b.Cols))
	for i, c := range b.Cols {
		cols[i] = vec.Flat(c)
	}
	for p, part := range rows {
		if err := d.parts[p].files[in].write(cols, part); err != nil {
			return err
		}
	}
	return nil
}

// finish ends the writing and returns the partitions.
func (d *hashDisk) finish() ([]*hashStage, error) {
	for _, s := range d.parts {
		for _, f := range s.files {
			if err := f.finish(); err != nil {
				return nil, err
			}
		}
	}
	out := d.parts
	d.parts = nil
	return out, nil
}

func (d *hashDisk) remove() {
	for _, s := range d.parts {
		s.remove()
	}
	d.parts = nil
}

// stage does the next step of the partition at hand: reads its build side, or takes
// a batch of its probe side, or ends it.
func (j *HashJoin) stage() error {
	s := j.stages[0]
	if s.done() {
		j.stages = j.stages[1:]
		return j.newTable()
	}
	if !s.read {
		s.read = true
		return j.load(s)
	}
	cols, n, err := s.files[1-j.build].read()
	if err != nil {
		return err
	}
	if n > 0 {
		j.begin(&vec.Batch{Cols: cols, Rows: n})
		return nil
	}
	s.remove()
	j.unmatched()
	return nil
}

// done reports whether the files have been worked off.
func (s *hashStage) done() bool { return s.files[0] == nil }

// load reads the build side of a partition, and cuts it again if it does not fit.
func (j *HashJoin) load(s *hashStage) error {
	f := s.files[j.build]
	for {
		cols, n, err := f.read()
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		j.add(&vec.Batch{Cols: cols, Rows: n})
		if j.ctx.Memory.Add(0) || j.sides[j.build].rows.Bytes() < hashSpillBytesMin {
			continue
		}
		if s.level >= hashLevelsMax {
			return j.ctx.Memory.Exceeded(j.ctx.Op)
		}
		return j.again(s)
	}
}

// again cuts a partition whose build side does not fit.
func (j *HashJoin) again(s *hashStage) error {
	if err := j.spill(s.level); err != nil {
		return err
	}
	for in, f := range s.files {
		for {
			cols, n, err := f.read()
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if err := j.disk.write(j, in, &vec.Batch{Cols: cols, Rows: n}); err != nil {
				return err
			}
		}
	}
	s.remove()
	parts, err := j.disk.finish()
	if err != nil {
		return err
	}
	j.stages = append(parts, j.stages[1:]...)
	return nil
}
