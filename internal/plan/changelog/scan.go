package changelog

import (
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
	return nil
}
