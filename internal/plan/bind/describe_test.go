package bind

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// described shows a table's definition in the place of a tree.
type described struct{ t *catalog.Table }

func (d *described) Schema() types.Schema             { return d.t.Schema() }
func (d *described) Inputs() []logical.Node           { return nil }
func (d *described) With([]logical.Node) logical.Node { return d }
func (d *described) String() string {
	var sb strings.Builder
	t := d.t
	names := t.ColumnNames()
	fmt.Fprintf(&sb, "Table(%s)", t.Path)
	for _, c := range t.Columns {
		fmt.Fprintf(&sb, "\n  %s %s", c.Name, c.Type)
		if c.Type.Rowtime {
			sb.WriteString(" *ROWTIME*")
		}
		if c.Type.Proctime {
			sb.WriteString(" *PROCTIME*")
		}
		if c.Value != nil {
			sb.WriteString(" AS " + expr.String(c.Value, names))
		}
		if c.Kind == catalog.Metadata {
			fmt.Fprintf(&sb, " METADATA %q", c.Key)
		}
	}
	if w := t.Watermark; w != nil && w.Value != nil {
		sb.WriteString("\n  watermark " + names[w.Column] + " AS " + expr.String(w.Value, names))
	}
	for _, k := range t.PrimaryKey {
		sb.WriteString("\n  key " + names[k])
	}
	for _, k := range t.PartitionBy {
		sb.WriteString("\n  partition " + names[k])
	}
	for _, k := range sortedKeys(t.Options) {
		sb.WriteString("\n  " + k + "=" + t.Options[k])
	}
	return sb.String()
}
