package ast

// TableExpr is an element of FROM: *TableRef, *Derived, *TableFunc, *Unnest,
// *Join, *MatchRecognize, *Pivot, *Unpivot.
type TableExpr interface {
	Node
	tableExpr()
}

// Alias is AS name [(columns)].
type Alias struct {
	Pos
	Name    Name
	Columns []Name
}

// Sample is TABLESAMPLE BERNOULLI|SYSTEM (percent) [REPEATABLE (seed)].
type Sample struct {
	Pos
	Method     string // BERNOULLI, SYSTEM
	Percent    Expr
	Repeatable Expr
}

// TableRef is a table or view by name, at a time when AsOf is set.
type TableRef struct {
	Pos
	Name   Path
	Hints  []Hint // t /*+ OPTIONS(…) */
	AsOf   Expr   // FOR SYSTEM_TIME AS OF expr
	Alias  *Alias
	Sample *Sample
}

// Derived is [LATERAL] (query) AS t.
type Derived struct {
	Pos
	Lateral bool
	Query   *Query
	Alias   *Alias
	Sample  *Sample
}

// TableFunc is [LATERAL] TABLE(f(…)), or f(…) alone when Bare.
type TableFunc struct {
	Pos
	Lateral bool
	Bare    bool
	Call    *Call
	Alias   *Alias
}

// Unnest is UNNEST(x, …) [WITH ORDINALITY].
type Unnest struct {
	Pos
	Lateral    bool
	Args       []Expr
	Ordinality bool
	Alias      *Alias
}

// JoinKind is the kind of a Join.
type JoinKind uint8

// The kinds of joins.
const (
	JoinInner JoinKind = iota
	JoinLeft
	JoinRight
	JoinFull
	JoinCross
	JoinComma // FROM a, b: a cross join that binds weaker
	JoinLeftSemi
	JoinLeftAnti
	JoinAsof
	JoinLeftAsof
)

// Join is left JOIN right with ON, USING or neither.
type Join struct {
	Pos
	Kind    JoinKind
	Natural bool
	Left    TableExpr
	Right   TableExpr
	On      Expr
	Using   []Name
	Match   Expr // MATCH_CONDITION of an ASOF join
}

// Pivot is input PIVOT (aggregates FOR columns IN (values)).
type Pivot struct {
	Pos
	Input  TableExpr
	Aggs   []SelectItem
	For    []Name
	Values []PivotValue
	Alias  *Alias
}

// PivotValue is one (a, b) AS alias of a pivot's IN; Exprs has as many elements as For.
type PivotValue struct {
	Pos
	Exprs []Expr
	Alias Name
}

// Unpivot is input UNPIVOT [INCLUDE NULLS] (values FOR names IN (columns)).
type Unpivot struct {
	Pos
	Input        TableExpr
	IncludeNulls bool
	ExcludeNulls bool // written, though it is the default
	Values       []Name
	For          []Name
	In           []UnpivotItem
	Alias        *Alias
}

// UnpivotItem is one (columns) AS (literals) of an unpivot's IN.
type UnpivotItem struct {
	Pos
	Columns []Name
	As      []Expr
}

func (*TableRef) tableExpr()       {}
func (*Derived) tableExpr()        {}
func (*TableFunc) tableExpr()      {}
func (*Unnest) tableExpr()         {}
func (*Join) tableExpr()           {}
func (*MatchRecognize) tableExpr() {}
func (*Pivot) tableExpr()          {}
func (*Unpivot) tableExpr()        {}
