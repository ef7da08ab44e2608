package ast

// Query is a whole query expression: [WITH …] body [ORDER BY …] [LIMIT …].
// Where a part of a query has its own ORDER BY, LIMIT or WITH in parentheses,
// a *Query stands as the Body there. Span is its text.
type Query struct {
	Source
	With    *With
	Body    Body
	OrderBy []SortItem
	Offset  Expr
	Limit   Expr // also FETCH FIRST n ROWS ONLY; nil for none and for LIMIT ALL
}

// Body is what a query computes before ordering: *Select, *SetOp, *Values,
// *ExplicitTable, or a *Query in parentheses.
type Body interface {
	Node
	body()
}

// With is the list of common table expressions.
type With struct {
	Pos
	Recursive bool
	Items     []CTE
}

// CTE is one name [(columns)] AS (query).
type CTE struct {
	Pos
	Name    Name
	Columns []Name
	Query   *Query
}

// Select is one SELECT block.
type Select struct {
	Pos
	Hints    []Hint
	Distinct bool
	Items    []SelectItem
	From     TableExpr // nil without FROM; a comma is a Join of kind JoinComma
	Where    Expr
	GroupBy  *GroupBy
	Having   Expr
	Windows  []NamedWindow
	Qualify  Expr
}

// SelectItem is one column of the select list. X may be a *Star.
type SelectItem struct {
	Pos
	X     Expr
	Alias Name // Text "" without an alias
}

// GroupBy is the GROUP BY clause.
type GroupBy struct {
	Pos
	Distinct bool // GROUP BY DISTINCT: equal grouping sets count once
	All      bool // GROUP BY ALL without items
	Items    []GroupItem
}

// GroupKind is the kind of a GroupItem.
type GroupKind uint8

// The kinds of grouping.
const (
	GroupExprs  GroupKind = iota // a, or (a, b); () has no Exprs
	GroupRollup                  // ROLLUP(Sets)
	GroupCube                    // CUBE(Sets)
	GroupSets                    // GROUPING SETS(Sets)
)

// GroupItem is one element of GROUP BY. Exprs is filled for GroupExprs (none
// for the empty set), Sets for the others.
type GroupItem struct {
	Pos
	Kind  GroupKind
	Exprs []Expr
	Sets  []GroupItem
}

// SetKind is the operation of a SetOp.
type SetKind uint8

// The set operations.
const (
	Union SetKind = iota
	Intersect
	Except // also MINUS
)

// SetOp is left UNION [ALL] right, and INTERSECT, EXCEPT.
type SetOp struct {
	Pos
	Kind  SetKind
	All   bool
	Left  Body
	Right Body
}

// Values is VALUES (1, 'a'), (2, 'b'). A row written without parentheses has one element.
type Values struct {
	Pos
	Rows [][]Expr
}

// ExplicitTable is TABLE t as a query.
type ExplicitTable struct {
	Pos
	Name Path
}

func (*Query) body()         {}
func (*Select) body()        {}
func (*SetOp) body()         {}
func (*Values) body()        {}
func (*ExplicitTable) body() {}
func (*Query) statement()    {}
