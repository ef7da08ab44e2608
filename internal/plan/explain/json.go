package explain

import (
	"bytes"
	"encoding/json"

	"github.com/millrace-io/millrace/internal/jobgraph"
)

// jsonNode is an operator of JSON_EXECUTION_PLAN, in Flink's words.
type jsonNode struct {
	ID           int        `json:"id"`
	Type         string     `json:"type"`
	Pact         string     `json:"pact"` // Data Source, Operator or Data Sink
	Contents     string     `json:"contents"`
	Parallelism  int        `json:"parallelism"`
	StateID      string     `json:"state_id,omitempty"` // Millrace's own: names the state in checkpoints
	Predecessors []jsonEdge `json:"predecessors,omitempty"`
}

type jsonEdge struct {
	ID   int    `json:"id"`
	Ship string `json:"ship_strategy"`
	Side string `json:"side"`
}

// JSON writes the operators of a graph and how they are connected as Flink's
// JSON_EXECUTION_PLAN does.
func JSON(g *jobgraph.Graph) string {
	var nodes []jsonNode
	last := make([]int, len(g.Vertices)) // the last operator of each vertex
	first := make([]int, len(g.Vertices))
	add := func(v, par int, n jsonNode) {
		n.ID, n.Parallelism = len(nodes)+1, par
		if last[v] > 0 {
			n.Predecessors = []jsonEdge{{last[v], "FORWARD", "second"}}
		} else {
			first[v] = n.ID
		}
		last[v] = n.ID
		nodes = append(nodes, n)
	}
	for i, v := range g.Vertices {
		if v.Source != nil {
			add(i, v.Parallelism, jsonNode{Type: "Source: " + v.Source.Table.Name, Pact: "Data Source", Contents: Source(v.Source), StateID: v.Source.ID})
		}
		for _, op := range v.Ops {
			n := jsonNode{Type: op.Spec.Kind(), Pact: "Operator", Contents: op.Name, StateID: op.ID}
			switch op.Spec.(type) {
			case *jobgraph.Sink, *jobgraph.Collect:
				n.Pact = "Data Sink"
			case *jobgraph.Values:
				n.Pact = "Data Source"
			}
			add(i, v.Parallelism, n)
		}
	}
	ships := map[jobgraph.Ship]string{jobgraph.Forward: "FORWARD", jobgraph.Hash: "HASH", jobgraph.Rebalance: "REBALANCE", jobgraph.Broadcast: "BROADCAST", jobgraph.Gather: "GLOBAL"}
	for _, e := range g.Edges {
		n := &nodes[first[e.To]-1]
		side := "second"
		if e.Input == 0 && jobgraph.Inputs(g.Vertices[e.To].Ops[0].Spec) > 1 {
			side = "first"
		}
		n.Predecessors = append(n.Predecessors, jsonEdge{last[e.From], ships[e.Ship], side})
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(map[string]any{"nodes": nodes}); err != nil {
		return err.Error() // strings and numbers: it cannot be
	}
	return out.String()
}
