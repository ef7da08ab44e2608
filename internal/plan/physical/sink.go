package physical

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// sink writes a table.
func (b *builder) sink(n *logical.Sink) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	f = b.arrange(n, f)
	par, err := parallelism(n.Options, "sink.parallelism", b.parallelism(f), n.Pos)
	if err != nil {
		return f, err
	}
	d, err := b.sinkDist(n, f, &par)
	if err != nil {
		return f, err
	}
	return b.write(n, f, d, par), nil
}

// write makes the sink's operator.
func (b *builder) write(n *logical.Sink, f flow, d dist, par int) flow {
	table := logical.SinkTable(n)
	spec := &jobgraph.Sink{Connector: n.Options["connector"], Table: table, DropNull: b.set.dropNull, Lengths: b.set.lengths, Nested: b.set.nested,
		Write: connect.Write{JobID: b.opts.ID, Overwrite: n.Overwrite, Replace: n.Replace, Static: n.Static, Parallelism: par, Bounded: b.opts.Batch, Zone: b.opts.Zone}}
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
		return b.apply(op, f.kinds, nil, input{flow: f, dist: d})
	}
	at := b.vertex(par, nil, op)
	b.connect(at, 0, input{flow: f, dist: d})
	return flow{parts: []part{{vertex: at}}, schema: f.schema, kinds: f.kinds}
}

// arrange puts changes in order for a sink whose key is not the query's.
func (b *builder) arrange(n *logical.Sink, f flow) flow {
	info := b.changes.Info(n)
	switch m, c := info.Sink.Materialize, info.Sink.Conflict; {
	case m != nil:
		spec := &jobgraph.Materialize{Keys: m, Types: f.schema.Types(), TTLMs: b.ttl()}
		return b.apply(b.op(n, "Materialize", spec, f.schema, f.schema), changelog.UpsertOnly, m, input{flow: f, dist: hashed(m)})
	case c != nil:
		return b.conflict(n, f, c)
	case info.Sink.Before && f.kinds.Has(changelog.UB):
		return b.dropBefore(n, f, true)
	}
	return f
}

// conflict lets one row of each key through. The senders stamp their rows with
// their watermark.
func (b *builder) conflict(n *logical.Sink, f flow, key []int) flow {
	in := b.changes.Info(n.Input)
	spec := &jobgraph.Conflict{Keys: key, Fail: n.Conflict == "ERROR", Types: f.schema.Types(), TTLMs: b.ttl()}
	for _, c := range n.Table.PrimaryKey {
		spec.Names = append(spec.Names, n.Table.Columns[c].Name)
	}
	if len(in.Upsert) > 0 && len(in.Upsert[0]) > 0 {
		spec.Unique = in.Upsert[0]
	}
	stamped := append(f.schema[:len(f.schema):len(f.schema)], types.Field{Name: "watermark$", Type: types.TBigInt.Nullable(false)})
	s := b.apply(b.op(n, "Stamp", &jobgraph.Stamp{}, stamped, f.schema), f.kinds, hashOf(f), input{flow: f, dist: anyhow})
	kinds := changelog.UpsertOnly
	if b.opts.Batch {
		kinds = changelog.InsertOnly
	}
	return b.apply(b.op(n, "Conflict", spec, f.schema, stamped), kinds, key, input{flow: s, dist: hashed(key)})
}

// sinkDist is how rows are spread over the sink's subtasks. Changes of one key
// must reach one subtask: they are spread by it, unless they lie so already or
// table.exec.sink.keyed-shuffle says otherwise.
func (b *builder) sinkDist(n *logical.Sink, f flow, par *int) (dist, error) {
	key := changelog.SinkKey(n)
	info := b.changes.Info(n)
	arranged := info.Sink.Materialize != nil || info.Sink.Conflict != nil
	same := *par == b.parallelism(f) && !b.uneven(f)
	onlyAppend := f.kinds.Append() && (len(key) == 0 || info.Sink.Takes != connect.Upsert)
	switch {
	case len(key) > 0 && *par > 1 && b.set.keyedShuffle == "FORCE" && !arranged:
		return hashed(key), nil
	case onlyAppend, same, len(key) > 0 && b.set.keyedShuffle == "NONE" && !arranged:
		return anyhow, nil
	case len(key) > 0:
		return hashed(key), nil
	case *par == 1 || b.uneven(f) && n.Options["sink.parallelism"] == "":
		*par = 1
		return gather, nil
	}
	return anyhow, base.Errorf(n.Pos, "The sink for table '%s' has a configured parallelism of %d, while the input parallelism is %d. Since the input changes rows and the table has no primary key, their order would be lost",
		changelog.TableName(n), *par, b.parallelism(f))
}
