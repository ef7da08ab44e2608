package jobgraph

import "fmt"

// Check reports what is wrong with a graph's shape: edges to nowhere, chains that
// a task cannot run, keys and inputs out of range, ids that are not unique.
func (g *Graph) Check() error {
	ids := map[string]bool{}
	inputs := make([]map[int]bool, len(g.Vertices))
	for i, v := range g.Vertices {
		inputs[i] = map[int]bool{}
		if v.Parallelism < 1 || v.Parallelism > g.MaxParallelism {
			return fmt.Errorf("vertex %d (%s) has parallelism %d of at most %d", i, v.Name, v.Parallelism, g.MaxParallelism)
		}
		if v.Source == nil && len(v.Ops) == 0 {
			return fmt.Errorf("vertex %d is empty", i)
		}
		if v.Source != nil {
			if ids[v.Source.ID] {
				return fmt.Errorf("vertex %d (%s): two operators have the id %s", i, v.Name, v.Source.ID)
			}
			ids[v.Source.ID] = true
		}
		for _, op := range v.Ops {
			if op.Spec == nil || op.ID == "" {
				return fmt.Errorf("vertex %d (%s): %s has no spec or no id", i, v.Name, op.Name)
			}
			if ids[op.ID] {
				return fmt.Errorf("vertex %d (%s): two operators have the id %s", i, v.Name, op.ID)
			}
			ids[op.ID] = true
		}
	}
	for _, e := range g.Edges {
		if err := g.checkEdge(e); err != nil {
			return err
		}
		inputs[e.To][e.Input] = true
	}
	for i, v := range g.Vertices {
		if err := checkInputs(v, inputs[i]); err != nil {
			return fmt.Errorf("vertex %d (%s): %w", i, v.Name, err)
		}
	}
	return nil
}

func (g *Graph) checkEdge(e Edge) error {
	if e.From < 0 || e.To < 0 || e.From >= len(g.Vertices) || e.To >= len(g.Vertices) {
		return fmt.Errorf("edge %d → %d leaves the graph", e.From, e.To)
	}
	from, to := g.Vertices[e.From], g.Vertices[e.To]
	out := from.Output()
	for _, k := range e.Keys {
		if k < 0 || k >= out {
			return fmt.Errorf("edge %d → %d: key %d of %d columns", e.From, e.To, k, out)
		}
	}
	switch {
	case e.Ship == Hash && len(e.Keys) == 0:
		return fmt.Errorf("edge %d → %d is hashed by nothing", e.From, e.To)
	case e.Ship == Forward && from.Parallelism != to.Parallelism:
		return fmt.Errorf("edge %d → %d is forward from %d subtasks to %d", e.From, e.To, from.Parallelism, to.Parallelism)
	}
	return nil
}

// Output is the number of columns that a vertex emits.
func (v *Vertex) Output() int {
	if len(v.Ops) > 0 {
		return len(v.Ops[len(v.Ops)-1].Output)
	}
	return len(v.Source.Output)
}

func checkInputs(v Vertex, have map[int]bool) error {
	want := 0
	if v.Source == nil {
		want = Inputs(v.Ops[0].Spec)
	}
	for i := range want {
		if !have[i] {
			return fmt.Errorf("input %d has no edge", i)
		}
	}
	if len(have) > want {
		return fmt.Errorf("%d inputs for %d", len(have), want)
	}
	for i, op := range v.Ops {
		if (i > 0 || v.Source != nil) && Inputs(op.Spec) != 1 {
			return fmt.Errorf("%s cannot stand inside a chain", op.Name)
		}
	}
	return nil
}

// Inputs is the number of inputs that an operator has.
func Inputs(s Spec) int {
	switch s := s.(type) {
	case *Values:
		return 0
	case *MultiJoin:
		return len(s.Inputs)
	case *Join, *HashJoin, *IntervalJoin, *WindowJoin, *TemporalJoin, *CurrentJoin:
		return 2
	}
	return 1
}
