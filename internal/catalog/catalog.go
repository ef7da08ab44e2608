// Package catalog keeps databases, tables, views and functions by name.
package catalog

import (
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A Path is the full name of an object.
type Path struct{ Catalog, Database, Name string }

// String returns catalog.database.name, for messages.
func (p Path) String() string { return p.Catalog + "." + p.Database + "." + p.Name }

// Quoted returns the path as SQL, each part in back-ticks.
func (p Path) Quoted() string {
	return quote(p.Catalog) + "." + quote(p.Database) + "." + quote(p.Name)
}

func quote(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

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
	Name string
	Type types.Type // rowtime and proctime attributes included
	Kind ColumnKind
	Expr ast.Expr // Computed: as written
	// Value is Expr, typed, over positions in Table.Columns. It reads physical
	// and metadata columns only: other computed columns are written out.
	Value   *expr.Expr
	Key     string // Metadata: the connector's key
	Virtual bool   // Metadata: read only
	Comment string
}

// A Table is CREATE TABLE, checked.
type Table struct {
	Path        Path
	Columns     []Column
	Watermark   *Watermark
	PrimaryKey  []int // positions in Columns
	KeyName     string
	PartitionBy []int
	// Distribution is kept for those who read it in the catalog; no connector of
	// Millrace has buckets.
	Distribution *Distribution
	Options      map[string]string
	Comment      string
	Temporary    bool
	Stats        *Stats // nil: never analysed
	Pos          base.Pos
}

// A Distribution is DISTRIBUTED BY.
type Distribution struct {
	Kind    string // HASH, RANGE or ""
	Columns []int  // positions in Table.Columns
	Buckets int    // 0: not said
}

// Stats are what ANALYZE TABLE has found. A field that was not computed is nil.
type Stats struct {
	Rows    *int64                  `json:"rows,omitempty"`
	Columns map[string]*ColumnStats `json:"columns,omitempty"`
	// Partitions has those of single partitions, by their folder's name
	// (k=v/k=v).
	Partitions map[string]*Stats `json:"partitions,omitempty"`
}

// ColumnStats describe a column's values.
type ColumnStats struct {
	Distinct *int64   `json:"distinct,omitempty"`
	Nulls    *int64   `json:"nulls,omitempty"`
	Min      string   `json:"min,omitempty"` // as SQL casts it to a string
	Max      string   `json:"max,omitempty"`
	AvgLen   *float64 `json:"avg_len,omitempty"` // bytes
	MaxLen   *int64   `json:"max_len,omitempty"`
}

// A Watermark is WATERMARK FOR column AS expr.
type Watermark struct {
	Column int
	Expr   ast.Expr
	// Value is Expr, typed, over positions in Table.Columns, computed columns
	// included. nil for SOURCE_WATERMARK().
	Value *expr.Expr
}

// Schema returns all columns with their time attributes, in order.
func (t *Table) Schema() types.Schema {
	out := make(types.Schema, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = types.Field{Name: c.Name, Type: c.Type, Comment: c.Comment}
	}
	return out
}

// Persisted returns the positions of the columns that an INSERT writes: the
// physical ones and the metadata columns that are not VIRTUAL.
func (t *Table) Persisted() []int {
	var out []int
	for i, c := range t.Columns {
		if c.Kind == Physical || c.Kind == Metadata && !c.Virtual {
			out = append(out, i)
		}
	}
	return out
}

// Column returns the position of the column of that name, or -1.
func (t *Table) Column(name string) int {
	for i, c := range t.Columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// ColumnNames returns the names of all columns.
func (t *Table) ColumnNames() []string { return t.Schema().Names() }

// A View is a named query.
type View struct {
	Path      Path
	Columns   []string    // nil: as the query names them
	Query     *ast.Query  // its names of tables and functions are full paths
	Names     []*ast.Path // those names
	Schema    types.Schema
	Comment   string
	Temporary bool
	// Catalog and Database are what was current when the view was made: names
	// in its query are found from there.
	Catalog, Database string
	Pos               base.Pos
}

// A Function is CREATE FUNCTION. A function with a SQL body is written out
// where it is called; another one is a name for something registered elsewhere.
type Function struct {
	Path      Path
	Params    []types.Field
	Returns   types.Type
	Body      ast.Expr // nil without a SQL body
	Class     string
	Language  string
	Temporary bool
	System    bool // a temporary system function: found by its name alone
	Pos       base.Pos
}

// An Object is a *Table, a *View or a *Function.
type Object interface {
	ObjectPath() Path
	// ObjectKind is TABLE, VIEW or FUNCTION.
	ObjectKind() ast.Object
	temporary() bool
}

// ObjectPath implements Object.
func (t *Table) ObjectPath() Path { return t.Path }

// ObjectKind implements Object.
func (t *Table) ObjectKind() ast.Object { return ast.ObjTable }
func (t *Table) temporary() bool        { return t.Temporary }

// ObjectPath implements Object.
func (v *View) ObjectPath() Path { return v.Path }

// ObjectKind implements Object.
func (v *View) ObjectKind() ast.Object { return ast.ObjView }
func (v *View) temporary() bool        { return v.Temporary }

// ObjectPath implements Object.
func (f *Function) ObjectPath() Path { return f.Path }

// ObjectKind implements Object.
func (f *Function) ObjectKind() ast.Object { return ast.ObjFunction }
func (f *Function) temporary() bool        { return f.Temporary }
