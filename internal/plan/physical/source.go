package physical

import (
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/rule"
	"github.com/millrace-io/millrace/types"
)

// scan makes the source of a table: the connector's columns, then the computed
// ones, then the watermark. Columns that only the watermark needs are dropped by
// a Calc behind it. A batch folds the changes of a table to the rows that they
// end up with.
func (b *builder) scan(n *logical.Scan) (flow, error) {
	info := b.changes.Info(n)
	kinds := info.Kinds
	src, out, err := b.source(n)
	if err != nil {
		return flow{}, err
	}
	par, err := parallelism(n.Options, "scan.parallelism", b.opts.Parallelism, n.Pos)
	if err != nil {
		return flow{}, err
	}
	src.Scan.Parallelism = par
	if !kinds.Append() || info.Fold {
		// The rows that a changelog ends up with are not its first ones, and a change
		// that fails a predicate may take away a row that passed it.
		src.Scan.Limit, src.Scan.Predicates = -1, nil
	}
	emitted := kinds
	if info.Normalize != nil || info.DropBefore || info.Fold {
		emitted = changelog.SourceKinds(n)
		if b.opts.SourceKinds != nil {
			emitted = b.opts.SourceKinds(n)
		}
	}
	src.Kinds = emitted.String()
	v := b.vertex(par, src)
	f := flow{parts: []part{{vertex: v}}, schema: src.Output, kinds: emitted}
	if len(out) < len(src.Output) {
		f = b.calc(n, f, nil, out, n.Out)
	}
	f.schema = n.Out
	if info.DropBefore {
		f = b.dropBefore(n, f, false)
	}
	if info.Normalize != nil {
		spec := &jobgraph.Normalize{Keys: info.Normalize, SendBefore: info.Before() || info.Fold, Types: n.Out.Types(), TTLMs: b.ttl()}
		op := b.op(n, "Normalize", spec, n.Out, n.Out)
		full := kinds
		if info.Fold {
			full = changelog.All
		}
		f = b.apply(op, full, info.Normalize, input{flow: f, dist: hashed(info.Normalize)})
	}
	if info.Fold {
		f = b.fold(n, f)
	}
	return f, nil
}

// fold keeps the rows of a changelog until its end. With a primary key the last
// change of each key decides: what a row was like before need not be told right,
// and is not where the scan reads metadata of the change. Without one a change
// takes away one of the equal rows.
func (b *builder) fold(n *logical.Scan, f flow) flow {
	key := upTo(len(n.Out))
	spec := &jobgraph.Rank{RankKind: jobgraph.RowNumber, From: 1, To: -1, Input: jobgraph.RankRetract,
		Emit: jobgraph.AtEnd, Types: n.Out.Types(), WindowEnd: -1}
	if keys := b.changes.Info(n).Keys; len(keys) > 0 {
		key = keys[0]
		spec.Input, spec.UniqueKey = jobgraph.RankUpdateFast, key
	}
	spec.Partition = key
	op := b.op(n, "Fold", spec, n.Out, n.Out)
	return b.apply(op, changelog.InsertOnly, key, input{flow: f, dist: hashed(key)})
}

// source fills in a jobgraph.Source, and returns the columns of its output that
// the relation has.
func (b *builder) source(n *logical.Scan) (*jobgraph.Source, []*expr.Expr, error) {
	table, at := logical.ConnectTable(n.Table, n.Options, false)
	wanted := slices.Clone(n.Columns) // positions in n.Table.Columns that the source emits
	add := func(c int) {
		if !slices.Contains(wanted, c) {
			wanted = append(wanted, c)
		}
	}
	wm := n.Table.Watermark
	if b.opts.Batch && (!b.marked[n] || b.changes.Info(n).Fold) || wm != nil && wm.Value == nil {
		wm = nil // a batch's watermark jumps to the end
	}
	if wm != nil {
		add(wm.Column)
		for _, c := range expr.Columns(wm.Value) {
			add(c)
		}
	}
	scan := connect.Scan{Columns: []int{}, Limit: n.Limit, Bounded: b.opts.Batch, Seed: b.opts.Seed, Zone: b.opts.Zone}
	read := func(c int) int { // position in the scan's columns
		i := slices.Index(scan.Columns, at[c])
		if i < 0 {
			i = len(scan.Columns)
			scan.Columns = append(scan.Columns, at[c])
		}
		return i
	}
	var project []*expr.Expr
	plain := true
	var schema types.Schema
	for i, c := range wanted {
		col := n.Table.Columns[c]
		schema = append(schema, types.Field{Name: col.Name, Type: col.Type})
		if i < len(n.Out) {
			schema[i] = n.Out[i]
		}
		if col.Kind == catalog.Computed {
			plain = false
			project = append(project, expr.Remap(col.Value, read))
			continue
		}
		project = append(project, expr.Column(read(c), col.Type))
	}
	for i, e := range project {
		plain = plain && e.Op == expr.Col && e.Index == i
	}
	if plain && len(project) == len(scan.Columns) {
		project = nil
	}
	scan.Predicates = predicates(n, at)
	src := &jobgraph.Source{ID: b.id(b.paths[n]), Connector: n.Options["connector"], Table: table, Scan: scan, Project: project, Output: schema}
	b.nodes[src.ID], b.sources[n] = n, src
	if src.Connector == "" {
		return nil, nil, base.Errorf(n.Pos, "Table '%s' does not contain the 'connector' option", n.Table.Path.Name)
	}
	var out []*expr.Expr
	for i := range n.Columns {
		out = append(out, expr.Column(i, n.Out[i].Type))
	}
	var err error
	if wm != nil {
		place := func(c int) int { return slices.Index(wanted, c) }
		src.Watermark, err = b.watermark(n, expr.Remap(wm.Value, place), place(wm.Column))
	}
	return src, out, err
}

func (b *builder) watermark(n *logical.Scan, e *expr.Expr, time int) (*jobgraph.Watermark, error) {
	if e.Type.Prec > 6 {
		e = &expr.Expr{Op: expr.Call, Func: "CAST", Args: []*expr.Expr{e}, Type: types.Type{Kind: e.Type.Kind, Prec: 6, NotNull: e.Type.NotNull}, Pos: e.Pos}
	}
	w := &jobgraph.Watermark{Expr: e, Time: time, IntervalMs: b.set.watermarkMs, IdleMs: b.set.idleMs}
	if err := watermarkOptions(w, connect.Options(n.Options)); err != nil {
		return nil, base.Errorf(n.Pos, "table '%s': %v", n.Table.Path.Name, err)
	}
	return w, nil
}

// predicates are the conjuncts of a scan's filter that compare a column with
// constants.
func predicates(n *logical.Scan, at []int) []connect.Predicate {
	var out []connect.Predicate
	for _, e := range n.Filter {
		if p, ok := predicate(e); ok {
			if p.Column = at[n.Columns[p.Column]]; p.Column >= 0 {
				out = append(out, p)
			}
		}
	}
	return out
}

var predicateOps = map[string]connect.PredicateOp{"=": connect.Eq, "<>": connect.Ne, "<": connect.Lt, "<=": connect.Le,
	">": connect.Gt, ">=": connect.Ge, "IN": connect.In, "IS NULL": connect.IsNull, "IS NOT NULL": connect.NotNull}

// predicate reads a comparison; its Column is the scan's output column.
func predicate(e *expr.Expr) (connect.Predicate, bool) {
	var none connect.Predicate
	op, ok := predicateOps[e.Func]
	if e.Op != expr.Call || !ok || len(e.Args) == 0 {
		return none, false
	}
	args := e.Args
	if len(args) == 2 && args[0].Op == expr.Lit && args[1].Op == expr.Col && op != connect.In {
		args = []*expr.Expr{args[1], args[0]}
		op = predicateOps[rule.Flip(e.Func)]
	}
	if args[0].Op != expr.Col {
		return none, false
	}
	p := connect.Predicate{Column: args[0].Index, Op: op}
	for _, a := range args[1:] {
		if a.Op != expr.Lit || a.Value == nil || a.Type.Phys() != args[0].Type.Phys() || a.Type.Kind == types.Decimal && a.Type.Scale != args[0].Type.Scale {
			return none, false
		}
		p.Values = append(p.Values, a.Value)
	}
	switch {
	case op == connect.In:
		return p, len(p.Values) > 0
	case op == connect.IsNull || op == connect.NotNull:
		return p, len(p.Values) == 0
	}
	return p, len(p.Values) == 1
}

func (b *builder) values(n *logical.Values) (flow, error) {
	op := b.op(n, "", &jobgraph.Values{Rows: n.Rows, Types: n.Out.Types()}, n.Out)
	op.Name = explain.Op(op.Spec, nil, n.Out)
	op.Kinds = changelog.InsertOnly.String()
	v := b.vertex(1, nil, op)
	return flow{parts: []part{{vertex: v}}, schema: n.Out, kinds: changelog.InsertOnly}, nil
}

func (b *builder) windowTVF(n *logical.WindowTVF) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	d := anyhow
	hash := hashOf(f)
	if n.Window.WKind == jobgraph.Session {
		d = hashed(n.Window.Session)
		hash = n.Window.Session
	}
	op := b.op(n, "WindowTVF", &jobgraph.WindowTVF{Window: b.window(n.Window, n.Input.Schema()), Types: f.schema.Types()}, n.Out, f.schema)
	return b.apply(op, f.kinds, hash, input{flow: f, dist: d}), nil
}

// window fills in what depends on the session: the zone of local timestamps and
// the unit of time.
func (b *builder) window(w jobgraph.Window, in types.Schema) jobgraph.Window {
	if w.Time < 0 {
		return w
	}
	t := in[w.Time].Type
	if t.Kind == types.TimestampLTZ && w.Zone == "" {
		w.Zone = b.opts.Zone
	}
	if w.Granule == 0 {
		w.Granule = rule.Granule(t)
	}
	return w
}
