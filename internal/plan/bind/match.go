package bind

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A matchBinder binds one MATCH_RECOGNIZE. What its expressions read besides the
// columns of the row at hand becomes references, columns from matchBase on; and
// arguments of aggregates that are no columns become columns that are appended to
// the input. When all is bound the references move behind the input's columns.
type matchBinder struct {
	f     *fromBinder
	in    *scope
	vars  []jobgraph.MatchVar
	extra []*expr.Expr // over the input: arguments of aggregates
	refs  []jobgraph.MatchRef
	time  types.Type // of the first column of ORDER BY

	current int // the variable that is defined, or notDefined in MEASURES
	seen    int // the variable that the aggregate's arguments name so far, or noVar
}

const (
	matchBase  = aggBase // no aggregate of a block can occur where references do
	notDefined = -2
	noVar      = -2
)

// matchNav is FIRST(…, n) or LAST(…, n) around what is being bound.
type matchNav struct {
	name   string // "" outside
	offset int
}

func (f *fromBinder) match(m *ast.MatchRecognize) (*scope, error) {
	in, err := f.within(m.Input)
	if err != nil {
		return nil, err
	}
	if err := refuseMatch(m); err != nil {
		return nil, err
	}
	b := &matchBinder{f: f, in: in, current: notDefined, seen: noVar}
	n := &logical.Match{Pos: posOf(m)}
	if n.Partition, err = b.partition(m.PartitionBy); err != nil {
		return nil, err
	}
	if n.Order, err = b.order(m); err != nil {
		return nil, err
	}
	if err := b.pattern(m); err != nil {
		return nil, err
	}
	if n.Skip, n.SkipVar, err = b.skip(m.AfterMatch); err != nil {
		return nil, err
	}
	if m.Within != nil {
		x := exprBinder{b: f.b, clause: "WITHIN"}
		_, within, err := x.length(m.Within, "WITHIN", true)
		if err != nil {
			return nil, err
		}
		if within.months > 0 {
			return nil, errAt(m.Within, "WITHIN takes intervals of days or smaller units: months and years differ in length")
		}
		n.Within = within.us
	}
	if err := b.defines(m.Defines); err != nil {
		return nil, err
	}
	if err := b.measures(n, m.Measures); err != nil {
		return nil, err
	}
	b.finish(n)
	return f.b.aliased(n, &relation{}, m.Alias)
}

// refuseMatch refuses what Flink's automaton does not know.
func refuseMatch(m *ast.MatchRecognize) error {
	switch {
	case m.AllRows:
		return hinted(errAt(m, "ALL ROWS PER MATCH is not supported yet"), "write ONE ROW PER MATCH")
	case len(m.Subsets) > 0:
		return unsupported(m.Subsets[0], "SUBSET")
	case m.StrictStart || m.StrictEnd:
		return unsupported(m, "a pattern with the anchors ^ and $")
	}
	return nil
}

// column binds an expression over the input that must be a column.
func (b *matchBinder) column(e ast.Expr, clause string) (int, error) {
	x := exprBinder{b: b.f.b, sc: b.in, clause: clause}
	c, err := x.bind(e)
	if err != nil {
		return 0, err
	}
	if c.Op != expr.Col || c.Index >= aggBase {
		return 0, errAt(e, "%s of MATCH_RECOGNIZE takes columns", clause)
	}
	return c.Index, nil
}

func (b *matchBinder) partition(by []ast.Expr) ([]int, error) {
	var out []int
	for _, e := range by {
		c, err := b.column(e, "PARTITION BY")
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (b *matchBinder) order(m *ast.MatchRecognize) ([]jobgraph.SortKey, error) {
	if len(m.OrderBy) == 0 {
		return nil, hinted(errAt(m, "MATCH_RECOGNIZE needs ORDER BY with a time attribute"), "order by the column with the WATERMARK, or by PROCTIME()")
	}
	var out []jobgraph.SortKey
	for _, s := range m.OrderBy {
		c, err := b.column(s.X, "ORDER BY")
		if err != nil {
			return nil, err
		}
		o := orderOf(nil, s)
		out = append(out, jobgraph.SortKey{Col: c, Desc: o.desc, NullsLast: o.nullsLast})
	}
	first := m.OrderBy[0]
	f := b.in.node.Schema()[out[0].Col]
	b.time = f.Type
	if !b.time.Rowtime && !b.time.Proctime && !(b.time.Stamp() && b.f.b.batch()) {
		err := errAt(first.X, "ORDER BY of MATCH_RECOGNIZE must begin with a time attribute: a column with a WATERMARK, or PROCTIME()")
		if !b.time.Stamp() {
			return nil, err
		}
		return nil, hinted(err, lostTime(b.in.node, expr.Column(out[0].Col, b.time)))
	}
	if first.Desc {
		return nil, errAt(first.X, "ORDER BY of MATCH_RECOGNIZE must be ascending in time")
	}
	return out, nil
}

func (b *matchBinder) pattern(m *ast.MatchRecognize) error {
	list := []ast.Pattern{m.Pattern}
	if seq, ok := m.Pattern.(*ast.PatternSeq); ok {
		list = seq.Items
	}
	for i := 0; i < len(list); i++ { // (A B) C is A B C
		if seq, ok := list[i].(*ast.PatternSeq); ok {
			list = slices.Replace(slices.Clone(list), i, i+1, seq.Items...)
			i--
		}
	}
	empty := true
	for _, p := range list {
		v, err := matchVar(p)
		if err != nil {
			return err
		}
		if b.variable(v.Name) >= 0 {
			return errAt(p, "Duplicate pattern name: %s. Names must be unique.", v.Name)
		}
		empty = empty && v.Optional()
		b.vars = append(b.vars, v)
	}
	if empty {
		return hinted(errAt(m.Pattern, "the PATTERN matches no rows at all, which is not supported"), "make one of its variables take at least one row")
	}
	if b.vars[len(b.vars)-1].Greedy() {
		return hinted(errAt(list[len(list)-1], "the PATTERN ends with a greedy quantifier, whose match has no end"), "end it with a plain variable or a reluctant quantifier: +?")
	}
	return nil
}

// matchRepeatMax bounds the states that a quantifier stands for.
const matchRepeatMax = 10_000

// matchVar takes a variable with its quantifier apart.
func matchVar(p ast.Pattern) (jobgraph.MatchVar, error) {
	v := jobgraph.MatchVar{Min: 1, Max: 1}
	if r, ok := p.(*ast.PatternRepeat); ok {
		v.Min, v.Max, v.Reluctant = r.Min, r.Max, r.Reluctant
		p = r.Item
		switch {
		case v.Max == 0 || v.Max > 0 && v.Max < v.Min:
			return v, errAt(r, "the quantifier {%d,%d} takes no rows: its end must be at least 1 and not below its start", v.Min, v.Max)
		case max(v.Min, v.Max) > matchRepeatMax:
			return v, errAt(r, "a quantifier can count to %d at most", matchRepeatMax)
		case v.Reluctant && v.Min == 0 && v.Max == 1:
			return v, errAt(r, "Reluctant optional variables are not supported yet.")
		}
	}
	switch p := p.(type) {
	case *ast.PatternVar:
		v.Name = p.Name.Text
		return v, nil
	case *ast.PatternAlt:
		return v, errAt(p, "Currently, CEP doesn't support branching patterns.")
	case *ast.PatternPermute:
		return v, errAt(p, "Currently, CEP doesn't support PERMUTE patterns.")
	case *ast.PatternExclude:
		return v, errAt(p, "Currently, CEP doesn't support '{-' '-}' patterns.")
	}
	return v, errAt(p, "Currently, CEP doesn't support pattern groups with a quantifier.")
}

func (b *matchBinder) variable(name string) int {
	return slices.IndexFunc(b.vars, func(v jobgraph.MatchVar) bool { return v.Name == name })
}

func (b *matchBinder) names() []string {
	var out []string
	for _, v := range b.vars {
		out = append(out, v.Name)
	}
	return out
}

// skip binds AFTER MATCH. Without it Calcite, and so Flink, goes to the next row.
func (b *matchBinder) skip(a *ast.AfterMatch) (jobgraph.MatchSkip, int, error) {
	if a == nil || a.Skip == ast.SkipToNextRow {
		return jobgraph.SkipToNextRow, 0, nil
	}
	if a.Skip == ast.SkipPastLastRow {
		return jobgraph.SkipPastLastRow, 0, nil
	}
	v := b.variable(a.Symbol.Text)
	if v < 0 {
		return 0, 0, nearAt(a.Symbol, a.Symbol.Text, b.names(), "unknown pattern variable '%s'", a.Symbol.Text)
	}
	how := jobgraph.SkipToLast
	if a.Skip == ast.SkipToFirst {
		how = jobgraph.SkipToFirst
	}
	if v == 0 && (how == jobgraph.SkipToFirst || b.vars[0].Max == 1) {
		return 0, 0, hinted(errAt(a.Symbol, "AFTER MATCH SKIP %s goes to the first row of the match, which would be found again for ever", jobgraph.SkipText(how, v, b.vars)),
			"write SKIP TO NEXT ROW or SKIP PAST LAST ROW, or name a later variable")
	}
	return how, v, nil
}

func (b *matchBinder) defines(list []ast.PatternDefine) error {
	for _, d := range list {
		v := b.variable(d.Name.Text)
		if v < 0 {
			return nearAt(d.Name, d.Name.Text, b.names(), "unknown pattern variable '%s' in DEFINE", d.Name.Text)
		}
		if b.vars[v].Cond != nil {
			return errAt(d.Name, "pattern variable '%s' is defined twice", d.Name.Text)
		}
		b.current = v
		x := exprBinder{b: b.f.b, sc: b.in, match: b, clause: "DEFINE"}
		cond, err := x.condition(d.Cond)
		if err != nil {
			return err
		}
		if correlated(cond) {
			return unsupported(d.Cond, "a column of the query around in MATCH_RECOGNIZE")
		}
		b.vars[v].Cond = cond
	}
	b.current = notDefined
	return nil
}

func (b *matchBinder) measures(n *logical.Match, list []ast.SelectItem) error {
	taken := map[string]bool{}
	for _, c := range n.Partition {
		f := b.in.node.Schema()[c]
		f.Name = b.nameOf(c)
		n.Out, taken[f.Name] = append(n.Out, f), true
	}
	for _, m := range list {
		if taken[m.Alias.Text] {
			return errAt(m, "MATCH_RECOGNIZE has two columns named '%s'; give one of them another name", m.Alias.Text)
		}
		taken[m.Alias.Text] = true
		x := exprBinder{b: b.f.b, sc: b.in, match: b, clause: "MEASURES"}
		e, err := x.bind(m.X)
		if err != nil {
			return err
		}
		if correlated(e) {
			return unsupported(m.X, "a column of the query around in MATCH_RECOGNIZE")
		}
		if e.Type.Kind == types.Null {
			return errAt(m.X, "measure '%s' is a NULL without a type; write CAST(NULL AS type)", m.Alias.Text)
		}
		if e.Op == expr.Col && e.Index < matchBase { // only MATCH_ROWTIME is a time attribute
			e = plainCast(e)
		}
		n.Measures = append(n.Measures, e)
		n.Out = append(n.Out, types.Field{Name: m.Alias.Text, Type: e.Type})
	}
	if len(n.Out) == 0 {
		return errAt(ast.Pos{Line: n.Pos.Line, Col: n.Pos.Col}, "MATCH_RECOGNIZE needs MEASURES or PARTITION BY: it would have no columns")
	}
	return nil
}

// nameOf is the name that the scope has for a column of its node.
func (b *matchBinder) nameOf(col int) string {
	for _, f := range b.in.fields {
		if f.expr.Op == expr.Col && f.expr.Index == col {
			return f.name
		}
	}
	return b.in.node.Schema()[col].Name
}

// finish appends the arguments of aggregates to the input and moves the references
// behind all of its columns.
func (b *matchBinder) finish(n *logical.Match) {
	n.Input, n.Vars, n.Refs = b.in.node, b.vars, b.refs
	s := n.Input.Schema()
	width := len(s) + len(b.extra)
	if len(b.extra) > 0 {
		p := &logical.Project{Input: n.Input, Out: slices.Clone(s)}
		for i, f := range s {
			p.Exprs = append(p.Exprs, expr.Column(i, f.Type))
		}
		for _, e := range b.extra {
			p.Exprs = append(p.Exprs, e)
			p.Out = append(p.Out, types.Field{Name: "$" + expr.String(e, s.Names()), Type: e.Type})
		}
		n.Input = p
	}
	move := func(e *expr.Expr) *expr.Expr {
		return expr.Remap(e, func(i int) int {
			if i >= matchBase {
				return i - matchBase + width
			}
			return i
		})
	}
	for i, v := range n.Vars {
		if v.Cond != nil {
			n.Vars[i].Cond = move(v.Cond)
		}
	}
	for i, e := range n.Measures {
		n.Measures[i] = move(e)
	}
}

// ref returns the column of a reference, made unless there is an equal one.
func (b *matchBinder) ref(r jobgraph.MatchRef) *expr.Expr {
	i := slices.IndexFunc(b.refs, func(q jobgraph.MatchRef) bool {
		if q.RefKind != r.RefKind || q.Var != r.Var || q.Col != r.Col || q.Offset != r.Offset {
			return false
		}
		return r.Call == nil || q.Call.Func == r.Call.Func && slices.Equal(q.Call.Args, r.Call.Args)
	})
	if i < 0 {
		i = len(b.refs)
		b.refs = append(b.refs, r)
	}
	return expr.Column(matchBase+i, b.refs[i].Type)
}

// ident binds A.price, or price of the row at hand.
func (b *matchBinder) ident(x *exprBinder, id *ast.Ident) (*expr.Expr, error) {
	v, path := jobgraph.AllVars, id.Path
	if len(path) > 1 {
		if i := b.variable(path[0].Text); i >= 0 {
			v, path = i, path[1:]
		} else if f, n := b.in.column(nil, path[0].Text); n == 0 && f == nil {
			return nil, nearAt(path[0], path[0].Text, b.names(), "unknown pattern variable or column '%s'", path[0].Text)
		}
	}
	f, n := b.in.column(nil, path[0].Text)
	switch {
	case n > 1:
		return nil, b.in.ambiguous(id, path[0].Text)
	case f == nil:
		return nil, nearAt(path[0], path[0].Text, b.in.names(nil), "unknown column '%s' in MATCH_RECOGNIZE", path[0].Text)
	case f.expr.Op != expr.Col:
		return nil, unsupported(id, "a column that USING has merged in MATCH_RECOGNIZE")
	}
	e, err := b.value(x, id, v, f.expr)
	if err != nil {
		return nil, err
	}
	return withFields(placed(e, posOf(id)), id, path[1:])
}

// value is a column of a row of a variable.
func (b *matchBinder) value(x *exprBinder, id *ast.Ident, v int, col *expr.Expr) (*expr.Expr, error) {
	if x.inAgg != "" {
		if b.seen != noVar && b.seen != v {
			return nil, errAt(id, "an aggregate takes the rows of one pattern variable, but %s names several", x.inAgg)
		}
		b.seen = v
		return col, nil
	}
	first := x.nav.name == "FIRST"
	if !first && x.nav.offset == 0 && (v == jobgraph.AllVars || v == b.current) {
		return col, nil
	}
	r := jobgraph.MatchRef{RefKind: jobgraph.MatchLast, Var: v, Col: col.Index, Offset: x.nav.offset, Type: col.Type.Plain().Nullable(true)}
	if first {
		r.RefKind = jobgraph.MatchFirst
	}
	return b.ref(r), nil
}

// call binds the calls that only MATCH_RECOGNIZE has, and aggregates; nil for others.
func (b *matchBinder) call(x *exprBinder, c *ast.Call, name string) (*expr.Expr, error) {
	if c.Running != ast.SemanticsUnset && b.current != notDefined {
		return nil, errAt(c, "RUNNING and FINAL cannot be used in DEFINE")
	} // in MEASURES they are the same: one row per match is made of its last row
	switch name {
	case "FIRST", "LAST":
		return b.navigate(x, c, name)
	case "PREV", "NEXT":
		return b.physical(x, c, name)
	case "CLASSIFIER", "MATCH_NUMBER":
		return nil, unsupported(c, name)
	case "MATCH_ROWTIME":
		return b.matchTime(x, c)
	case "MATCH_PROCTIME":
		if b.current != notDefined || len(c.Args) > 0 {
			return nil, errAt(c, "MATCH_PROCTIME() stands in MEASURES and takes no arguments")
		}
		t := types.LTZOf(3).Nullable(false)
		t.Proctime = true
		return &expr.Expr{Op: expr.Call, Func: "PROCTIME", Type: t, Pos: posOf(c)}, nil
	}
	if c.Over == nil && isAgg(name) {
		return b.aggregate(x, c, name)
	}
	return nil, nil
}

// navigate binds FIRST(e, n) and LAST(e, n): all columns of e are read from that row.
func (b *matchBinder) navigate(x *exprBinder, c *ast.Call, name string) (*expr.Expr, error) {
	switch {
	case x.inAgg != "":
		return nil, errAt(c, "%s cannot stand inside aggregate %s", name, x.inAgg)
	case x.nav.name != "":
		return nil, errAt(c, "%s cannot stand inside %s", name, x.nav.name)
	case len(c.Args) < 1 || len(c.Args) > 2:
		return nil, errAt(c, "%s takes an expression and a number of rows, not %d arguments", name, len(c.Args))
	}
	inner := *x
	inner.nav.name = name
	if len(c.Args) == 2 {
		n, err := x.constant(c.Args[1], "the offset of "+name)
		if err != nil {
			return nil, err
		}
		k, ok := n.Value.(int64)
		if !ok || k < 0 || k > 1<<30 || !n.Type.Integer() {
			return nil, errAt(c.Args[1], "%s takes a constant number of rows, 0 or more", name)
		}
		inner.nav.offset = int(k)
	}
	return inner.bind(c.Args[0])
}

// physical binds PREV(e, 0) and NEXT(e, 0), which are LAST(e); Flink has no other.
func (b *matchBinder) physical(x *exprBinder, c *ast.Call, name string) (*expr.Expr, error) {
	if len(c.Args) == 2 {
		n, err := x.constant(c.Args[1], "the offset of "+name)
		if err != nil {
			return nil, err
		}
		if k, ok := n.Value.(int64); ok && k == 0 {
			last := *c
			last.Args = c.Args[:1]
			return b.navigate(x, &last, "LAST")
		}
	}
	err := errAt(c, "Flink does not support physical offsets within partition")
	return nil, hinted(err, "LAST(variable.column, n) counts back in the rows of a variable")
}

func (b *matchBinder) matchTime(x *exprBinder, c *ast.Call) (*expr.Expr, error) {
	if b.current != notDefined || x.inAgg != "" || x.nav.name != "" {
		return nil, errAt(c, "MATCH_ROWTIME() stands in MEASURES")
	}
	if len(c.Args) > 1 {
		return nil, errAt(c, "MATCH_ROWTIME takes the rowtime column, or nothing")
	}
	if len(c.Args) == 1 {
		if _, err := x.bind(c.Args[0]); err != nil {
			return nil, err
		}
	}
	if b.time.Proctime {
		return nil, errAt(c, "MATCH_ROWTIME() needs an ORDER BY of a rowtime; this one is by processing time: use MATCH_PROCTIME()")
	}
	t := b.time.Nullable(false)
	t.Rowtime = true
	return placed(b.ref(jobgraph.MatchRef{RefKind: jobgraph.MatchTime, Var: jobgraph.AllVars, Type: t}), posOf(c)), nil
}

// aggregate binds a call over the rows of one variable.
func (b *matchBinder) aggregate(x *exprBinder, c *ast.Call, name string) (*expr.Expr, error) {
	switch {
	case x.inAgg != "":
		return nil, errAt(c, "aggregate %s cannot stand inside aggregate %s", name, x.inAgg)
	case x.nav.name != "":
		return nil, errAt(c, "aggregate %s cannot stand inside %s", name, x.nav.name)
	case c.Distinct:
		return nil, unsupported(c, "an aggregate with DISTINCT in MATCH_RECOGNIZE")
	case c.Filter != nil || len(c.OrderBy) > 0 || len(c.WithinGroup) > 0 || c.Nulls == ast.IgnoreNulls:
		return nil, unsupported(c, "an aggregate with FILTER, ORDER BY or IGNORE NULLS in MATCH_RECOGNIZE")
	}
	b.seen = noVar
	u, err := x.aggregate(c, name, false)
	if err != nil {
		return nil, err
	}
	v := b.seen
	if v == noVar {
		v = jobgraph.AllVars
	}
	for i := 1; i < len(u.args); i++ {
		if u.args[i].Op != expr.Lit {
			return nil, unsupported(c, "an aggregate of several columns in MATCH_RECOGNIZE")
		}
	}
	call := u.call(b.place)
	call.Ret = orNull(name, call.Ret)
	return placed(b.ref(jobgraph.MatchRef{RefKind: jobgraph.MatchAgg, Var: v, Call: &call, Type: call.Ret}), posOf(c)), nil
}

// place returns the column of the input that an argument is.
func (b *matchBinder) place(e *expr.Expr) int {
	if e.Op == expr.Col {
		return e.Index
	}
	width := len(b.in.node.Schema())
	for i, old := range b.extra {
		if expr.Equal(old, e) {
			return width + i
		}
	}
	b.extra = append(b.extra, e)
	return width + len(b.extra) - 1
}
