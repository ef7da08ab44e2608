package changelog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// sink checks that a table takes what a query tells it, and decides whether a
// Materialize has to put changes in order first.
func (p *Plan) sink(n *logical.Sink, info *Info) error {
	ask := func(n *logical.Sink) (connect.Changes, error) { return SinkTakes(n, p.opts.Batch) }
	if p.opts.SinkTakes != nil {
		ask = p.opts.SinkTakes
	}
	takes, err := ask(n)
	if err != nil {
		return err
	}
	info.Sink.Takes = takes
	in := p.infos[n.Input]
	if p.opts.Batch {
		return nil
	}
	if takes == connect.AppendOnly {
		if in.modify.Append() {
			return nil
		}
		e := base.Errorf(n.Pos, "Table sink '%s' doesn't support consuming %s which is produced by node %s",
			TableName(n), changes(in.modify), explain.Node(producer(n.Input)))
		e.Hint = "use a table that takes changes, or a query that only adds rows (a window, for one)"
		return e
	}
	key := SinkKey(n)
	if len(key) == 0 {
		return nil
	}
	return p.sinkKey(n, info, in, key)
}

// sinkKey compares the sink's primary key with the query's keys. Rows of one key
// of the sink that come from several keys of the query may overtake each other.
func (p *Plan) sinkKey(n *logical.Sink, info *Info, in *Info, key []int) error {
	same := slices.ContainsFunc(in.Upsert, func(k []int) bool { return subset(k, key) })
	switch {
	case info.Sink.Takes != connect.Upsert:
	case p.opts.Materialize == "FORCE":
		info.Sink.Materialize = key
	case same, p.opts.Materialize == "NONE":
	case n.Conflict == "" && p.opts.RequireOnConflict:
		names := func(cols []int) string {
			s := n.Input.Schema()
			var out []string
			for _, c := range cols {
				out = append(out, s[c].Name)
			}
			return strings.Join(out, ", ")
		}
		var upsert []int
		if len(in.Upsert) > 0 {
			upsert = in.Upsert[0]
		}
		var pk []string
		for _, c := range n.Table.PrimaryKey {
			pk = append(pk, n.Table.Columns[c].Name)
		}
		e := base.Errorf(n.Pos, "The query has an upsert key that differs from the primary key of the sink table '%s'. Primary key: [%s], upsert key: %s. This can lead to non-deterministic results",
			TableName(n), strings.Join(pk, ", "), bracket(names(upsert)))
		e.Hint = "say what happens to rows with the same key: INSERT INTO … ON CONFLICT DO DEDUPLICATE (or NOTHING, ERROR), or SET 'table.exec.sink.require-on-conflict' = 'false'"
		return e
	case !in.modify.Append() || n.Conflict == "DEDUPLICATE":
		info.Sink.Materialize = key
	}
	return nil
}

func bracket(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("[%s]", s)
}

// TableName is the full name of a sink's table.
func TableName(n *logical.Sink) string {
	p := n.Table.Path
	return p.Catalog + "." + p.Database + "." + p.Name
}

// SinkKey returns the primary key of a sink's table as columns of its input,
// which are the table's persisted ones.
func SinkKey(n *logical.Sink) []int {
	t := logical.SinkTable(n)
	if len(t.PrimaryKey) < len(n.Table.PrimaryKey) {
		return nil
	}
	return t.PrimaryKey
}

// SinkTakes asks the connector of a sink's table; batch says that the job ends by
// itself.
func SinkTakes(n *logical.Sink, batch bool) (connect.Changes, error) {
	name := n.Options["connector"]
	c := connect.Lookup(name)
	if c == nil {
		e := base.Errorf(n.Pos, "Table '%s': connector '%s' is not known", TableName(n), name)
		if near := connect.Near(name, connect.Names()); near != "" {
			e.Hint = "did you mean '" + near + "'?"
		}
		return 0, e
	}
	if c.Sink == nil {
		return 0, base.Errorf(n.Pos, "Table '%s': connector '%s' can only be used as a source", TableName(n), name)
	}
	s, err := c.Sink(logical.SinkTable(n), connect.Write{Overwrite: n.Overwrite, Static: n.Static, Parallelism: 1, Bounded: batch})
	if err != nil {
		return 0, base.Errorf(n.Pos, "Table '%s': %v", TableName(n), err)
	}
	return s.Accepts(), nil
}
