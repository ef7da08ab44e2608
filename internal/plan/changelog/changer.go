package changelog

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// changer says in a user's words what makes a relation change rows that it has
// given, and where that stands: the lowest node whose own input only adds rows.
func (p *Plan) changer(n logical.Node) string {
	for _, in := range n.Inputs() {
		if !p.infos[in].modify.Append() {
			return p.changer(in)
		}
	}
	what := p.infos[n].modify.words()
	switch n := n.(type) {
	case *logical.Scan:
		return fmt.Sprintf("rows of table '%s' are %s", n.Table.Path.Name, what)
	case *logical.Aggregate:
		return placed(groups(n), n.Pos) + " has its results " + what
	case *logical.Join:
		return placed(joins(n.JoinKind), n.Pos) + " has rows " + what
	case *logical.Rank:
		return placed("the choice of rows by their number", n.Pos) + " has rows " + what
	case *logical.Over:
		return placed("OVER", n.Pos) + " has its results " + what
	case *logical.Sort:
		return placed("LIMIT", n.Pos) + " has rows " + what
	}
	return "its query has rows " + what
}

// words say what happens to rows that were given.
func (k Kinds) words() string {
	switch {
	case k.Has(UA | D):
		return "updated and deleted"
	case k.Has(D):
		return "deleted"
	}
	return "updated"
}

func placed(what string, pos base.Pos) string {
	if pos == (base.Pos{}) {
		return what
	}
	return fmt.Sprintf("%s at %d:%d", what, pos.Line, pos.Col)
}

// groups names a grouping.
func groups(n *logical.Aggregate) string {
	var keys []string
	for _, k := range n.Keys {
		if name := n.Input.Schema()[k].Name; !strings.Contains(name, "$") {
			keys = append(keys, name)
		}
	}
	switch {
	case n.Emit != nil:
		return "a window that tells results early or again"
	case len(n.Keys) == 0:
		return "an aggregate without GROUP BY"
	case len(n.Aggs) == 0:
		return "DISTINCT"
	case len(keys) < len(n.Keys):
		return "GROUP BY"
	}
	return "GROUP BY " + strings.Join(keys, ", ")
}

// joins names a join that takes rows back: an inner join does not.
func joins(k jobgraph.JoinKind) string {
	switch k {
	case jobgraph.Left:
		return "LEFT JOIN"
	case jobgraph.Right:
		return "RIGHT JOIN"
	case jobgraph.Full:
		return "FULL JOIN"
	case jobgraph.Anti:
		return "NOT EXISTS or NOT IN"
	}
	return "EXISTS or IN"
}
