package expr

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Program is a compiled expression. It has scratch state: one goroutine uses
// it at a time.
type Program struct {
	set  Programs
	root *node
}

// Programs are several expressions compiled together: what they have in common
// is evaluated once a batch.
type Programs struct {
	roots []*node
	nodes map[string]*node
	env   *fn.Env
	at    *batch     // that of Filter
	seq   uint64     // numbers the batches, for the memos of shared nodes
	rows  int64      // of the batches so far
	calls []*fn.Call // of volatile functions, which are told of rows
}

// A node is an expression with its kernel.
type node struct {
	e    *Expr
	args []*node
	eval func(n *node, x *batch, rows []int32) (vec.Vector, error)

	impl   *fn.Impl // of calls that have one
	call   *fn.Call
	cmp    kernel.Cmp // of comparisons that can select
	phys   types.Phys // of the operands of such a comparison
	selCmp bool

	steady bool       // the same arguments give the same result
	fixed  bool       // steady and without columns: value holds it once known
	value  vec.Vector // of length 1

	shared   bool // more than one parent
	memo     vec.Vector
	memoAt   uint64
	memoAll  bool    // of all rows that were asked for
	memoRows []int32 // or of these

	words, wordOut vec.Vector // the dictionary last computed, and the result for it
	seen           vec.Vector // the dictionary last met, and with how many rows
	seenRows       int
}

// A batch is what one evaluation works on.
type batch struct {
	cols []vec.Vector
	top  []int32 // the rows that were asked for
	n    int
	seq  uint64
}

// Compile prepares an expression for evaluation in an environment.
func Compile(e *Expr, env *fn.Env) (*Program, error) {
	p := &Program{}
	p.set.init(env)
	var err error
	p.root, err = p.set.compile(e)
	return p, err
}

// CompileAll prepares several expressions that are evaluated on the same
// batches; equal steady sub-expressions are evaluated once.
func CompileAll(list []*Expr, env *fn.Env) (*Programs, error) {
	p := &Programs{}
	p.init(env)
	for _, e := range list {
		n, err := p.compile(e)
		if err != nil {
			return nil, err
		}
		p.roots = append(p.roots, n)
	}
	return p, nil
}

func (p *Programs) init(env *fn.Env) {
	if env == nil {
		env = &fn.Env{}
	}
	p.env, p.nodes = env, map[string]*node{}
}

// Eval computes the expression for the rows of a batch: rows are the positions
// wanted, ascending, nil for all of [0, n). The result has length n, aligned
// with the columns; positions not wanted hold anything. It may be a Const, a
// Dict, or one of the columns.
func (p *Program) Eval(cols []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	return p.root.get(p.set.batch(cols, rows, n), rows)
}

// Type returns the type of the result.
func (p *Program) Type() types.Type { return p.root.e.Type }

// Eval computes all expressions for the rows of a batch, as Program.Eval does.
func (p *Programs) Eval(cols []vec.Vector, rows []int32, n int) ([]vec.Vector, error) {
	return evalAll(p.roots, p.batch(cols, rows, n), rows)
}

func evalAll(roots []*node, x *batch, rows []int32) ([]vec.Vector, error) {
	out := make([]vec.Vector, len(roots))
	for i, r := range roots {
		var err error
		if out[i], err = r.get(x, rows); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Filter is Program.Filter of the first expression. Rest may follow, for the same batch.
func (p *Programs) Filter(cols []vec.Vector, rows []int32, n int) ([]int32, error) {
	p.at = p.batch(cols, rows, n)
	return p.roots[0].filter(p.at, rows, false)
}

// Rest computes the other expressions for the rows that Filter has let pass. What these
// have in common with the first was evaluated there. If the rows have been copied
// together since, the others are computed of the copy.
func (p *Programs) Rest(cols []vec.Vector, rows []int32, n int, copied bool) ([]vec.Vector, error) {
	if copied {
		p.at = p.batch(cols, rows, n)
	}
	p.at.top = rows
	return evalAll(p.roots[1:], p.at, rows)
}

func (p *Programs) batch(cols []vec.Vector, rows []int32, n int) *batch {
	p.seq++
	for _, c := range p.calls {
		c.Row = p.rows
	}
	p.rows += int64(n)
	return &batch{cols: cols, top: rows, n: n, seq: p.seq}
}

// compile returns the node of an expression, an old one if it has been seen.
func (p *Programs) compile(e *Expr) (*node, error) {
	key := nodeKey(e)
	if n := p.nodes[key]; n != nil && n.steady {
		n.shared = e.Op != Col
		return n, nil
	}
	n := &node{e: e, steady: true}
	switch e.Op {
	case Col:
		n.eval = evalColumn
	case Lit:
		n.fixed = true
		n.value = Vector(e.Type, e.Value)
	default:
		if err := p.compileCall(n); err != nil {
			return nil, err
		}
	}
	if n.steady {
		p.nodes[key] = n
	} else {
		p.nodes[fmt.Sprintf("%s#%d", key, len(p.nodes))] = n
	}
	return n, nil
}

// nodeKey tells expressions apart: their text with the types in it.
func nodeKey(e *Expr) string {
	b := fmt.Appendf(nil, "%d %s %d %q %T %v(", e.Op, e.Type, e.Index, e.Func, e.Value, e.Value)
	for _, a := range e.Args {
		b = append(append(b, nodeKey(a)...), ',')
	}
	return string(append(b, ')'))
}

func (p *Programs) compileCall(n *node) error {
	e := n.e
	f := fn.Lookup(e.Func)
	args := e.Args
	if !owned[e.Func] {
		if f == nil {
			return unknownFunc(e.Func)
		}
		impl, err := f.Resolve(argsOf(e.Args))
		if err != nil {
			return err
		}
		if args, err = castArgs(e.Args, impl.Args); err != nil {
			return err
		}
		if impl.Ret.Phys() != e.Type.Phys() {
			return fmt.Errorf("%s is planned as %s, but its arguments make it %s", e.Func, e.Type.Name(), impl.Ret.Name())
		}
		n.impl = impl
	}
	n.fixed = len(args) > 0
	for _, a := range args {
		k, err := p.compile(a)
		if err != nil {
			return err
		}
		n.args = append(n.args, k)
		n.steady = n.steady && k.steady
		n.fixed = n.fixed && k.fixed
	}
	if f != nil && f.Volatile && !(f.Constant && !p.env.Streaming) {
		n.steady = false
	}
	n.fixed = n.steady && (n.fixed || len(args) == 0)
	if owned[e.Func] {
		return p.compileOwned(n)
	}
	n.eval = evalCall
	n.call = &fn.Call{Env: p.env, Ret: e.Type, Args: argsOf(args)}
	if !n.steady {
		p.calls = append(p.calls, n.call)
	}
	if op, ok := kernel.Cmps[e.Func]; ok && len(args) == 2 {
		n.cmp, n.phys = op, args[0].Type.Phys()
		n.selCmp = args[1].Type.Phys() == n.phys
	}
	return nil
}

// get returns the node's column, from its memo when it has one for this batch.
func (n *node) get(x *batch, rows []int32) (vec.Vector, error) {
	if n.fixed {
		v, err := n.constant()
		if err != nil {
			return nil, err
		}
		return &vec.Const{Val: v, N: x.n}, nil
	}
	if n.known(x, rows) {
		return n.memo, nil
	}
	v, err := n.eval(n, x, rows)
	if err == nil && n.shared {
		n.remember(x, rows, v)
	}
	return v, err
}

// known reports whether the node has been evaluated for these rows of the batch.
func (n *node) known(x *batch, rows []int32) bool {
	return n.shared && n.memoAt == x.seq && (n.memoAll || rows != nil && among(rows, n.memoRows))
}

// remember keeps a result for the rows that it is of, unless there is one for more.
func (n *node) remember(x *batch, rows []int32, v vec.Vector) {
	all := sameRows(rows, x.top)
	if !all && n.memoAt == x.seq && (n.memoAll || len(n.memoRows) >= len(rows)) {
		return
	}
	n.memo, n.memoAt, n.memoAll = v, x.seq, all
	if !all {
		n.memoRows = append(n.memoRows[:0], rows...) // the caller goes on writing to its own
	}
}

// among reports whether all of some ascending rows are among others.
func among(rows, others []int32) bool {
	if len(rows) > len(others) {
		return false
	}
	k := 0
	for _, r := range rows {
		for k < len(others) && others[k] < r {
			k++
		}
		if k == len(others) || others[k] != r {
			return false
		}
	}
	return true
}

func sameRows(a, b []int32) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}

// constant returns the value of a fixed node as a column of length 1.
func (n *node) constant() (vec.Vector, error) {
	if n.value != nil {
		return n.value, nil
	}
	v, err := n.eval(n, &batch{n: 1}, nil)
	if err != nil {
		return nil, err
	}
	n.value = vec.Flat(v)
	return n.value, nil
}

func evalColumn(n *node, x *batch, _ []int32) (vec.Vector, error) {
	if n.e.Index >= len(x.cols) {
		return nil, fmt.Errorf("column %d of an input of %d columns", n.e.Index, len(x.cols))
	}
	return x.cols[n.e.Index], nil
}
