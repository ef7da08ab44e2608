package changelog

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// sourceKinds returns what a table's source emits.
func (p *Plan) sourceKinds(n *logical.Scan) Kinds {
	if p.opts.SourceKinds != nil {
		return p.opts.SourceKinds(n)
	}
	return SourceKinds(n)
}

// SourceKinds asks a table's connector and format what its source emits.
func SourceKinds(n *logical.Scan) Kinds {
	if n.Options["connector"] == "upsert-kafka" {
		return UpsertOnly
	}
	if c := connect.Lookup(n.Options["connector"]); c != nil && c.Kinds != nil && c.Kinds(n.Options) {
		return All
	}
	if f := format.Lookup(n.Options["format"]); f != nil && f.Kinds {
		return All
	}
	if f := format.Lookup(n.Options["value.format"]); f != nil && f.Kinds {
		return All
	}
	return InsertOnly
}

// scan: a source that tells updates without -U, or changes twice, is put right
// by a Normalize on its primary key.
func (p *Plan) scan(n *logical.Scan, info *Info) error {
	kinds := p.sourceKinds(n)
	info.modify = kinds &^ UB
	if kinds.Append() {
		return nil
	}
	keys := scanKeys(n)
	upsert := kinds.Updates() && !kinds.Has(UB)
	if upsert && len(n.Table.PrimaryKey) == 0 {
		return base.Errorf(n.Pos, "Table '%s' produces a changelog stream that contains UPDATE_AFTER but no UPDATE_BEFORE; this requires defining a primary key constraint on the table", n.Table.Path.Name)
	}
	if upsert || p.opts.Duplicates && len(n.Table.PrimaryKey) > 0 {
		if keys == nil {
			return base.Errorf(n.Pos, "the primary key of table '%s' was not read", n.Table.Path.Name)
		}
		info.Normalize = keys[0]
	}
	if p.opts.Batch {
		switch p.reads[n] {
		case asTable:
			info.Fold, info.modify = true, I
		case asTable | asVersions:
			e := base.Errorf(n.Pos, "table '%s' is read as it ends up and in its versions by one batch", n.Table.Path.Name)
			e.Hint = "SET 'table.optimizer.reuse-source-enabled' = 'false', so that it is read twice"
			return e
		}
	}
	return nil
}

// reads is what a batch reads of a table that changes.
type reads uint8

const (
	asTable    reads = 1 << iota // the rows that are there at the end
	asVersions                   // all changes, for a join with the row as of a time
)

// findReads finds out what is read of the tables below a relation.
func (p *Plan) findReads(n logical.Node, r reads) {
	if p.reads[n]&r != 0 {
		return
	}
	p.reads[n] |= r
	switch n := n.(type) {
	case *logical.Project, *logical.Filter:
		p.findReads(n.Inputs()[0], r)
	case *logical.TemporalJoin:
		p.findReads(n.Left, asTable)
		if n.Time.Type.Proctime {
			p.findReads(n.Right, asTable)
		} else {
			p.findReads(n.Right, asVersions)
		}
	default:
		for _, in := range n.Inputs() {
			p.findReads(in, asTable)
		}
	}
}
