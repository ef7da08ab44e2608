package jobgraph_test

import (
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/expr"
	. "github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

func ok() *Graph {
	s := types.Schema{{Name: "a", Type: types.TBigInt}, {Name: "b", Type: types.TString}}
	return &Graph{Parallelism: 2, MaxParallelism: 128, Vertices: []Vertex{
		{Name: "src", Parallelism: 2, Source: &Source{ID: "s", Output: s}, Ops: []Op{
			{ID: "c", Name: "Calc", Spec: &Calc{Filter: expr.Column(0, types.TBigInt)}, Output: s}}},
		{Name: "agg", Parallelism: 2, Ops: []Op{
			{ID: "g", Name: "Agg", Spec: &GroupAgg{Keys: []int{1}, InputTypes: s.Types()}, Output: s[1:]}}},
	}, Edges: []Edge{{From: 0, To: 1, Ship: Hash, Keys: []int{1}}}}
}

// What no task could run is found, and said.
func TestCheck(t *testing.T) {
	for want, spoil := range map[string]func(g *Graph){
		"":                             func(*Graph) {},
		"has parallelism 0":            func(g *Graph) { g.Vertices[0].Parallelism = 0 },
		"two operators have the id c":  func(g *Graph) { g.Vertices[1].Ops[0].ID = "c" },
		"leaves the graph":             func(g *Graph) { g.Edges[0].To = 7 },
		"key 5 of 2 columns":           func(g *Graph) { g.Edges[0].Keys = []int{5} },
		"is hashed by nothing":         func(g *Graph) { g.Edges[0].Keys = nil },
		"forward from 2 subtasks to 1": func(g *Graph) { g.Edges[0].Ship, g.Vertices[1].Parallelism = Forward, 1 },
		"input 0 has no edge":          func(g *Graph) { g.Edges = nil },
		"cannot stand inside a chain":  func(g *Graph) { g.Vertices[0].Ops[0].Spec = &Join{} },
		"column 9 of 2":                func(g *Graph) { g.Vertices[0].Ops[0].Spec.(*Calc).Filter = expr.Column(9, types.TBigInt) },
		"read as STRING":               func(g *Graph) { g.Vertices[0].Ops[0].Spec.(*Calc).Filter = expr.Column(0, types.TString) },
		"1 columns for 2": func(g *Graph) {
			g.Vertices[0].Ops[0].Spec = &Sort{Types: []types.Type{types.TInt, types.TInt}}
			g.Vertices[0].Source.Output = g.Vertices[0].Source.Output[:1]
		},
		"2 columns out, 1 expected": func(g *Graph) { g.Vertices[1].Ops[0].Output = g.Vertices[0].Source.Output },
		"column 0 is BIGINT, expected ": func(g *Graph) {
			g.Vertices[1].Ops[0].Spec.(*GroupAgg).InputTypes = []types.Type{types.TInt, types.TString}
		},
	} {
		g := ok()
		spoil(g)
		err := g.Check()
		if err == nil {
			err = g.CheckTypes()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
