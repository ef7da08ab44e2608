package sim

import (
	"math/rand/v2"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// looker is a table that is asked by key: it has each key once, and answers after a
// while, in any order.
type looker struct {
	rnd  *rand.Rand
	open []connect.Answer
}

func (l *looker) Ask(id uint64, keys *vec.Batch) error {
	a := connect.Answer{ID: id, Rows: &vec.Batch{Cols: keys.Cols, Rows: keys.Rows}, Last: true}
	for r := range keys.Rows {
		a.Of = append(a.Of, int32(r))
	}
	l.open = append(l.open, a)
	return nil
}

func (l *looker) Poll() (connect.Answer, bool, error) {
	if len(l.open) == 0 || l.rnd.IntN(3) > 0 {
		return connect.Answer{}, false, nil
	}
	at := l.rnd.IntN(len(l.open))
	a := l.open[at]
	l.open = append(l.open[:at], l.open[at+1:]...)
	return a, true, nil
}

func (l *looker) Close() error { return nil }

// lookup joins the rows with their keys in such a table, and drops what that adds.
func (p *classic) lookup() []jobgraph.Op {
	key := input[:1]
	spec := &jobgraph.LookupJoin{LeftKeys: []int{0}, RightKeys: []int{0}, LeftTypes: input.Types(), RightTypes: key.Types(),
		Source: &jobgraph.Source{Table: connect.Table{Name: "far", Schema: key}, Scan: connect.Scan{Columns: []int{0}}, Output: key},
		Lookup: connect.KeyScan{Keys: []int{0}, Columns: []int{0}}, Ordered: p.late || p.inOrder, Capacity: 5}
	calc := &jobgraph.Calc{}
	for i := range input {
		calc.Project = append(calc.Project, col(i))
	}
	return []jobgraph.Op{{ID: "lookup", Spec: spec, Output: append(input[:3:3], key...)}, {ID: "narrow", Spec: calc, Output: input}}
}
