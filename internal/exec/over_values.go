package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// number computes the functions that look at no values.
func (c *overCall) number(p *overPart) vec.Vector {
	if c.spec.Func == "PERCENT_RANK" || c.spec.Func == "CUME_DIST" {
		out := make([]float64, p.n)
		for i := range out {
			from, to := p.bounds(i)
			switch size := to - from; {
			case c.spec.Func == "CUME_DIST":
				out[i] = float64(p.ends[i]-from) / float64(size)
			case size > 1:
				out[i] = float64(p.peers[i]-from) / float64(size-1)
			}
		}
		return &vec.Fixed[float64]{Vals: out}
	}
	out := make([]int64, p.n)
	for i := range out {
		from, to := p.bounds(i)
		switch c.spec.Func {
		case "ROW_NUMBER":
			out[i] = int64(i) - int64(from) + 1
		case "RANK":
			out[i] = int64(p.peers[i]-from) + 1
		case "DENSE_RANK":
			out[i] = int64(p.group[i]) + 1
		case "NTILE":
			out[i] = ntile(int64(i)-int64(from), int64(to-from), constInt(c.spec.Consts, 0, 1))
		}
		if p.rows != nil && c.spec.Func == "DENSE_RANK" {
			out[i] += p.groups[p.part[i]]
		} else if p.rows != nil {
			out[i] += p.rows[p.part[i]]
		}
	}
	return intColumn(c.spec.Ret, out)
}

// ntile returns the bucket, from 1, of row i of n; the first n%k have one row more.
func ntile(i, n, k int64) int64 {
	size, more := n/k, n%k
	if i < more*(size+1) {
		return i/(size+1) + 1
	}
	return more + (i-more*(size+1))/max(size, 1) + 1
}

func constInt(consts []any, i int, other int64) int64 {
	if i < len(consts) {
		switch n := consts[i].(type) {
		case int64:
			return n
		case int:
			return int64(n)
		case float64: // from JSON
			return int64(n)
		}
	}
	return other
}

// intColumn returns integers as a column of a type.
func intColumn(t types.Type, vals []int64) vec.Vector {
	if t.Phys() == types.PhysInt64 {
		return &vec.Fixed[int64]{Vals: vals}
	}
	b := vec.NewBuilder(t)
	for _, x := range vals {
		b.Int(x)
	}
	return b.Finish()
}

// distance is how many rows LAG or LEAD looks back, negative for LEAD.
func (c *overCall) distance() int {
	n := int(constInt(c.spec.Consts, 1, 1))
	if c.spec.Func == "LEAD" {
		return -n
	}
	return n
}

// shift computes LAG and LEAD.
func (c *overCall) shift(p *overPart) vec.Vector {
	d := c.distance()
	at := make([]int32, p.n)
	outside := false
	for i := range at {
		from, to := p.bounds(i)
		k := i - d
		if k < int(from) || k >= int(to) {
			k, outside = -1, true
		}
		at[i] = int32(k)
	}
	src := p.cols[c.arg()]
	if !outside {
		return vec.Take(src, at)
	}
	b := vec.NewBuilder(c.spec.Ret)
	for i, k := range at {
		switch {
		case k >= 0:
			b.From(src, int(k))
		case len(c.spec.Args) > 2:
			b.From(p.cols[c.spec.Args[2]], i)
		default:
			b.Null()
		}
	}
	return b.Finish()
}

// pick computes FIRST_VALUE and LAST_VALUE: the first or last value of the frame
// that is not NULL.
func (c *overCall) pick(p *overPart) vec.Vector {
	src := p.cols[c.arg()]
	at := make([]int32, p.n)
	near := make([]int32, p.n+1) // the next row (or the last, + 1) that has a value
	rows := c.passes(p, nil, 0, int32(p.n))
	has := make([]bool, p.n)
	for _, r := range rows {
		has[r] = !src.Null(int(r))
	}
	if c.spec.Func == "FIRST_VALUE" {
		near[p.n] = int32(p.n)
		for i := p.n - 1; i >= 0; i-- {
			if near[i] = near[i+1]; has[i] {
				near[i] = int32(i)
			}
		}
		for i := range at {
			if at[i] = near[c.lo[i]]; at[i] >= c.hi[i] {
				at[i] = -1
			}
		}
	} else {
		near[0] = 0
		for i := range p.n {
			if near[i+1] = near[i]; has[i] {
				near[i+1] = int32(i) + 1
			}
		}
		for i := range at {
			if at[i] = near[c.hi[i]] - 1; at[i] < c.lo[i] {
				at[i] = -1
			}
		}
	}
	return takeOrNullFrom(src, c.spec.Ret, at)
}

// takeOrNullFrom takes rows of a column, NULL where the position is absent.
func takeOrNullFrom(src vec.Vector, t types.Type, at []int32) vec.Vector {
	return takeOrNull([]vec.Vector{src}, []types.Type{t}, at)[0]
}

// extreme computes MIN and MAX with a queue of the rows that may yet be it.
func (c *overCall) extreme(p *overPart) vec.Vector {
	src := p.cols[c.arg()]
	o := newOrdering([]jobgraph.SortKey{{Col: 0, Desc: c.spec.Func == "MAX"}}, []types.Type{c.types[c.arg()]})
	words := o.words([]vec.Vector{src}, nil, p.n, nil)[0]
	before := func(a, b int32) bool { // a is better than or equal to b
		if words[a] != words[b] {
			return words[a] < words[b]
		}
		return !o.loose(0, words[a]) || o.value(0, src, int(a), src, int(b)) <= 0
	}
	at := make([]int32, p.n)
	has := make([]bool, p.n)
	for _, r := range c.passes(p, nil, 0, int32(p.n)) {
		has[r] = !src.Null(int(r))
	}
	var queue []int32
	for s := range len(p.starts) - 1 {
		hi := p.starts[s]
		queue = queue[:0]
		for i := p.starts[s]; i < p.starts[s+1]; i++ {
			for ; hi < c.hi[i]; hi++ {
				if !has[hi] {
					continue
				}
				for len(queue) > 0 && before(hi, queue[len(queue)-1]) {
					queue = queue[:len(queue)-1]
				}
				queue = append(queue, hi)
			}
			for len(queue) > 0 && queue[0] < c.lo[i] {
				queue = queue[1:]
			}
			at[i] = -1
			if len(queue) > 0 && queue[0] < c.hi[i] {
				at[i] = queue[0]
			}
		}
	}
	return takeOrNullFrom(src, c.spec.Ret, at)
}
