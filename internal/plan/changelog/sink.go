package changelog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
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
	key := SinkKey(n)
	if n.Conflict != "" {
		if err := p.conflict(n, takes, key); err != nil {
			return err
		}
	}
	if p.opts.Batch {
		if one(n) && !keyWithin(in.Keys, key) {
			info.Sink.Conflict = key
		}
		return nil
	}
	if takes == connect.AppendOnly {
		if in.modify.Append() {
			return nil
		}
		e := base.Errorf(n.Pos, "table '%s' only takes new rows, but %s", n.Table.Path.Name, p.changer(n.Input))
		e.Hint = "use a table that takes changes, a query that only adds rows (over a window, for one), or batch mode"
		return e
	}
	if takes != connect.Upsert || len(key) == 0 {
		return nil
	}
	return p.sinkKey(n, info, in, key)
}

// one reports whether the statement lets only one row of each key through.
func one(n *logical.Sink) bool { return n.Conflict == "ERROR" || n.Conflict == "NOTHING" }

// keyWithin reports whether one of the keys lies within key.
func keyWithin(keys [][]int, key []int) bool {
	return slices.ContainsFunc(keys, func(k []int) bool { return subset(k, key) })
}

// conflict refuses ON CONFLICT where it would have no effect.
func (p *Plan) conflict(n *logical.Sink, takes connect.Changes, key []int) error {
	if takes != connect.Upsert || len(key) == 0 {
		why := "it has no primary key"
		switch {
		case takes == connect.AppendOnly:
			why = "it only takes INSERT (append-only) changes"
		case takes == connect.AllChanges:
			why = "it takes UPDATE_BEFORE, and tells rows apart by all their columns"
		}
		return base.Errorf(n.Pos, "ON CONFLICT is only allowed for tables that are written by primary key; '%s' is not, because %s", TableName(n), why)
	}
	if !one(n) {
		return nil
	}
	if p.opts.Materialize == "NONE" {
		e := base.Errorf(n.Pos, "ON CONFLICT DO %s has no effect while 'table.exec.sink.upsert-materialize' is 'NONE'", n.Conflict)
		e.Hint = "RESET 'table.exec.sink.upsert-materialize', or leave the clause out"
		return e
	}
	if p.opts.Batch {
		return nil
	}
	if without := withoutWatermark(n.Input, map[logical.Node]bool{}); len(without) > 0 {
		e := base.Errorf(n.Pos, "ON CONFLICT DO %s requires all source tables to have a watermark, these do not: %s", n.Conflict, strings.Join(without, ", "))
		e.Hint = "declare WATERMARK FOR a time column AS … in them, or use ON CONFLICT DO DEDUPLICATE"
		return e
	}
	return nil
}

// withoutWatermark names the tables below a relation that have no watermark: what
// waits for it would wait to the end.
func withoutWatermark(n logical.Node, seen map[logical.Node]bool) []string {
	if seen[n] {
		return nil
	}
	seen[n] = true
	if s, ok := n.(*logical.Scan); ok && s.Table.Watermark == nil {
		return []string{s.Table.Path.Catalog + "." + s.Table.Path.Database + "." + s.Table.Path.Name}
	}
	var out []string
	for _, in := range n.Inputs() {
		out = append(out, withoutWatermark(in, seen)...)
	}
	return out
}

// sinkKey compares the sink's primary key with the query's keys. Rows of one key
// of the sink that come from several keys of the query may overtake each other.
func (p *Plan) sinkKey(n *logical.Sink, info *Info, in *Info, key []int) error {
	same := keyWithin(in.Upsert, key)
	switch {
	case p.opts.Materialize == "FORCE":
		p.arrange(n, info, key)
	case same:
		// An update of a row may move it to another key of the sink, if that has
		// more columns than the query's: the old one has to go.
		info.Sink.Before = in.modify.Updates() && !slices.ContainsFunc(in.Upsert, func(k []int) bool { return subset(k, key) && subset(key, k) })
	case p.opts.Materialize == "NONE":
	case n.Conflict == "" && p.opts.RequireOnConflict:
		return keysDiffer(n, in, key)
	case !in.modify.Append() || one(n):
		p.arrange(n, info, key)
	}
	return nil
}

// arrange puts a Conflict or a Materialize before the sink.
func (p *Plan) arrange(n *logical.Sink, info *Info, key []int) {
	if one(n) {
		info.Sink.Conflict = key
	} else {
		info.Sink.Materialize = key
	}
}

// keysDiffer is the error of a statement that has to say what happens to rows of
// one key of the sink.
func keysDiffer(n *logical.Sink, in *Info, key []int) error {
	s := n.Input.Schema()
	var upsert, pk []string
	if len(in.Upsert) > 0 {
		for _, c := range in.Upsert[0] {
			upsert = append(upsert, s[c].Name)
		}
	}
	for _, c := range n.Table.PrimaryKey {
		pk = append(pk, n.Table.Columns[c].Name)
	}
	e := base.Errorf(n.Pos, "The query has an upsert key that differs from the primary key of the sink table '%s'. Primary key: [%s], upsert key: %s. This can lead to non-deterministic results",
		TableName(n), strings.Join(pk, ", "), bracket(strings.Join(upsert, ", ")))
	e.Hint = "say what happens to rows with the same key: INSERT INTO … ON CONFLICT DO DEDUPLICATE (or NOTHING, ERROR), or SET 'table.exec.sink.require-on-conflict' = 'false'"
	return e
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
		return 0, base.Errorf(n.Pos, "%v", err)
	}
	return s.Accepts(), nil
}
