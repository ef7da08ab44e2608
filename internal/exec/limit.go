package exec

import (
	"encoding/binary"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/vec"
)

// Limit passes the rows From..To in the order of arrival. How many it has seen is
// state. It is for inserts only: a stream with changes is limited by a Rank.
type Limit struct {
	Base
	spec  *jobgraph.Limit
	state state.Store
	seen  int64
	ident idents
}

const limitSeen = "seen"

// NewLimit returns the operator for a spec.
func NewLimit(spec *jobgraph.Limit) Operator { return &Limit{spec: spec} }

// Open implements Operator.
func (l *Limit) Open(ctx *Context) error {
	l.state = ctx.State
	for _, v := range ctx.State.Values(limitSeen) {
		l.seen += int64(binary.BigEndian.Uint64(v))
	}
	return nil
}

// Process implements Operator.
func (l *Limit) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	n := int64(b.Len())
	from := min(max(l.spec.From-1-l.seen, 0), n)
	to := n
	if l.spec.To >= 0 {
		to = min(max(l.spec.To-l.seen, from), n)
	}
	l.seen += n
	if from < to {
		res := *b
		if to-from < n {
			res.Sel = l.ident.positions(b)[from:to:to]
			res = *vec.Compact(&res)
		}
		return false, out.Emit(&res)
	}
	if m, ok := lastMark(b); ok {
		return false, out.Watermark(m)
	}
	return false, nil
}

// Snapshot implements Operator.
func (l *Limit) Snapshot(base.Epoch) error {
	l.state.SetValue(limitSeen, binary.BigEndian.AppendUint64(nil, uint64(l.seen)))
	return nil
}
