package physical

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// correlate calls a table function where the rows are.
func (b *builder) correlate(n *logical.Correlate) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	spec := &jobgraph.Correlate{JoinKind: n.JoinKind, Func: n.Func, Args: n.Args, Ordinality: n.Ordinality,
		Types: n.Out[len(f.schema):].Types()}
	return b.apply(b.op(n, "Correlate", spec, n.Out, f.schema), f.kinds, hashOf(f), input{flow: f, dist: anyhow}), nil
}
