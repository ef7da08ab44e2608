package bind

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

var joinKinds = map[ast.JoinKind]jobgraph.JoinKind{
	ast.JoinInner: jobgraph.Inner, ast.JoinCross: jobgraph.Inner, ast.JoinComma: jobgraph.Inner,
	ast.JoinLeft: jobgraph.Left, ast.JoinRight: jobgraph.Right, ast.JoinFull: jobgraph.Full,
	ast.JoinLeftSemi: jobgraph.Semi, ast.JoinLeftAnti: jobgraph.Anti,
}

func (f *fromBinder) join(j *ast.Join) (*scope, error) {
	kind, ok := joinKinds[j.Kind]
	if !ok {
		return nil, unsupported(j, "ASOF JOIN")
	}
	l, err := f.bind(j.Left)
	if err != nil {
		return nil, err
	}
	if t, ok := j.Right.(*ast.TableRef); ok && t.AsOf != nil {
		return f.temporalJoin(j, kind, l, t)
	}
	if kind == jobgraph.Inner || kind == jobgraph.Left {
		if c := rowCallOf(j.Right); c != nil {
			return f.correlateJoin(j, kind, l, c)
		}
		if d, ok := j.Right.(*ast.Derived); ok && d.Lateral {
			return f.lateralJoin(j, kind, l, d)
		}
	}
	r, err := f.within(j.Right)
	if err != nil {
		return nil, err
	}
	return f.plainJoin(j, kind, l, r)
}

// plainJoin joins two relations that do not refer to each other.
func (f *fromBinder) plainJoin(j *ast.Join, kind jobgraph.JoinKind, l, r *scope) (*scope, error) {
	switch j.Kind {
	case ast.JoinInner, ast.JoinLeft, ast.JoinRight, ast.JoinFull:
		if j.On == nil && j.Using == nil && !j.Natural {
			return nil, hinted(errAt(j, "JOIN needs a condition: ON, USING or NATURAL"), "CROSS JOIN pairs each row with each")
		}
	}
	sc, cond, err := f.joinScope(j, kind, l, r)
	if err != nil {
		return nil, err
	}
	sc.node = &logical.Join{Left: l.node, Right: r.node, JoinKind: kind, Cond: cond, Hints: f.hintsFor(l, r),
		Out: joinSchema(kind, l.node, r.node), Pos: posOf(j)}
	return sc, nil
}

// joinSchema is the columns of both sides, nullable where a side may be missing.
func joinSchema(kind jobgraph.JoinKind, l, r logical.Node) types.Schema {
	out := slices.Clone(l.Schema())
	for i := range out {
		if kind == jobgraph.Right || kind == jobgraph.Full {
			out[i].Type.NotNull = false
		}
	}
	if kind == jobgraph.Semi || kind == jobgraph.Anti {
		return out
	}
	for _, c := range r.Schema() {
		if kind == jobgraph.Left || kind == jobgraph.Full {
			c.Type.NotNull = false
		}
		out = append(out, c)
	}
	return out
}

// joinScope names the columns of both sides and binds the condition. The scope's
// node is not set yet.
func (f *fromBinder) joinScope(j *ast.Join, kind jobgraph.JoinKind, l, r *scope) (*scope, *expr.Expr, error) {
	width := len(l.node.Schema())
	// The condition sees the sides as they are; what comes out may be nullable.
	if (kind == jobgraph.Right || kind == jobgraph.Full) && len(f.ties) > 0 {
		return nil, nil, unsupported(j, "a RIGHT or FULL JOIN behind what reads columns of the query around")
	}
	both := &scope{node: l.node, outer: f.outer, reach: f.outer != nil && f.base == nil && kind == jobgraph.Inner && f.nested == 0}
	both.fields = append(both.fields, l.fields...)
	for _, c := range r.fields {
		c.expr = expr.Remap(c.expr, func(i int) int { return i + width })
		both.fields = append(both.fields, c)
	}
	var conds []*expr.Expr
	using := j.Using
	if j.Natural {
		using = commonNames(l, r)
	}
	merged, eqs, err := f.using(j, kind, l, r, using, width)
	if err != nil {
		return nil, nil, err
	}
	conds = append(conds, eqs...)
	plain, err := f.subqueriesOn(j, kind, l, r)
	if err != nil {
		return nil, nil, err
	}
	if plain != nil {
		x := exprBinder{b: f.b, sc: both, clause: "ON"}
		on, err := x.condition(plain)
		if err != nil {
			return nil, nil, err
		}
		if on = f.takeTies(on); on != nil {
			conds = append(conds, on)
		}
	}
	var cond *expr.Expr
	if len(conds) > 0 {
		cond = expr.And(conds)
	}
	out := &scope{outer: f.outer, fields: merged}
	for i, c := range both.fields {
		left := i < len(l.fields)
		if !left && (kind == jobgraph.Semi || kind == jobgraph.Anti) {
			break
		}
		if left && (kind == jobgraph.Right || kind == jobgraph.Full) || !left && (kind == jobgraph.Left || kind == jobgraph.Full) {
			c.expr = nullable(c.expr)
		}
		if slices.ContainsFunc(using, func(n ast.Name) bool { return n.Text == c.name }) && !c.hidden {
			c.hidden = true
		}
		out.fields = append(out.fields, c)
	}
	return out, cond, nil
}

// nullable is a field's expression where its side of an outer join may be missing.
func nullable(e *expr.Expr) *expr.Expr {
	return expr.Map(e, func(e *expr.Expr) *expr.Expr {
		if !e.Type.NotNull || e.Op == expr.Lit {
			return e
		}
		c := *e
		c.Type.NotNull = false
		return &c
	})
}

// commonNames are the columns that NATURAL compares.
func commonNames(l, r *scope) []ast.Name {
	var out []ast.Name
	for _, name := range l.names(nil) {
		if f, _ := r.column(nil, name); f != nil {
			out = append(out, ast.Name{Text: name})
		}
	}
	return out
}

// using compares the columns of that name and merges each pair into one, which
// stands in front.
func (f *fromBinder) using(j *ast.Join, kind jobgraph.JoinKind, l, r *scope, names []ast.Name, width int) (merged []field, conds []*expr.Expr, err error) {
	for _, name := range names {
		pos := ast.Node(name)
		if name.Line == 0 {
			pos = j
		}
		lf, err := usingColumn(pos, l, name.Text, "left")
		if err != nil {
			return nil, nil, err
		}
		rf, err := usingColumn(pos, r, name.Text, "right")
		if err != nil {
			return nil, nil, err
		}
		right := expr.Remap(rf.expr, func(i int) int { return i + width })
		eq, err := callAt(posOf(pos), "=", lf.expr, right)
		if err != nil {
			return nil, nil, err
		}
		conds = append(conds, eq)
		e := lf.expr
		switch kind {
		case jobgraph.Right:
			e = right
		case jobgraph.Full:
			if e, err = callAt(posOf(pos), "COALESCE", nullable(lf.expr), nullable(right)); err != nil {
				return nil, nil, err
			}
		}
		merged = append(merged, field{name: name.Text, expr: e})
	}
	return merged, conds, nil
}

func usingColumn(at ast.Node, s *scope, name, side string) (*field, error) {
	f, n := s.column(nil, name)
	if n > 1 {
		return nil, errAt(at, "column '%s' of USING is ambiguous on the %s side", name, side)
	}
	if f == nil {
		return nil, nearAt(at, name, s.names(nil), "unknown column '%s' on the %s side of USING", name, side)
	}
	return f, nil
}

// temporalJoin binds left JOIN t FOR SYSTEM_TIME AS OF time.
func (f *fromBinder) temporalJoin(j *ast.Join, kind jobgraph.JoinKind, l *scope, t *ast.TableRef) (*scope, error) {
	if kind != jobgraph.Inner && kind != jobgraph.Left {
		return nil, errAt(j, "a join FOR SYSTEM_TIME AS OF must be INNER or LEFT")
	}
	x := exprBinder{b: f.b, sc: l, clause: "FOR SYSTEM_TIME AS OF"}
	time, err := x.bind(t.AsOf)
	if err != nil {
		return nil, err
	}
	if !time.Type.Rowtime && !time.Type.Proctime {
		if time.Op != expr.Col {
			return nil, unsupported(t.AsOf, "FOR SYSTEM_TIME AS OF anything but a time attribute of the left side")
		}
		k := block{b: f.b, sc: l}
		if err := f.b.timeAttribute(t.AsOf, "FOR SYSTEM_TIME AS OF", k.nameOfExpr(time), time.Type, lostTime(l.node, time)); err != nil {
			return nil, err
		}
	}
	right := *t
	right.AsOf = nil
	r, err := f.table(&right)
	if err != nil {
		return nil, err
	}
	sc, cond, err := f.joinScope(j, kind, l, r)
	if err != nil {
		return nil, err
	}
	sc.node = &logical.TemporalJoin{Left: l.node, Right: r.node, JoinKind: kind, Time: time, Cond: cond,
		Hints: f.hintsFor(l, r), Out: joinSchema(kind, l.node, r.node), Pos: posOf(t)}
	return sc, nil
}
