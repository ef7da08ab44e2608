// Package cost estimates how many rows relations have. The estimates only choose
// between plans with the same result.
package cost

import (
	"math"
	"strconv"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// Stats are an estimate of a relation's size.
type Stats struct {
	Rows  float64
	Width float64 // bytes a row
	Known bool    // some table below said how many rows it has
}

// Bytes is the size of all rows.
func (s Stats) Bytes() float64 { return s.Rows * s.Width }

// scanRows is the guess for a table that says nothing.
const scanRows = 1e6

// What predicates let pass, as textbooks have it since System R (Selinger et al.,
// SIGMOD 1979).
const (
	equalPass = 0.1
	rangePass = 1.0 / 3
	otherPass = 0.5
)

// Of estimates a relation.
func Of(n logical.Node) Stats {
	s := estimate(n)
	s.Width = width(n.Schema())
	return s
}

func estimate(n logical.Node) Stats {
	switch n := n.(type) {
	case *logical.Scan:
		s := Stats{Rows: scanRows}
		if n.Stats != nil {
			s = Stats{Rows: n.Stats.Rows, Known: true}
		}
		if rows, ok := analyzed(n.Table); ok {
			s = Stats{Rows: rows, Known: true}
		}
		for _, key := range []string{"number-of-rows", "events.num", "rows"} {
			if v, err := strconv.ParseFloat(n.Options[key], 64); err == nil && v > 0 {
				s = Stats{Rows: v, Known: true}
				break
			}
		}
		if n.Limit >= 0 {
			s.Rows = math.Min(s.Rows, float64(n.Limit))
		}
		return s
	case *logical.Values:
		return Stats{Rows: float64(len(n.Rows)), Known: true}
	case *logical.Filter:
		s := estimate(n.Input)
		s.Rows *= passes(n.Cond, n.Input)
		return s
	case *logical.Aggregate:
		s := estimate(n.Input)
		if len(n.Keys) == 0 && n.Window == nil {
			return Stats{Rows: 1, Known: true}
		}
		s.Rows = groups(n, s.Rows) * math.Max(1, float64(len(n.Sets)))
		return s
	case *logical.Rank:
		s := estimate(n.Input)
		if len(n.Partition) == 0 && n.To >= 0 {
			return Stats{Rows: math.Min(s.Rows, float64(n.To)), Known: true}
		}
		s.Rows *= 0.1
		return s
	case *logical.Sort:
		s := estimate(n.Input)
		if n.To >= 0 {
			s = Stats{Rows: math.Min(s.Rows, float64(n.To)), Known: true}
		}
		return s
	case *logical.Join:
		return joined(n)
	case *logical.TemporalJoin:
		return estimate(n.Left)
	case *logical.SetOp:
		out := Stats{Known: true}
		for _, in := range n.In {
			s := estimate(in)
			out.Rows += s.Rows
			out.Known = out.Known && s.Known
		}
		return out
	}
	if in := n.Inputs(); len(in) > 0 {
		return estimate(in[0])
	}
	return Stats{Rows: scanRows}
}

func joined(n *logical.Join) Stats {
	l, r := estimate(n.Left), estimate(n.Right)
	out := Stats{Known: l.Known && r.Known}
	eq := n.Equi()
	rest := passes(eq.Rest, nil)
	switch {
	case n.JoinKind == jobgraph.Semi:
		out.Rows = l.Rows * finds(n, eq, r.Rows) * rest
	case n.JoinKind == jobgraph.Anti:
		out.Rows = l.Rows * math.Max(0.1, 1-finds(n, eq, r.Rows)*rest)
	case len(eq.Left) > 0:
		out.Rows = matches(n, eq, l.Rows, r.Rows) * rest
	default:
		out.Rows = l.Rows * r.Rows * passes(n.Cond, nil)
	}
	if outerJoin(n.JoinKind) {
		if n.JoinKind != jobgraph.Right {
			out.Rows = math.Max(out.Rows, l.Rows)
		}
		if n.JoinKind != jobgraph.Left {
			out.Rows = math.Max(out.Rows, r.Rows)
		}
	}
	return out
}

// manyGroups is how many groups a row there must be for an aggregation to have many.
const manyGroups = 0.1

// ManyGroups reports whether an aggregation is known to have so many groups that to
// aggregate each subtask's rows first leaves much of the work for the second time.
func ManyGroups(n *logical.Aggregate) bool {
	in := estimate(n.Input)
	for _, k := range n.Keys {
		if _, ok := distinct(n.Input, k); !ok {
			return false
		}
	}
	return in.Known && len(n.Keys) > 0 && groups(n, in.Rows) > manyGroups*in.Rows
}

// finds is the share of the left rows whose key the right side has.
func finds(n *logical.Join, eq logical.Equi, right float64) float64 {
	share := otherPass
	for i := range eq.Left {
		l, ok1 := distinct(n.Left, eq.Left[i])
		r, ok2 := distinct(n.Right, eq.Right[i])
		if ok1 && ok2 {
			has := math.Min(1, math.Min(r, right)/math.Max(l, r))
			if i == 0 || has < share {
				share = has
			}
		}
	}
	return share
}

// groups is how many groups an aggregation has: as many as the keys have values,
// if that is known.
func groups(n *logical.Aggregate, rows float64) float64 {
	values := 1.0
	for _, k := range n.Keys {
		d, ok := distinct(n.Input, k)
		if !ok {
			return 0.1 * rows
		}
		values *= d
	}
	return math.Min(rows, values)
}

// Reduces reports whether a column is likely to have more than a share of its rows with
// values that another relation's column has not: those of a join's build side.
func Reduces(n logical.Node, col int, build logical.Node, key int, share float64) bool {
	own, b := estimate(n), estimate(build)
	l, ok1 := distinct(n, col)
	r, ok2 := distinct(build, key)
	if !own.Known || !b.Known || !ok1 || !ok2 {
		return own.Known && b.Known && b.Rows < share*own.Rows
	}
	return math.Min(r, b.Rows) < share*math.Max(l, r)
}

// matches is how many rows an equality join gives: each value of the key that has
// more of them meets its like (Selinger et al.), or, if that is not known, every
// row of the larger side one of the other, as with a foreign key.
func matches(n *logical.Join, eq logical.Equi, left, right float64) float64 {
	if len(eq.Left) == 0 {
		return left * right
	}
	var pairs []KeyPair
	for i := range eq.Left {
		l, ok1 := column(n.Left, eq.Left[i])
		r, ok2 := column(n.Right, eq.Right[i])
		if !ok1 || !ok2 || l.distinct == 0 || r.distinct == 0 {
			return math.Max(left, right)
		}
		pairs = append(pairs, KeyPair{l.distinct, r.distinct, l.rows, r.rows})
	}
	return left * right / KeyValues(pairs)
}

// A KeyPair is two columns that a join compares: how many values each has, and how many
// rows their tables have.
type KeyPair struct{ Left, Right, LeftRows, RightRows float64 }

// KeyValues is how many values the key of a join has that these pairs make up. Columns
// of one key are seldom independent: it has no more values than the smaller table rows.
func KeyValues(pairs []KeyPair) float64 {
	out, most := 1.0, math.Inf(1)
	for _, p := range pairs {
		out *= math.Max(p.Left, p.Right)
		most = math.Min(most, math.Min(p.LeftRows, p.RightRows))
	}
	if len(pairs) > 1 {
		out = math.Min(out, math.Max(1, most))
	}
	return math.Max(1, out)
}

// Key is how many values a column has, and how many rows the table that it is of; false
// if that is not known.
func Key(n logical.Node, col int) (distinct, rows float64, ok bool) {
	v, ok := column(n, col)
	return v.distinct, v.rows, ok && v.distinct > 0
}

// Passes is the share of rows for which a condition over several relations holds.
func Passes(cond *expr.Expr) float64 { return passes(cond, nil) }

// passes is the share of the input's rows for which a condition holds; in may be nil.
func passes(cond *expr.Expr, in logical.Node) float64 {
	share := 1.0
	list := expr.Conjuncts(cond)
	if in != nil {
		var between []span
		between, list = spans(in, list)
		for _, s := range between {
			share *= s.passes()
		}
	}
	for _, c := range list {
		share *= pass(c, in)
	}
	return share
}

// pass is passes for one conjunct.
func pass(c *expr.Expr, in logical.Node) float64 {
	if in != nil {
		if known, ok := knownPass(in, c); ok {
			return known
		}
	}
	switch {
	case c.Is("OR"):
		fail := 1.0
		for _, a := range c.Args {
			fail *= 1 - passes(a, in)
		}
		return 1 - fail
	case c.Is("NOT") && len(c.Args) == 1:
		return 1 - passes(c.Args[0], in)
	case c.Is("="):
		return equalPass
	case c.Is("<"), c.Is("<="), c.Is(">"), c.Is(">="):
		return rangePass
	case c.Is("IN"):
		return math.Min(otherPass, equalPass*float64(len(c.Args)-1))
	case c.Is("LIKE"):
		return equalPass
	case c.IsFalse():
		return 0
	}
	return otherPass
}

func width(s types.Schema) float64 {
	w := 0.0
	for _, f := range s {
		switch f.Type.Phys() {
		case types.PhysBool, types.PhysInt8:
			w++
		case types.PhysInt16:
			w += 2
		case types.PhysInt32, types.PhysFloat32:
			w += 4
		case types.PhysInt64, types.PhysFloat64:
			w += 8
		case types.PhysInt128:
			w += 16
		case types.PhysBytes:
			w += 24
		default:
			w += 64
		}
	}
	return w
}

// semiLeft is how much smaller the left side of a semi or anti join must be to be built:
// each of its rows is marked when it has matched, and comes out only then.
const semiLeft = 4

// BuildLeft reports whether a hash join should read its left side first: the
// smaller one. Semi and anti joins build the right side, unless the left one is
// much smaller.
func BuildLeft(kind jobgraph.JoinKind, left, right Stats) bool {
	if kind == jobgraph.Semi || kind == jobgraph.Anti {
		return left.Known && right.Known && left.Bytes()*semiLeft < right.Bytes()
	}
	return left.Bytes() < right.Bytes()
}

// Broadcasts reports whether the build side may be sent to every subtask: no row
// of it may be told by itself.
func Broadcasts(kind jobgraph.JoinKind, buildLeft bool) bool {
	switch kind {
	case jobgraph.Inner:
		return true
	case jobgraph.Left, jobgraph.Semi, jobgraph.Anti:
		return !buildLeft
	case jobgraph.Right:
		return buildLeft
	}
	return false
}
