package statedata

import (
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A recorder is an empty store that notes which tables are opened over it.
type recorder struct {
	state.Store
	shapes map[string]keyed.Shape
	forms  map[string]keyed.Form
}

// Describe implements keyed.Describer.
func (r *recorder) Describe(f keyed.Form, shape keyed.Shape) {
	shape.Memory, shape.Evicts, shape.Expiry = nil, false, nil
	r.shapes[shape.Name], r.forms[shape.Name] = shape, f
}

// opened opens an operator over a store that notes its tables; it is nil if it keeps
// none.
func opened(g *jobgraph.Graph, id string, spec jobgraph.Spec, groups int) (exec.Operator, *recorder, error) {
	op, err := operatorOf(spec)
	if err != nil || op == nil {
		return nil, nil, err
	}
	empty, err := lsm.Backend{}.Open("", base.Range{Hi: groups}, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	r := &recorder{Store: empty, shapes: map[string]keyed.Shape{}, forms: map[string]keyed.Form{}}
	ctx := &exec.Context{Op: id, Parallelism: 1, Groups: max(groups, 1), State: r, Counters: &exec.Counters{},
		Env: &fn.Env{Zone: zoneOf(g), Now: env.Now, Streaming: !g.Batch}}
	return op, r, op.Open(ctx)
}

// describe opens the operator at a place and returns its tables.
func (o *Operator) describe(n names, p place) ([]*Table, error) {
	op, r, err := opened(n.g, o.ID, n.op(p).Spec, o.groups)
	if err != nil || op == nil {
		return nil, err
	}
	var out []*Table
	unsaid := maps.Clone(r.shapes)
	stateful, _ := op.(exec.Stateful)
	var tables []exec.StateTable
	if stateful != nil {
		tables = stateful.StateTables()
	}
	for _, t := range tables {
		shape, ok := r.shapes[t.Store]
		if !ok {
			return nil, fmt.Errorf("it describes a table '%s' that it does not open", t.Store)
		}
		delete(unsaid, t.Store)
		out = append(out, newTable(o, n, p, t, r.forms[t.Store], shape))
	}
	for _, name := range slices.Sorted(maps.Keys(unsaid)) {
		form := r.forms[name]
		out = append(out, newTable(o, n, p, exec.PlainStateTable(form, unsaid[name]), form, unsaid[name]))
	}
	return out, nil
}

// operatorOf makes the operator of a spec, nil if it keeps no tables.
func operatorOf(spec jobgraph.Spec) (exec.Operator, error) {
	switch s := spec.(type) {
	case *jobgraph.Sink, *jobgraph.Collect:
		return nil, nil
	case *jobgraph.LookupJoin:
		return exec.NewLookupJoin(s, unasked{}), nil
	}
	return build.Operator(spec)
}

// unasked stands for the table of a lookup join, which nobody asks.
type unasked struct{}

func (unasked) Open(*exec.Context) error                 { return nil }
func (unasked) Ask(int64, uint64, *vec.Batch) error      { return nil }
func (unasked) Poll(int64) (connect.Answer, bool, error) { return connect.Answer{}, false, nil }
func (unasked) Ready() bool                              { return true }
func (unasked) Close() error                             { return nil }

func newTable(o *Operator, n names, p place, t exec.StateTable, form keyed.Form, shape keyed.Shape) *Table {
	out := &Table{Name: t.Name, Side: t.Side, Sealed: t.Sealed, op: o, state: t, form: form, shape: shape}
	if t.Of >= 0 {
		out.Name += " " + n.column(n.arguments(p), 0, t.Of)
	}
	taken := map[string]bool{}
	for i, c := range t.Columns {
		name := c.Name
		switch c.Kind {
		case exec.StateInput:
			name = n.key(p, c.Input, c.At)
			if t.Of >= 0 && c.At == t.Of {
				name = n.column(n.arguments(p), 0, c.At)
			}
		case exec.StateCall:
			if name = n.callOf(p, c.At); c.Name != "" {
				name += "." + c.Name
			}
		}
		typ := c.Type
		typ.Rowtime, typ.Proctime = false, false
		out.Columns = append(out.Columns, types.Field{Name: unused(name, taken), Type: typ})
		if c.Key {
			out.Key = append(out.Key, i)
		}
	}
	return out
}

// unused makes a name one that no other column has, as the columns of a query get them.
func unused(name string, taken map[string]bool) string {
	out := name
	for k := 0; taken[out]; k++ {
		out = fmt.Sprintf("%s%d", name, k)
	}
	taken[out] = true
	return out
}

// callOf names the result of a call of the operator at a place.
func (n names) callOf(p place, i int) string {
	switch s := n.op(p).Spec.(type) {
	case *jobgraph.GroupAgg:
		return n.result(p, len(s.Keys)+i, s.Aggs[i])
	case *jobgraph.WindowAgg:
		return n.result(p, len(s.Keys)+i, s.Aggs[i])
	case *jobgraph.Over:
		return n.result(p, len(s.Types)+i, s.Calls[i].AggCall)
	}
	return fmt.Sprintf("call%d", i)
}
