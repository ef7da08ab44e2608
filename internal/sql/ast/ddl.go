package ast

// Object is a kind of catalog object that CREATE, ALTER, DROP, SHOW CREATE
// and DESCRIBE speak of.
type Object uint8

// The kinds of objects.
const (
	ObjTable Object = iota
	ObjView
	ObjMaterializedTable
	ObjFunction
	ObjCatalog
	ObjDatabase
	ObjModel
	ObjConnection
	ObjJob // of DESCRIBE and SHOW only
)

var objectText = [...]string{
	"TABLE", "VIEW", "MATERIALIZED TABLE", "FUNCTION", "CATALOG", "DATABASE",
	"MODEL", "CONNECTION", "JOB",
}

// String returns the kind as it is written in SQL.
func (o Object) String() string { return objectText[o] }

// ColumnKind is the kind of a Column.
type ColumnKind uint8

// The kinds of columns.
const (
	ColPhysical ColumnKind = iota // name type
	ColComputed                   // name AS expr
	ColMetadata                   // name type METADATA [FROM 'key'] [VIRTUAL]
	ColName                       // a name alone, in CREATE TABLE t (a, b) AS query
)

// Column is a column's definition.
type Column struct {
	Pos
	// Name has one part, except in ALTER TABLE MODIFY of a nested field.
	Name        Path
	Kind        ColumnKind
	Type        *TypeName   // nil for ColComputed and ColName
	Expr        Expr        // of ColComputed
	MetadataKey *string     // METADATA FROM 'key'
	Virtual     bool        // METADATA … VIRTUAL
	Constraint  *Constraint // of the column itself; Columns is empty
	Comment     *string
	First       bool // in ALTER TABLE: FIRST
	After       Path // in ALTER TABLE: AFTER other
}

// Watermark is WATERMARK FOR column AS expr. Column may be a path into a row.
type Watermark struct {
	Pos
	Column Path
	Expr   Expr
}

// Enforcement is ENFORCED or NOT ENFORCED.
type Enforcement uint8

// The enforcements.
const (
	EnforcedUnset Enforcement = iota
	Enforced
	NotEnforced
)

// Constraint is [CONSTRAINT name] PRIMARY KEY (columns) [NOT ENFORCED], or UNIQUE.
type Constraint struct {
	Pos
	Name     Name
	Unique   bool // UNIQUE; otherwise PRIMARY KEY
	Columns  []Name
	Enforced Enforcement
}

// Schema is what stands in the parentheses of CREATE TABLE and ALTER TABLE ADD.
type Schema struct {
	Columns     []Column
	Watermarks  []Watermark // more than one is for the binder to refuse
	Constraints []Constraint
}

// Distribution is DISTRIBUTED BY [HASH|RANGE] (columns) INTO n BUCKETS.
type Distribution struct {
	Pos
	Kind    string // HASH, RANGE or ""
	Columns []Name // empty for DISTRIBUTED INTO n BUCKETS
	Buckets int    // 0 when not written
}

// LikeMode is how a LIKE option merges.
type LikeMode uint8

// The merge modes.
const (
	Including LikeMode = iota
	Excluding
	Overwriting
)

// LikeOption is INCLUDING OPTIONS and its like.
type LikeOption struct {
	Pos
	Mode LikeMode
	What string // ALL CONSTRAINTS DISTRIBUTION PARTITIONS GENERATED OPTIONS WATERMARKS METADATA
}

// TableLike is LIKE table (options).
type TableLike struct {
	Pos
	Table   Path
	Options []LikeOption
}

// CreateTable is CREATE TABLE with its schema, LIKE another table, or AS query.
// [CREATE OR] REPLACE TABLE … AS has OrReplace; Replace says that CREATE OR was left out.
type CreateTable struct {
	Source
	OrReplace   bool
	Replace     bool
	Temporary   bool
	IfNotExists bool
	Name        Path
	Schema      Schema
	Comment     *string
	Distributed *Distribution
	PartitionBy []Name
	Options     []Option
	Like        *TableLike
	As          *Query
}

// CreateMaterializedTable is CREATE [OR ALTER] MATERIALIZED TABLE … AS query.
type CreateMaterializedTable struct {
	Source
	OrAlter     bool
	OrReplace   bool
	IfNotExists bool
	Name        Path
	Schema      Schema
	Comment     *string
	Distributed *Distribution
	PartitionBy []Name
	Options     []Option
	Freshness   Expr       // an interval
	RefreshMode string     // CONTINUOUS, FULL or ""
	StartMode   *StartMode // nil when not written
	As          *Query
}

// StartMode is START_MODE = mode[(arg)]: FROM_BEGINNING, FROM_NOW(INTERVAL …), FROM_TIMESTAMP(TIMESTAMP …) ….
type StartMode struct {
	Pos
	Mode string
	Arg  Expr
}

// ViewColumn is one name of a view's column list.
type ViewColumn struct {
	Pos
	Name    Name
	Comment *string
}

// CreateView is CREATE VIEW. The text of its query is As.Span.
type CreateView struct {
	Source
	OrReplace   bool
	Temporary   bool
	IfNotExists bool
	Name        Path
	Columns     []ViewColumn
	Comment     *string
	As          *Query
}

// Resource is USING JAR 'path'.
type Resource struct {
	Pos
	Kind string // JAR, FILE, ARCHIVE, ARTIFACT
	Path string
}

// FuncParam is a parameter of a function with a SQL body.
type FuncParam struct {
	Pos
	Name Name
	Type *TypeName
}

// CreateFunction is CREATE FUNCTION f AS 'class', or with a SQL body (an
// extension): CREATE FUNCTION f(x INT) RETURNS INT RETURN expr.
type CreateFunction struct {
	Source
	OrReplace   bool
	Temporary   bool
	System      bool
	IfNotExists bool
	Name        Path
	Class       string
	Language    string // upper case, "" when not written
	Using       []Resource
	Options     []Option
	Params      []FuncParam
	Returns     *TypeName // set exactly when the body is SQL
	Body        Expr
}

// CreateCatalog is CREATE CATALOG.
type CreateCatalog struct {
	Source
	IfNotExists bool
	Name        Name
	Comment     *string
	Options     []Option
}

// CreateDatabase is CREATE DATABASE.
type CreateDatabase struct {
	Source
	IfNotExists bool
	Name        Path
	Comment     *string
	Options     []Option
}

// CreateModel is CREATE MODEL.
type CreateModel struct {
	Source
	Temporary   bool
	IfNotExists bool
	Name        Path
	Input       []Column
	Output      []Column
	Comment     *string
	Options     []Option
	As          *Query
}

// CreateConnection is CREATE CONNECTION.
type CreateConnection struct {
	Source
	Temporary   bool
	System      bool
	IfNotExists bool
	Name        Path
	Comment     *string
	Options     []Option
}

// DropBehavior is CASCADE or RESTRICT.
type DropBehavior uint8

// The behaviours of DROP DATABASE.
const (
	DropUnset DropBehavior = iota
	Cascade
	Restrict
)

// Drop is DROP of any kind of object.
type Drop struct {
	Source
	Object    Object
	Temporary bool
	System    bool
	IfExists  bool
	Name      Path
	Behavior  DropBehavior
}

func (*CreateTable) statement()             {}
func (*CreateMaterializedTable) statement() {}
func (*CreateView) statement()              {}
func (*CreateFunction) statement()          {}
func (*CreateCatalog) statement()           {}
func (*CreateDatabase) statement()          {}
func (*CreateModel) statement()             {}
func (*CreateConnection) statement()        {}
func (*Drop) statement()                    {}
