package logical

import "github.com/millrace-io/millrace/types"

// The nodes' Schema, Inputs and With, in the order of logical.go.

func (n *Scan) Schema() types.Schema   { return n.Out }
func (n *Scan) Inputs() []Node         { return nil }
func (n *Scan) With([]Node) Node       { c := *n; return &c }
func (n *Values) Schema() types.Schema { return n.Out }
func (n *Values) Inputs() []Node       { return nil }
func (n *Values) With([]Node) Node     { c := *n; return &c }

func (n *Filter) Schema() types.Schema { return n.Input.Schema() }
func (n *Filter) Inputs() []Node       { return []Node{n.Input} }
func (n *Filter) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *Project) Schema() types.Schema { return n.Out }
func (n *Project) Inputs() []Node       { return []Node{n.Input} }
func (n *Project) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *Join) Schema() types.Schema { return n.Out }
func (n *Join) Inputs() []Node       { return []Node{n.Left, n.Right} }
func (n *Join) With(in []Node) Node  { c := *n; c.Left, c.Right = in[0], in[1]; return &c }

func (n *TemporalJoin) Schema() types.Schema { return n.Out }
func (n *TemporalJoin) Inputs() []Node       { return []Node{n.Left, n.Right} }
func (n *TemporalJoin) With(in []Node) Node  { c := *n; c.Left, c.Right = in[0], in[1]; return &c }

func (n *Aggregate) Schema() types.Schema { return n.Out }
func (n *Aggregate) Inputs() []Node       { return []Node{n.Input} }
func (n *Aggregate) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *WindowTVF) Schema() types.Schema { return n.Out }
func (n *WindowTVF) Inputs() []Node       { return []Node{n.Input} }
func (n *WindowTVF) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *Correlate) Schema() types.Schema { return n.Out }
func (n *Correlate) Inputs() []Node       { return []Node{n.Input} }
func (n *Correlate) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *Over) Schema() types.Schema { return n.Out }
func (n *Over) Inputs() []Node       { return []Node{n.Input} }
func (n *Over) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *Match) Schema() types.Schema { return n.Out }
func (n *Match) Inputs() []Node       { return []Node{n.Input} }
func (n *Match) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *Sort) Schema() types.Schema { return n.Input.Schema() }
func (n *Sort) Inputs() []Node       { return []Node{n.Input} }
func (n *Sort) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *SetOp) Schema() types.Schema { return n.Out }
func (n *SetOp) Inputs() []Node       { return n.In }
func (n *SetOp) With(in []Node) Node  { c := *n; c.In = in; return &c }

func (n *Rank) Schema() types.Schema { return n.Out }
func (n *Rank) Inputs() []Node       { return []Node{n.Input} }
func (n *Rank) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *Sink) Schema() types.Schema { return n.Input.Schema() }
func (n *Sink) Inputs() []Node       { return []Node{n.Input} }
func (n *Sink) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }

func (n *Collect) Schema() types.Schema { return n.Input.Schema() }
func (n *Collect) Inputs() []Node       { return []Node{n.Input} }
func (n *Collect) With(in []Node) Node  { c := *n; c.Input = in[0]; return &c }
