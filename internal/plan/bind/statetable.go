package bind

import (
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// state('path', 'operator' [, 'table']) is a table of the connector of that name: what an
// operator had in a checkpoint, with the columns that are found there.
const (
	stateFunction  = "STATE"
	stateConnector = "state"
)

// stateOptions are the options that the arguments stand for, in order.
var stateOptions = []string{"path", "operator", "table"}

func (f *fromBinder) state(t *ast.TableFunc) (*scope, error) {
	table, err := f.b.stateTable(t.Call)
	if err != nil {
		return nil, err
	}
	n, err := f.b.scan(table, t.Call, nil)
	if err != nil {
		return nil, err
	}
	return f.b.aliased(n, &relation{name: stateConnector}, t.Alias)
}

// stateTable makes the table of a call.
func (b *Binder) stateTable(c *ast.Call) (*catalog.Table, error) {
	if len(c.Args) < 2 || len(c.Args) > len(stateOptions) {
		return nil, hinted(errAt(c, "%s takes the path of a checkpoint, an operator and perhaps one of its tables, not %d arguments", c.Name, len(c.Args)),
			"millrace state ls PATH shows what there is")
	}
	out := &catalog.Table{Options: map[string]string{"connector": stateConnector}, Pos: posOf(c)}
	var args []string
	for i, a := range c.Args {
		x := exprBinder{b: b}
		v, err := x.constant(a, "argument "+stateOptions[i]+" of "+c.Name.String())
		if err != nil {
			return nil, err
		}
		text, ok := v.Value.(string)
		if !ok || v.Type.Kind != types.Char && v.Type.Kind != types.Varchar {
			return nil, errAt(a, "argument %s of %s is a text", stateOptions[i], c.Name)
		}
		out.Options[stateOptions[i]] = text
		args = append(args, "'"+text+"'")
	}
	var err error
	if out.Path, err = b.cat.Path(stateConnector + "(" + strings.Join(args, ", ") + ")"); err != nil {
		return nil, err
	}
	return out, b.foundColumns(out, connect.Lookup(stateConnector), c)
}
