package bind

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// An overUse is an OVER call of a block.
type overUse struct {
	aggUse
	partition []*expr.Expr
	by        []orderUse // ORDER BY of the window
	frame     jobgraph.Frame
}

// rankTypes are the functions that only an OVER gives a meaning, with their type.
var rankTypes = map[string]types.Type{
	"ROW_NUMBER": types.TBigInt.Nullable(false), "RANK": types.TBigInt.Nullable(false), "DENSE_RANK": types.TBigInt.Nullable(false),
	"PERCENT_RANK": types.TDouble.Nullable(false), "CUME_DIST": types.TDouble.Nullable(false),
	"NTILE": types.TBigInt.Nullable(false), "LAG": {}, "LEAD": {},
}

func onlyOver(name string) bool { _, ok := rankTypes[name]; return ok }

// overCall makes a placeholder for a call with OVER.
func (x *exprBinder) overCall(c *ast.Call, name string) (*expr.Expr, error) {
	if x.inAgg != "" {
		return nil, errAt(c, "an OVER call cannot stand inside aggregate %s", x.inAgg)
	}
	if !x.over || x.blk == nil {
		return nil, errAt(c, "%s OVER (…) cannot be used in %s; compute it in a subquery or use QUALIFY", name, x.clause)
	}
	spec, err := x.blk.windowSpec(c.Over, 0)
	if err != nil {
		return nil, err
	}
	inner := *x
	inner.over = false
	var u overUse
	switch {
	case onlyOver(name):
		u, err = inner.rankCall(c, name, spec)
	case isAgg(name):
		u.aggUse, err = inner.aggregate(c, name, true)
	case fn.Lookup(name) == nil:
		return nil, nearAt(c, name, x.functionNames(), "unknown function '%s'", c.Name)
	default:
		return nil, errAt(c, "%s is not an aggregate and takes no OVER", name)
	}
	if err != nil {
		return nil, err
	}
	if u.partition, err = inner.list(spec.PartitionBy); err != nil {
		return nil, err
	}
	if u.by, err = inner.order(spec.OrderBy); err != nil {
		return nil, err
	}
	if !onlyOver(name) {
		if u.frame, err = inner.frame(spec, u.by); err != nil {
			return nil, err
		}
		if !u.frame.From.Unbounded && !u.frame.To.Unbounded && (u.frame.From.Offset > 0 || u.frame.To.Offset < 0) {
			u.ret = orNull(name, u.ret) // a frame without the current row may be empty
		}
	}
	i := len(x.blk.overs)
	x.blk.overs = append(x.blk.overs, u)
	return placed(expr.Column(overBase+i, u.ret), posOf(c)), nil
}

// rankCall binds the arguments of ROW_NUMBER, LAG and their like.
func (x *exprBinder) rankCall(c *ast.Call, name string, spec *ast.WindowSpec) (overUse, error) {
	u := overUse{aggUse: aggUse{name: name, ret: rankTypes[name], node: c}}
	if len(spec.OrderBy) == 0 {
		return u, errAt(c, "%s needs ORDER BY in its window", name)
	}
	if spec.Frame != nil {
		return u, errAt(spec.Frame, "%s takes no frame (ROWS or RANGE)", name)
	}
	if c.Distinct || c.Star || c.Filter != nil {
		return u, errAt(c, "%s takes no DISTINCT, * or FILTER", name)
	}
	var err error
	if u.args, err = x.list(c.Args); err != nil {
		return u, err
	}
	least, most := 0, 0
	switch name {
	case "NTILE":
		least, most = 1, 1
	case "LAG", "LEAD":
		least, most = 1, 3
	}
	if len(c.Args) < least || len(c.Args) > most {
		return u, errAt(c, "%s takes %s, not %d", name, [...]string{"no arguments", "one argument", "", "one to three arguments"}[most], len(c.Args))
	}
	switch name {
	case "NTILE":
		if n, ok := u.args[0].Value.(int64); !ok || n < 1 || !u.args[0].Type.Integer() {
			return u, errAt(c.Args[0], "NTILE takes a constant number of buckets, 1 or more")
		}
	case "LAG", "LEAD":
		return u, x.shiftArgs(c, &u)
	}
	return u, nil
}

// shiftArgs checks LAG(x, n, default).
func (x *exprBinder) shiftArgs(c *ast.Call, u *overUse) error {
	t := u.args[0].Type.Plain()
	u.ret = t.Nullable(true)
	if len(u.args) > 1 {
		if n, ok := u.args[1].Value.(int64); !ok || n < 0 || !u.args[1].Type.Integer() {
			return errAt(c.Args[1], "%s takes a constant number of rows, 0 or more", u.name)
		}
	}
	if len(u.args) > 2 {
		common, err := expr.CommonType(t, u.args[2].Type)
		if err != nil {
			return errAt(c.Args[2], "the default of %s is %s, not %s", u.name, u.args[2].Type.Name(), t.Name())
		}
		u.ret = common.Plain()
		for _, i := range []int{0, 2} {
			if u.args[i], err = castTo(c.Args[i], u.args[i], common); err != nil {
				return err
			}
		}
	}
	u.args[0] = plainCast(u.args[0])
	return nil
}

// windowSpec follows the names of windows: OVER w, OVER (w ORDER BY …).
func (k *block) windowSpec(s *ast.WindowSpec, depth int) (*ast.WindowSpec, error) {
	if s.Ref.Text == "" {
		return s, nil
	}
	i := slices.IndexFunc(k.windows, func(w ast.NamedWindow) bool { return w.Name.Text == s.Ref.Text })
	if i < 0 {
		var names []string
		for _, w := range k.windows {
			names = append(names, w.Name.Text)
		}
		return nil, nearAt(s.Ref, s.Ref.Text, names, "unknown window '%s'", s.Ref.Text)
	}
	if depth > len(k.windows) {
		return nil, errAt(s.Ref, "window '%s' is defined by itself", s.Ref.Text)
	}
	base, err := k.windowSpec(k.windows[i].Spec, depth+1)
	if err != nil {
		return nil, err
	}
	out := *base
	if len(s.PartitionBy) > 0 {
		return nil, errAt(s, "a window that extends '%s' cannot have its own PARTITION BY", s.Ref.Text)
	}
	if len(s.OrderBy) > 0 {
		if len(base.OrderBy) > 0 {
			return nil, errAt(s, "window '%s' has an ORDER BY already", s.Ref.Text)
		}
		out.OrderBy = s.OrderBy
	}
	if s.Frame != nil {
		if base.Frame != nil {
			return nil, errAt(s.Frame, "window '%s' has a frame already", s.Ref.Text)
		}
		out.Frame = s.Frame
	}
	return &out, nil
}

// frame binds ROWS or RANGE. Without one it is RANGE UNBOUNDED PRECEDING to the
// current row, or the whole partition if there is no ORDER BY either.
func (x *exprBinder) frame(spec *ast.WindowSpec, by []orderUse) (jobgraph.Frame, error) {
	f := spec.Frame
	unbounded := jobgraph.FrameBound{Unbounded: true}
	if f == nil {
		if len(by) == 0 {
			return jobgraph.Frame{Rows: true, From: unbounded, To: unbounded}, nil
		}
		return jobgraph.Frame{From: unbounded}, nil
	}
	out := jobgraph.Frame{Rows: f.Unit == ast.FrameRows}
	if len(by) == 0 && !out.Rows && (f.Start.Offset != nil || f.End != nil && f.End.Offset != nil) {
		return out, errAt(f, "RANGE with a distance needs ORDER BY in its window")
	}
	end := ast.Bound{Pos: f.Pos, Kind: ast.CurrentRow}
	if f.End != nil {
		end = *f.End
	}
	var err error
	if out.From, err = x.bound(f, f.Start, by); err != nil {
		return out, err
	}
	if out.To, err = x.bound(f, end, by); err != nil {
		return out, err
	}
	switch {
	case f.Start.Kind == ast.UnboundedFollowing:
		return out, errAt(f.Start, "a frame cannot start at UNBOUNDED FOLLOWING")
	case end.Kind == ast.UnboundedPreceding:
		return out, errAt(end, "a frame cannot end at UNBOUNDED PRECEDING")
	case !out.From.Unbounded && !out.To.Unbounded && out.From.Offset > out.To.Offset && (out.From.Months == out.To.Months || out.From.Offset > 0 && out.To.Offset <= 0):
		return out, errAt(f, "the frame's start lies behind its end")
	}
	return out, nil
}

func (x *exprBinder) bound(f *ast.Frame, b ast.Bound, by []orderUse) (jobgraph.FrameBound, error) {
	switch b.Kind {
	case ast.UnboundedPreceding, ast.UnboundedFollowing:
		return jobgraph.FrameBound{Unbounded: true}, nil
	case ast.CurrentRow:
		return jobgraph.FrameBound{}, nil
	}
	v, err := x.constant(b.Offset, "the distance of a frame's bound")
	if err != nil {
		return jobgraph.FrameBound{}, err
	}
	n, ok := v.Value.(int64)
	switch {
	case !ok || n < 0:
		return jobgraph.FrameBound{}, errAt(b, "the distance of a frame's bound must be a number or an interval of 0 or more")
	case f.Unit == ast.FrameRows && !v.Type.Integer():
		return jobgraph.FrameBound{}, errAt(b, "ROWS counts rows: its distance must be an integer, not %s", v.Type.Name())
	case f.Unit == ast.FrameRange && len(by) != 1:
		return jobgraph.FrameBound{}, errAt(b, "RANGE with a distance needs exactly one column in ORDER BY")
	case f.Unit == ast.FrameRange && v.Type.Interval() != (by[0].e.Type.Stamp() || by[0].e.Type.Kind == types.Date || by[0].e.Type.Kind == types.Time):
		return jobgraph.FrameBound{}, errAt(b, "RANGE over a column of %s cannot have a distance of %s", by[0].e.Type.Name(), v.Type.Name())
	case f.Unit == ast.FrameRange && !v.Type.Interval() && !by[0].e.Type.Numeric():
		return jobgraph.FrameBound{}, hinted(errAt(b, "RANGE with a distance needs a column of numbers or times in ORDER BY, not %s", by[0].e.Type.Name()), "ROWS counts rows")
	case v.Type.Kind == types.IntervalMonth && by[0].e.Type.Kind == types.Time:
		return jobgraph.FrameBound{}, errAt(b, "RANGE over a column of TIME cannot have a distance of months")
	}
	if v.Type.Kind == types.IntervalSecond {
		n *= 1000
	}
	if b.Kind == ast.Preceding {
		n = -n
	}
	return jobgraph.FrameBound{Offset: n, Months: f.Unit == ast.FrameRange && v.Type.Kind == types.IntervalMonth}, nil
}
