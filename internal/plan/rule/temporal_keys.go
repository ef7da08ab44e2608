package rule

import "github.com/millrace-io/millrace/internal/plan/logical"

// temporalKeys computes what a temporal join's condition compares for equality below
// the join, as joinKeys does: MOD(a.x, 10) = t.key.
func temporalKeys(c *context, n logical.Node) logical.Node {
	t, ok := n.(*logical.TemporalJoin)
	if !ok || t.Cond == nil {
		return n
	}
	as := &logical.Join{Left: t.Left, Right: t.Right, JoinKind: t.JoinKind, Cond: t.Cond, Out: t.Out}
	p, ok := joinKeys(c, as).(*logical.Project)
	if !ok {
		return n
	}
	j := p.Input.(*logical.Join)
	out := *t
	out.Left, out.Right, out.Cond, out.Out = j.Left, j.Right, j.Cond, j.Out
	narrowed := *p
	narrowed.Input = &out
	return &narrowed
}
