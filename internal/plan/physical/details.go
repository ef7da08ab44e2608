package physical

import (
	"github.com/millrace-io/millrace/internal/plan/cost"
	"github.com/millrace-io/millrace/internal/plan/explain"
)

// Details fills in what EXPLAIN shows of the stages of a plan: upsert keys with the
// changes, and estimates of what operators emit.
func (c *Compiled) Details(d explain.Details, costs bool) explain.Details {
	if d.Changes {
		d.Keys = c.keys
	}
	if costs {
		d.Cost = func(id string) (rows, width float64, ok bool) {
			n := c.Nodes[id]
			if n == nil {
				return 0, 0, false
			}
			s := cost.Of(n)
			return s.Rows, s.Width, true
		}
	}
	return d
}

// keys are the upsert keys of what an operator or source emits.
func (c *Compiled) keys(id string) [][]string {
	n := c.Nodes[id]
	if n == nil || len(n.Inputs()) > 0 && len(n.Schema()) == 0 {
		return nil
	}
	schema := n.Schema()
	var out [][]string
	for _, key := range c.Changes.Info(n).Upsert {
		var names []string
		for _, k := range key {
			if k >= len(schema) {
				return nil
			}
			names = append(names, schema[k].Name)
		}
		out = append(out, names)
	}
	return out
}
