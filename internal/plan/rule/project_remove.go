package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// projectRemove drops a projection that changes neither columns nor their names.
func projectRemove(_ *context, n logical.Node) logical.Node {
	p, ok := n.(*logical.Project)
	if !ok {
		return n
	}
	in := p.Input.Schema()
	if len(in) != len(p.Exprs) {
		return n
	}
	for i, e := range p.Exprs {
		if e.Op != expr.Col || e.Index != i || in[i].Name != p.Out[i].Name || in[i].Type.NotNull != p.Out[i].Type.NotNull ||
			in[i].Type.Rowtime != p.Out[i].Type.Rowtime || in[i].Type.Proctime != p.Out[i].Type.Proctime || !in[i].Type.Equal(p.Out[i].Type) {
			return n
		}
	}
	return p.Input
}
