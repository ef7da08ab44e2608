package logical

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/types"
)

// ConnectTable is a table as its connector sees it, without computed columns,
// and where each of the catalog's columns is in it (-1 for computed ones).
// persisted leaves out the virtual metadata columns, which cannot be written.
func ConnectTable(t *catalog.Table, options map[string]string, persisted bool) (connect.Table, []int) {
	p := t.Path
	out := connect.Table{Name: p.Catalog + "." + p.Database + "." + p.Name, Options: options, Metadata: map[int]string{}}
	at := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		at[i] = -1
		if c.Kind == catalog.Computed || persisted && c.Kind == catalog.Metadata && c.Virtual {
			continue
		}
		at[i] = len(out.Schema)
		if c.Kind == catalog.Metadata {
			key := c.Key
			if key == "" {
				key = c.Name
			}
			out.Metadata[at[i]] = key
		}
		out.Schema = append(out.Schema, types.Field{Name: c.Name, Type: c.Type, Comment: c.Comment})
	}
	for _, c := range t.PrimaryKey {
		if at[c] >= 0 {
			out.PrimaryKey = append(out.PrimaryKey, at[c])
		}
	}
	for _, c := range t.PartitionBy {
		if at[c] >= 0 {
			out.PartitionBy = append(out.PartitionBy, at[c])
		}
	}
	return out, at
}

// SinkTable is a sink's table as its connector sees it.
func SinkTable(n *Sink) connect.Table {
	t, _ := ConnectTable(n.Table, n.Options, true)
	return t
}
