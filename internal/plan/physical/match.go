package physical

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// match finds row patterns where the rows of a partition are. A batch has the same
// operator as a stream, which gets but the last watermark.
func (b *builder) match(n *logical.Match) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	spec := &jobgraph.Match{Partition: n.Partition, Order: n.Order, Time: n.Order[0].Col, Vars: n.Vars, Skip: n.Skip, SkipVar: n.SkipVar,
		Within: n.Within, Refs: n.Refs, Measures: n.Measures, Types: f.schema.Types()}
	switch t := f.schema[spec.Time].Type; {
	case t.Proctime:
		spec.Time = -1
	case !t.Rowtime && !b.opts.Batch:
		return f, base.Errorf(n.Pos, "ORDER BY of MATCH_RECOGNIZE must begin with a time attribute: a column with a WATERMARK, or PROCTIME()")
	}
	var hash []int
	for i := range n.Partition {
		hash = append(hash, i)
	}
	return b.apply(b.op(n, "", spec, n.Out, f.schema), changelog.I, hash, input{flow: f, dist: hashed(n.Partition)}), nil
}
