// Package catalog keeps databases, tables and views by name.
package catalog

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A Path is the full name of an object.
type Path struct{ Catalog, Database, Name string }

// ColumnKind is where a column's values come from.
type ColumnKind uint8

// The kinds of column.
const (
	Physical ColumnKind = iota
	Computed
	Metadata
)

// A Column of a table.
type Column struct {
	Name    string
	Type    types.Type // rowtime and proctime attributes included
	Kind    ColumnKind
	Expr    ast.Expr // Computed
	Key     string   // Metadata: the connector's key
	Virtual bool     // Metadata: read only
	Comment string
}

// A Table is CREATE TABLE, checked.
type Table struct {
	Path        Path
	Columns     []Column
	Watermark   *Watermark
	PrimaryKey  []int // positions in Columns
	PartitionBy []int
	Options     map[string]string
	Comment     string
	Temporary   bool
	Pos         base.Pos
}

// A Watermark is WATERMARK FOR column AS expr.
type Watermark struct {
	Column int
	Expr   ast.Expr
}

// A View is a named query.
type View struct {
	Path      Path
	Columns   []string // "" or nil: as the query names them
	Query     ast.Query
	Text      string // the query's source
	Schema    types.Schema
	Comment   string
	Temporary bool
}
