package exec

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/vec"
)

// publish tells sources of the probe side the keys of the build side, which has ended. What
// is on disk is not read again for that.
func (j *HashJoin) publish() {
	if j.ctx.Filter == nil {
		return
	}
	of := j.ctx.Parallelism
	if j.spec.Whole {
		if of = 1; j.ctx.Subtask > 0 {
			return
		}
	}
	for _, f := range j.spec.Filters {
		var keys *connect.KeySet
		if s := &j.sides[j.build]; !j.disk.on() {
			keys = j.store.keySet(s.keys[f.Key])
		}
		j.ctx.Filter(f.Number).Publish(keys, of)
	}
}

// keySet is the values of a column of integers.
func (s *rowStore) keySet(col int) *connect.KeySet {
	c, ok := s.cols[col].(denseKey)
	if !ok {
		return nil
	}
	low, high := c.span(s.n)
	keys := connect.NewKeySet(low, high, s.n)
	if low <= high {
		c.addTo(keys, s.n)
	}
	return keys
}

func (c *fixedStore[T]) addTo(keys *connect.KeySet, n int) {
	for i, chunk := range c.chunks {
		chunk = chunk[:min(n-i<<storeBits, storeRows)]
		switch v := any(chunk).(type) {
		case []int64:
			addInts(keys, v, c.nulls[i])
		case []int32:
			addInts(keys, v, c.nulls[i])
		case []int16:
			addInts(keys, v, c.nulls[i])
		case []int8:
			addInts(keys, v, c.nulls[i])
		}
	}
}

func addInts[T int8 | int16 | int32 | int64](keys *connect.KeySet, vals []T, valid vec.Bitmap) {
	for i, v := range vals {
		if valid == nil || !valid.Null(i) {
			keys.Add(int64(v))
		}
	}
}
