package physical

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// sink writes a table. Rows of one key reach one subtask: if the query changes
// rows, they are spread by the table's key, unless they lie so already.
func (b *builder) sink(n *logical.Sink) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	info := b.changes.Info(n)
	table := logical.SinkTable(n)
	key := changelog.SinkKey(n)
	par, err := parallelism(n.Options, "sink.parallelism", b.parallelism(f), n.Pos)
	if err != nil {
		return f, err
	}
	d := anyhow
	switch m := info.Sink.Materialize; {
	case m != nil:
		spec := &jobgraph.Materialize{Keys: m, Types: f.schema.Types(), TTLMs: b.ttl()}
		f = b.apply(b.op(n, "Materialize", spec, f.schema, f.schema), changelog.UpsertOnly, m, input{flow: f, dist: hashed(m)})
	case f.kinds.Append() || par == b.parallelism(f) && !b.uneven(f):
	case len(key) > 0:
		d = hashed(key)
	case par == 1 || b.uneven(f) && n.Options["sink.parallelism"] == "":
		par, d = 1, gather
	default:
		return f, base.Errorf(n.Pos, "The sink for table '%s' has a configured parallelism of %d, while the input parallelism is %d. Since the input changes rows and the table has no primary key, their order would be lost",
			changelog.TableName(n), par, b.parallelism(f))
	}
	spec := &jobgraph.Sink{Connector: n.Options["connector"], Table: table, DropNull: b.set.dropNull,
		Write: connect.Write{JobID: b.opts.ID, Overwrite: n.Overwrite, Static: n.Static, Parallelism: par, Bounded: b.opts.Batch, Zone: b.opts.Zone}}
	for i, c := range table.Schema {
		// Of every such column, whatever the query's types promise: an overflow of a
		// NOT NULL decimal is NULL.
		if c.Type.NotNull {
			spec.NotNull = append(spec.NotNull, i)
		}
	}
	op := b.op(n, "", spec, f.schema, f.schema)
	op.Kinds = f.kinds.String()
	if par == b.parallelism(f) && d.ship == jobgraph.Forward {
		spec.Write.Parallelism = par
		return b.apply(op, f.kinds, nil, input{flow: f, dist: d}), nil
	}
	at := b.vertex(par, nil, op)
	b.connect(at, 0, input{flow: f, dist: d})
	return flow{parts: []part{{vertex: at}}, schema: f.schema, kinds: f.kinds}, nil
}
