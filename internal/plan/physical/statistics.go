package physical

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// statistics returns what asks connectors about tables: each once a plan, however often
// it is read.
func statistics(zone string) func(*logical.Scan) *connect.Statistics {
	type asked struct {
		table *catalog.Table
		path  string // hints may have changed it
	}
	known := map[asked]*connect.Statistics{}
	return func(n *logical.Scan) *connect.Statistics {
		c := connect.Lookup(n.Options["connector"])
		if c == nil || c.Statistics == nil {
			return nil
		}
		key := asked{n.Table, n.Options["path"]}
		if s, ok := known[key]; ok {
			return s
		}
		known[key] = ask(c, n, zone)
		return known[key]
	}
}

// ask returns the statistics by the positions in Table.Columns. When a table cannot be
// looked at, the statement says so when it reads it.
func ask(c *connect.Connector, n *logical.Scan, zone string) *connect.Statistics {
	table, at := logical.ConnectTable(n.Table, n.Options, false)
	scan := connect.Scan{Limit: -1, Bounded: true, Zone: zone}
	for _, to := range at {
		if to >= 0 {
			scan.Columns = append(scan.Columns, to)
		}
	}
	found, err := c.Statistics(table, scan)
	if err != nil || found == nil {
		return nil
	}
	out := &connect.Statistics{Rows: found.Rows, Columns: make([]connect.ColumnStatistics, len(at))}
	for i, to := range at {
		if to >= 0 && to < len(found.Columns) {
			out.Columns[i] = found.Columns[to]
		}
	}
	return out
}
