package physical

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// keep computes those expressions over changing rows that give another result each
// time, as columns behind the input's, and has them kept. It returns the expressions
// over these columns. A row is kept by the input's upsert key, or whole.
func (b *builder) keep(n, in logical.Node, f flow, exprs []*expr.Expr) (flow, []*expr.Expr) {
	width := len(f.schema)
	schema := slices.Clone(f.schema)
	var project []*expr.Expr
	for i, c := range f.schema {
		project = append(project, expr.Column(i, c.Type))
	}
	out := slices.Clone(exprs)
	for i, e := range exprs {
		if expr.Volatile(e, nil) {
			out[i] = expr.Column(len(schema), e.Type)
			schema = append(schema, types.Field{Name: "kept$" + itoa(len(schema)-width), Type: e.Type})
			project = append(project, e)
		}
	}
	keys := upTo(width)
	if upsert := b.changes.Info(in).Upsert; len(upsert) > 0 {
		keys = upsert[0]
	}
	f = b.calc(n, f, nil, project, schema)
	spec := &jobgraph.Keep{Keys: keys, Types: schema.Types(), Values: len(schema) - width, TTLMs: b.ttl()}
	return b.apply(b.op(n, "Keep", spec, schema, schema), f.kinds, keys, input{flow: f, dist: hashed(keys)}), out
}
