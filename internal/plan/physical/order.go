package physical

import (
	"slices"
	"strconv"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

func (b *builder) emit() jobgraph.Emit {
	if b.opts.Batch {
		return jobgraph.AtEnd
	}
	return jobgraph.OnChange
}

// ttl is the time that state of a stream is kept; windows have their own end.
func (b *builder) ttl() int64 {
	if b.opts.Batch {
		return 0
	}
	return b.set.ttlMs
}

func (b *builder) rank(n *logical.Rank) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	info := b.changes.Info(n)
	if n.Window != nil && info.ByTime && (!b.opts.Batch || b.opts.Verify) {
		part := slices.DeleteFunc(slices.Clone(n.Partition), func(c int) bool { return c == n.Window.Start || c == n.Window.End })
		if len(part) == 0 { // nothing but the window: spread the windows over the subtasks
			part = []int{n.Window.End}
		}
		spec := &jobgraph.Rank{RankKind: n.RankKind, Partition: part, Order: n.Order, From: n.From, To: n.To, Number: n.Number,
			Types: f.schema.Types(), WindowEnd: n.Window.End, Granule: n.Window.Granule, Zone: n.Window.Zone}
		return b.apply(b.op(n, "", spec, n.Out, f.schema), info.Kinds, part, input{flow: f, dist: hashed(part)}), nil
	}
	d := hashed(n.Partition)
	if r := info.Rank; r.Dedup && n.Window == nil {
		spec := &jobgraph.Dedup{Keys: n.Partition, Time: r.Time, KeepLast: r.KeepLast, Emit: b.emit(), SendBefore: info.Before(),
			Types: f.schema.Types(), TTLMs: b.ttl()}
		return b.apply(b.op(n, "", spec, n.Out, f.schema), info.Kinds, n.Partition, input{flow: f, dist: d}), nil
	}
	spec := &jobgraph.Rank{RankKind: n.RankKind, Partition: n.Partition, Order: n.Order, From: n.From, To: n.To, Number: n.Number,
		Input: info.Rank.Input, UniqueKey: info.Rank.Key, Emit: b.emit(), SendBefore: info.Before(), Types: f.schema.Types(), TTLMs: b.ttl(), WindowEnd: -1}
	return b.apply(b.op(n, "", spec, n.Out, f.schema), info.Kinds, n.Partition, input{flow: f, dist: d}), nil
}

func (b *builder) over(n *logical.Over) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	info := b.changes.Info(n)
	spec := &jobgraph.Over{Partition: n.Partition, Order: n.Order, Time: -1, Calls: n.Calls, Emit: b.emit(),
		Retracts: !f.kinds.Append(), AfterOnly: info.Kinds.Has(changelog.UA) && !info.Before(), Types: f.schema.Types()}
	if rowtime, _ := n.ByTime(); rowtime && info.Kinds.Append() {
		spec.Time = n.Order[0].Col
	}
	return b.apply(b.op(n, "", spec, n.Out, f.schema), info.Kinds, n.Partition, input{flow: f, dist: hashed(n.Partition)}), nil
}

// sort is ORDER BY, LIMIT, or both.
func (b *builder) sort(n *logical.Sort) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	info := b.changes.Info(n)
	schema := f.schema
	all := n.From <= 1 && n.To < 0
	from := max(n.From, 1)
	in := input{flow: f, dist: gather}
	switch {
	case all && len(n.Order) == 0:
		return f, nil
	case len(n.Order) == 0 && f.kinds.Append():
		if n.To >= 0 && len(f.parts) > 0 && b.parallelism(f) > 1 { // no subtask needs to send more
			in.flow = b.apply(b.op(n, "Local", &jobgraph.Limit{From: 1, To: n.To}, schema, schema), info.Kinds, hashOf(f), input{flow: f, dist: anyhow})
		}
		return b.apply(b.op(n, "", &jobgraph.Limit{From: from, To: n.To}, schema, schema), info.Kinds, nil, in), nil
	case b.opts.Batch:
		if n.To >= 0 && b.parallelism(f) > 1 {
			local := &jobgraph.Sort{Order: n.Order, From: 1, To: n.To, Time: -1, Types: schema.Types()}
			in.flow = b.apply(b.op(n, "Local", local, schema, schema), info.Kinds, hashOf(f), input{flow: f, dist: anyhow})
		}
		spec := &jobgraph.Sort{Order: n.Order, From: from, To: n.To, Time: -1, Types: schema.Types()}
		return b.apply(b.op(n, "", spec, schema, schema), info.Kinds, nil, in), nil
	case all:
		k := n.Order[0]
		if t := schema[k.Col].Type; !t.Rowtime && !t.Proctime || k.Desc {
			e := base.Errorf(n.Pos, "a stream has no end at which all rows could be put in order: ORDER BY without LIMIT must begin with a time attribute, ascending")
			e.Hint = "add a LIMIT, order by the column with the WATERMARK, or run it in batch mode"
			return f, e
		}
		if schema[k.Col].Type.Proctime && len(n.Order) == 1 {
			return f, nil // rows arrive in the order of processing time
		}
		spec := &jobgraph.Sort{Order: n.Order, From: 1, To: -1, Time: k.Col, Types: schema.Types()}
		return b.apply(b.op(n, "", spec, schema, schema), info.Kinds, nil, in), nil
	}
	kind := info.Rank.Input
	if len(n.Order) == 0 { // a LIMIT alone, of rows that change
		kind = jobgraph.RankRetract
	}
	spec := &jobgraph.Rank{Order: n.Order, From: from, To: n.To, Input: kind, UniqueKey: info.Rank.Key, SendBefore: info.Before(), Types: schema.Types(), TTLMs: b.ttl(), WindowEnd: -1}
	return b.apply(b.op(n, "", spec, schema, schema), info.Kinds, nil, in), nil
}

func (b *builder) collect(n *logical.Collect) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	op := b.op(n, "", &jobgraph.Collect{Types: f.schema.Types()}, f.schema, f.schema)
	return b.apply(op, f.kinds, nil, input{flow: f, dist: gather}), nil
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func itoa(i int) string { return strconv.Itoa(i) }
