package bind

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// groupingSetsMax is how many sets GROUPING SETS, ROLLUP and CUBE may come to.
const groupingSetsMax = 1024

// A groupingUse is a call of GROUPING, GROUPING_ID or GROUP_ID.
type groupingUse struct {
	name string
	args []*expr.Expr
	node ast.Node
}

// groupBy binds GROUP BY: items names what aliases and ordinals mean.
func (k *block) groupBy(g *ast.GroupBy, items []ast.SelectItem) error {
	k.grouped = true
	if g.All {
		return k.groupByAll(items)
	}
	sets := [][]int{nil}
	special := false
	for _, it := range g.Items {
		next, err := k.groupItem(it, items)
		if err != nil {
			return err
		}
		special = special || it.Kind != ast.GroupExprs || len(it.Exprs) == 0
		if sets, err = crossSets(it, sets, next); err != nil {
			return err
		}
	}
	if g.Distinct {
		sets = distinctSets(sets)
	}
	switch {
	case special && k.window != nil && (len(sets) > 1 || len(sets[0]) < len(k.keys)):
		return errAt(g, "GROUPING SETS, ROLLUP and CUBE cannot be used with the group window %s; use the table function %s", k.window.name, k.window.name)
	case special && (len(sets) > 1 || len(sets[0]) < len(k.keys)):
		k.sets = sets
	}
	k.scalar = len(k.keys) == 0 && k.window == nil && k.sets == nil
	return nil
}

// groupByAll groups by everything that is selected and holds no aggregate.
func (k *block) groupByAll(items []ast.SelectItem) error {
	for _, it := range items {
		if _, ok := it.X.(*ast.Star); ok {
			return errAt(it, "GROUP BY ALL cannot be used with '*'")
		}
		probe := &block{b: k.b, sc: k.sc, windows: k.windows}
		x := exprBinder{b: k.b, sc: k.sc, blk: probe, clause: "SELECT", agg: true, over: true}
		e, err := x.bind(it.X)
		if err != nil {
			return err
		}
		if len(probe.aggs) == 0 && len(probe.overs) == 0 && e.Op != expr.Lit {
			k.addKey(e)
		}
	}
	k.scalar = len(k.keys) == 0
	return nil
}

func distinctSets(sets [][]int) [][]int {
	var out [][]int
	for _, s := range sets {
		if !slices.ContainsFunc(out, func(t []int) bool { return slices.Equal(s, t) }) {
			out = append(out, s)
		}
	}
	return out
}

// crossSets joins every set of a with every one of b.
func crossSets(n ast.Node, a, b [][]int) ([][]int, error) {
	if len(a)*len(b) > groupingSetsMax {
		return nil, errAt(n, "more than %d grouping sets", groupingSetsMax)
	}
	var out [][]int
	for _, s := range a {
		for _, t := range b {
			u := slices.Concat(s, t)
			slices.Sort(u)
			out = append(out, slices.Compact(u))
		}
	}
	return out, nil
}

// groupItem returns the sets that an element of GROUP BY stands for.
func (k *block) groupItem(g ast.GroupItem, items []ast.SelectItem) ([][]int, error) {
	switch g.Kind {
	case ast.GroupExprs:
		var set []int
		for _, e := range g.Exprs {
			key, isWindow, err := k.groupExpr(e, items)
			if err != nil {
				return nil, err
			}
			if !isWindow {
				set = append(set, key)
			}
		}
		return [][]int{set}, nil
	case ast.GroupSets:
		var out [][]int
		for _, s := range g.Sets {
			sets, err := k.groupItem(s, items)
			if err != nil {
				return nil, err
			}
			out = append(out, sets...)
		}
		return out, nil
	}
	var parts [][]int
	for _, s := range g.Sets {
		sets, err := k.groupItem(s, items)
		if err != nil {
			return nil, err
		}
		if len(sets) != 1 {
			return nil, errAt(s, "ROLLUP and CUBE cannot hold other grouping sets")
		}
		parts = append(parts, sets[0])
	}
	if g.Kind == ast.GroupRollup {
		return rollup(parts), nil
	}
	if len(parts) > 10 {
		return nil, errAt(g, "more than %d grouping sets", groupingSetsMax)
	}
	return cube(parts), nil
}

func rollup(parts [][]int) [][]int {
	var out [][]int
	for n := len(parts); n >= 0; n-- {
		out = append(out, sortedSet(slices.Concat(parts[:n]...)))
	}
	return out
}

func cube(parts [][]int) [][]int {
	var out [][]int
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		var set []int
		for i, p := range parts {
			if mask&(1<<(len(parts)-1-i)) != 0 {
				set = append(set, p...)
			}
		}
		out = append(out, sortedSet(set))
	}
	return out
}

func sortedSet(s []int) []int {
	slices.Sort(s)
	return slices.Compact(s)
}

// groupExpr binds one expression of GROUP BY: a group window, a number that
// counts the select list's columns, an expression, or an alias that is no column.
func (k *block) groupExpr(e ast.Expr, items []ast.SelectItem) (key int, window bool, err error) {
	if c, ok := e.(*ast.Call); ok && len(c.Name) == 1 && legacyWindow(upper(c.Name)) {
		return 0, true, k.groupWindow(c)
	}
	if l, ok := e.(*ast.Literal); ok && l.Kind == ast.LitInt {
		var n int
		if _, err := fmt.Sscan(l.Text, &n); err != nil || n < 1 || n > len(items) {
			return 0, false, errAt(e, "GROUP BY %s: the select list has %d columns", l.Text, len(items))
		}
		e = items[n-1].X
	}
	x := exprBinder{b: k.b, sc: k.sc, blk: k, clause: "GROUP BY"}
	bound, err := x.bind(e)
	if err != nil {
		id, ok := e.(*ast.Ident)
		if !ok || len(id.Path) != 1 {
			return 0, false, err
		}
		i := slices.IndexFunc(items, func(it ast.SelectItem) bool { return it.Alias.Text == id.Path[0].Text })
		if i < 0 {
			return 0, false, err
		}
		if f, n := k.sc.column(nil, id.Path[0].Text); f != nil || n > 0 {
			return 0, false, err
		}
		if bound, err = x.bind(items[i].X); err != nil {
			return 0, false, err
		}
	}
	return k.addKey(bound), false, nil
}

func (k *block) addKey(e *expr.Expr) int {
	for i, f := range k.keys {
		if expr.Equal(e, f) {
			return i
		}
	}
	k.keys = append(k.keys, e)
	return len(k.keys) - 1
}

// groupingCall makes a placeholder for GROUPING(a, b).
func (x *exprBinder) groupingCall(c *ast.Call, name string) (*expr.Expr, error) {
	if !x.agg || x.blk == nil || !x.blk.grouped {
		return nil, errAt(c, "%s cannot be used in %s without GROUP BY", name, x.clause)
	}
	if name != "GROUP_ID" && len(c.Args) == 0 {
		return nil, errAt(c, "%s needs an argument", name)
	}
	args, err := x.list(c.Args)
	if err != nil {
		return nil, err
	}
	for i, a := range args {
		if !slices.ContainsFunc(x.blk.keys, func(k *expr.Expr) bool { return expr.Equal(k, a) }) {
			return nil, errAt(c.Args[i], "the argument of %s must be an expression of GROUP BY", name)
		}
	}
	x.blk.groupings = append(x.blk.groupings, groupingUse{name, args, c})
	return placed(expr.Column(groupBase+len(x.blk.groupings)-1, types.TBigInt.Nullable(false)), posOf(c)), nil
}

// aggregate builds the grouping of the block over node.
func (k *block) aggregate(node logical.Node) (logical.Node, error) {
	all := slices.Clone(k.keys)
	for _, u := range k.aggs {
		all = append(all, u.args...)
		if u.filter != nil {
			all = append(all, u.filter)
		}
		for _, o := range u.order {
			all = append(all, o.e)
		}
	}
	if k.window != nil {
		all = append(all, k.window.time)
	}
	before := slices.Clone(all)
	node, all, err := k.attach(node, all, func(e *expr.Expr) (*expr.Expr, error) { return e, nil })
	if err != nil {
		return nil, err
	}
	var list columnList
	for _, e := range all {
		list.add(e)
	}
	node, at := list.place(node, false)
	col := func(e *expr.Expr) int {
		i := slices.IndexFunc(before, func(f *expr.Expr) bool { return f == e })
		return at[list.add(all[i])]
	}
	a := &logical.Aggregate{Input: node, Sets: k.sets, Pos: posOf(k.place())}
	if k.sc.ttl != nil {
		a.TTL = k.sc.ttl.Options[0].Value
	}
	for _, e := range k.keys {
		a.Keys = append(a.Keys, col(e))
	}
	a.Out = keyFields(node, a.Keys)
	if k.sets != nil {
		for i := range a.Out {
			if slices.ContainsFunc(k.sets, func(s []int) bool { return !slices.Contains(s, i) }) {
				a.Out[i].Type.NotNull = false
			}
		}
	}
	for i, u := range k.aggs {
		u.ret = k.aggType(u)
		name := fmt.Sprintf("agg$%d", i)
		a.Aggs = append(a.Aggs, logical.Agg{AggCall: u.call(col), Name: name, Pos: posOf(u.node)})
		a.Out = append(a.Out, types.Field{Name: name, Type: u.ret})
	}
	if k.window != nil {
		k.window.finish(a, col(k.window.time))
	}
	if k.sets != nil {
		a.Out = append(a.Out, types.Field{Name: "grouping_id", Type: types.TBigInt.Nullable(false)})
	}
	k.out = a.Out
	return a, nil
}

// aggType is the type of a call, NULL where a group may be empty.
func (k *block) aggType(u aggUse) types.Type {
	if k.scalar || slices.ContainsFunc(k.sets, func(s []int) bool { return len(s) == 0 }) {
		return orNull(u.name, u.ret)
	}
	return u.ret
}

// place is where the grouping stands, for messages.
func (k *block) place() ast.Node {
	if len(k.aggs) > 0 {
		return k.aggs[0].node
	}
	if len(k.keys) > 0 {
		return ast.Pos{Line: k.keys[0].Pos.Line, Col: k.keys[0].Pos.Col}
	}
	return ast.Pos{}
}

// afterAggregate rewrites an expression over FROM into one over the grouping's
// output; a column that is neither grouped nor inside an aggregate is an error.
func (k *block) afterAggregate(e *expr.Expr) (*expr.Expr, error) {
	for i, key := range k.keys {
		if expr.Equal(e, key) {
			return k.keyColumn(i, e), nil
		}
	}
	if e.Op == expr.Col {
		return k.afterColumn(e)
	}
	if e.Op == expr.Lit {
		return e, nil
	}
	args := make([]*expr.Expr, len(e.Args))
	retype := false
	for i, a := range e.Args {
		var err error
		if args[i], err = k.afterAggregate(a); err != nil {
			return nil, err
		}
		retype = retype || args[i].Type.NotNull != a.Type.NotNull
	}
	return rebuild(e, args, retype)
}

// rebuild is e with other arguments. When their nullability is another one the
// call is resolved again.
func rebuild(e *expr.Expr, args []*expr.Expr, retype bool) (*expr.Expr, error) {
	c := *e
	c.Args = args
	if !retype {
		return &c, nil
	}
	switch e.Func {
	case "CAST", "REINTERPRET":
		c.Type.NotNull = args[0].Type.NotNull
	case "TRY_CAST":
	case "FIELD":
		c.Type.NotNull = c.Type.NotNull && args[0].Type.NotNull
	default:
		n, err := callAt(e.Pos, e.Func, args...)
		if err != nil {
			return nil, err
		}
		return n, nil
	}
	return &c, nil
}

func (k *block) keyColumn(i int, e *expr.Expr) *expr.Expr {
	return moved(e, i, k.out[i].Type)
}

func (k *block) afterColumn(e *expr.Expr) (*expr.Expr, error) {
	n := len(k.keys)
	switch {
	case e.Index >= groupBase && e.Index < outerBase:
		return k.groupingValue(k.groupings[e.Index-groupBase])
	case e.Index >= overBase:
		return e, nil
	case e.Index >= propBase:
		return moved(e, n+len(k.aggs)+e.Index-propBase, e.Type), nil
	case e.Index >= aggBase:
		i := e.Index - aggBase
		return moved(e, n+i, k.aggType(k.aggs[i])), nil
	}
	name := k.nameOf(e.Index)
	return nil, atPos(e.Pos, errAt(ast.Pos{}, "column '%s' is neither in GROUP BY nor inside an aggregate function", name))
}

// nameOf is what a column of FROM is called.
func (k *block) nameOf(col int) string {
	for _, f := range k.sc.fields {
		if f.expr.Op == expr.Col && f.expr.Index == col {
			return f.name
		}
	}
	if s := k.sc.node.Schema(); col < len(s) {
		return s[col].Name
	}
	return fmt.Sprintf("$%d", col)
}

// groupingValue is what GROUPING(a, b) gives for each grouping id: a bit for each
// argument, the first the highest, 1 where the key is not in the set.
func (k *block) groupingValue(g groupingUse) (*expr.Expr, error) {
	value := func(set []int, dup int64) int64 {
		if g.name == "GROUP_ID" {
			return dup
		}
		var v int64
		for _, a := range g.args {
			i := slices.IndexFunc(k.keys, func(key *expr.Expr) bool { return expr.Equal(key, a) })
			v = v<<1 | b2i(!slices.Contains(set, i))
		}
		return v
	}
	big := types.TBigInt
	if k.sets == nil {
		return placed(expr.Literal(big, int64(0)), posOf(g.node)), nil
	}
	probe := &logical.Aggregate{Keys: make([]int, len(k.keys)), Sets: k.sets}
	id := expr.Column(len(k.keys)+len(k.aggs), big.Nullable(false))
	var args []*expr.Expr
	for i, s := range k.sets {
		v := expr.Literal(big, value(s, probe.GroupingID(i)>>len(k.keys)))
		if i == len(k.sets)-1 {
			args = append(args, v)
			break
		}
		eq, err := callAt(posOf(g.node), "=", id, expr.Literal(big, probe.GroupingID(i)))
		if err != nil {
			return nil, err
		}
		args = append(args, eq, v)
	}
	if len(args) == 1 {
		return args[0], nil
	}
	return callAt(posOf(g.node), "CASE", args...)
}
