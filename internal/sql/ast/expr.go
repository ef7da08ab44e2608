package ast

// Expr is a scalar expression, or what may stand where one is expected: an
// argument of a function (NamedArg, TableArg, Descriptor, Symbol, Star, Lambda).
type Expr interface {
	Node
	expr()
}

// Ident is a column, field or alias: a, t.a, cat.db.t.a, t.a.field. Where the
// column ends and row fields begin is for the binder to find.
type Ident struct {
	Pos
	Path Path
}

// Star is * or t.* in a select list.
type Star struct {
	Pos
	Qualifier Path   // empty for *
	Except    []Name // * EXCEPT (a, b), also written EXCLUDE
}

// Param is a dynamic parameter: the Index-th ? of its statement, from 0.
type Param struct {
	Pos
	Index int
}

// Symbol is a keyword used as an argument: a time unit, BOTH, LEADING.
type Symbol struct {
	Pos
	Text string // upper case; units in singular
}

// Default is the word DEFAULT as an argument or in a VALUES row.
type Default struct {
	Pos
}

// UnaryOp is the operator of a Unary.
type UnaryOp uint8

// The unary operators.
const (
	OpNot UnaryOp = iota
	OpNeg
	OpPos
)

// Unary is NOT x, -x, +x. A minus before a number stays a Unary: the Literal has no sign.
type Unary struct {
	Pos
	Op UnaryOp
	X  Expr
}

// BinaryOp is the operator of a Binary.
type BinaryOp uint8

// The binary operators.
const (
	OpOr BinaryOp = iota
	OpAnd
	OpEq
	OpNe // <> and !=
	OpLt
	OpLe
	OpGt
	OpGe
	OpAdd
	OpSub
	OpMul
	OpDiv
	OpMod                  // %
	OpConcat               // ||
	OpOverlaps             // both sides a Row of two
	OpContains             // period CONTAINS
	OpPeriodEquals         // period EQUALS
	OpPrecedes             // period PRECEDES
	OpSucceeds             // period SUCCEEDS
	OpImmediatelyPrecedes  // period IMMEDIATELY PRECEDES
	OpImmediatelySucceeds  // period IMMEDIATELY SUCCEEDS
	OpMemberOf             // x MEMBER OF multiset
	OpSubmultisetOf        // a SUBMULTISET OF b
	OpMultisetUnion        // a MULTISET UNION DISTINCT b
	OpMultisetUnionAll     // a MULTISET UNION [ALL] b
	OpMultisetIntersect    // a MULTISET INTERSECT DISTINCT b
	OpMultisetIntersectAll // a MULTISET INTERSECT [ALL] b
	OpMultisetExcept       // a MULTISET EXCEPT DISTINCT b
	OpMultisetExceptAll    // a MULTISET EXCEPT [ALL] b
	OpIsDistinctFrom       // x IS DISTINCT FROM y
	OpIsNotDistinctFrom    // x IS NOT DISTINCT FROM y
)

var binaryText = [...]string{
	"OR", "AND", "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||",
	"OVERLAPS", "CONTAINS", "EQUALS", "PRECEDES", "SUCCEEDS",
	"IMMEDIATELY PRECEDES", "IMMEDIATELY SUCCEEDS", "MEMBER OF", "SUBMULTISET OF",
	"MULTISET UNION DISTINCT", "MULTISET UNION ALL",
	"MULTISET INTERSECT DISTINCT", "MULTISET INTERSECT ALL",
	"MULTISET EXCEPT DISTINCT", "MULTISET EXCEPT ALL",
	"IS DISTINCT FROM", "IS NOT DISTINCT FROM",
}

// String returns the operator as it is written in SQL.
func (op BinaryOp) String() string { return binaryText[op] }

// Binary is x op y.
type Binary struct {
	Pos
	Op   BinaryOp
	L, R Expr
}

// Between is x [NOT] BETWEEN [SYMMETRIC] low AND high.
type Between struct {
	Pos
	X         Expr
	Not       bool
	Symmetric bool
	Low, High Expr
}

// In is x [NOT] IN (list) or x [NOT] IN (query): one of List and Query is set.
type In struct {
	Pos
	X     Expr
	Not   bool
	List  []Expr
	Query *Query
}

// Exists is EXISTS (query). NOT EXISTS is a Unary over it.
type Exists struct {
	Pos
	Query *Query
}

// Quantifier is the word of a Quantified comparison.
type Quantifier uint8

// The quantifiers. SOME reads as Any.
const (
	Any Quantifier = iota
	All
)

// Quantified is x op ANY (query or list), x op ALL (…). Op is a comparison.
type Quantified struct {
	Pos
	X          Expr
	Op         BinaryOp
	Quantifier Quantifier
	List       []Expr
	Query      *Query
}

// LikeKind is the pattern language of a Like.
type LikeKind uint8

// The pattern languages.
const (
	LikeLike    LikeKind = iota // LIKE
	LikeSimilar                 // SIMILAR TO
	LikeILike                   // ILIKE
	LikeRLike                   // RLIKE
)

// Like is x [NOT] LIKE pattern [ESCAPE escape], and the same with SIMILAR TO.
type Like struct {
	Pos
	X       Expr
	Not     bool
	Kind    LikeKind
	Pattern Expr
	Escape  Expr // nil when not written
}

// IsKind is what an Is asks for.
type IsKind uint8

// The tests of IS.
const (
	IsNull IsKind = iota
	IsTrue
	IsFalse
	IsUnknown
	IsJSON       // IS JSON, the same as IS JSON VALUE
	IsJSONObject // IS JSON OBJECT
	IsJSONArray  // IS JSON ARRAY
	IsJSONScalar // IS JSON SCALAR
	IsASet       // IS A SET
	IsEmpty      // IS EMPTY
)

// Is is x IS [NOT] NULL, TRUE, FALSE, UNKNOWN, JSON …. IS DISTINCT FROM is a Binary.
type Is struct {
	Pos
	X    Expr
	Not  bool
	Kind IsKind
}

// When is one WHEN cond THEN result.
type When struct {
	Pos
	Cond Expr
	Then Expr
}

// Case is CASE [operand] WHEN … THEN … [ELSE …] END. Operand is nil in the
// searched form. WHEN a, b THEN c of the simple form has a Row as its Cond.
type Case struct {
	Pos
	Operand Expr
	Whens   []When
	Else    Expr
}

// Cast is CAST(x AS type), or TRY_CAST.
type Cast struct {
	Pos
	Try  bool
	X    Expr
	Type *TypeName
}

// Index is x[i]: an array element, a map's value, a variant's member.
type Index struct {
	Pos
	X     Expr
	Index Expr
}

// Field is x.name where x is no plain path: f(a).b, (a).b, a[1].b. A path
// a.b.c is one Ident. Star says that all fields are meant: (x).*.
type Field struct {
	Pos
	X    Expr
	Name Name
	Star bool
}

// Array is ARRAY[a, b] or ARRAY(query).
type Array struct {
	Pos
	Elems []Expr
	Query *Query
}

// Map is MAP[k, v, k, v] or MAP(query). KeysAndValues alternates.
type Map struct {
	Pos
	KeysAndValues []Expr
	Query         *Query
}

// Multiset is MULTISET[a, b] or MULTISET(query).
type Multiset struct {
	Pos
	Elems []Expr
	Query *Query
}

// Row is ROW(a, b), or (a, b) when Explicit is false.
type Row struct {
	Pos
	Explicit bool
	Elems    []Expr
}

// Subquery is a query used as a value.
type Subquery struct {
	Pos
	Query *Query
}

// AtTimeZone is x AT TIME ZONE zone, or x AT LOCAL when Zone is nil.
type AtTimeZone struct {
	Pos
	X    Expr
	Zone Expr
}

// Lambda is x -> body or (x, y) -> body, an argument of a function.
type Lambda struct {
	Pos
	Params []Name
	Body   Expr
}

// NamedArg is name => value in a call.
type NamedArg struct {
	Pos
	Name  Name
	Value Expr
}

// TableArg is a table given to a function: TABLE t, TABLE (query), TABLE f(…),
// each with the partitioning and order of a set-semantic argument; also
// (query) PARTITION BY …. One of Name, Query and Call is set. A bare (query)
// as an argument is a Subquery: only the function knows whether it is a table
// or a value.
type TableArg struct {
	Pos
	Name        Path
	Query       *Query
	Call        *Call // TABLE f(…)
	PartitionBy []Expr
	OrderBy     []SortItem
}

// ModelArg is MODEL m, a model given to a function.
type ModelArg struct {
	Pos
	Name Path
}

// Descriptor is DESCRIPTOR(a, b): names of columns as an argument.
type Descriptor struct {
	Pos
	Columns []Name
}

func (*Ident) expr()      {}
func (*Star) expr()       {}
func (*Param) expr()      {}
func (*Symbol) expr()     {}
func (*Default) expr()    {}
func (*Literal) expr()    {}
func (*Interval) expr()   {}
func (*Unary) expr()      {}
func (*Binary) expr()     {}
func (*Between) expr()    {}
func (*In) expr()         {}
func (*Exists) expr()     {}
func (*Quantified) expr() {}
func (*Like) expr()       {}
func (*Is) expr()         {}
func (*Case) expr()       {}
func (*Cast) expr()       {}
func (*Call) expr()       {}
func (*Index) expr()      {}
func (*Field) expr()      {}
func (*Array) expr()      {}
func (*Map) expr()        {}
func (*Multiset) expr()   {}
func (*Row) expr()        {}
func (*Subquery) expr()   {}
func (*AtTimeZone) expr() {}
func (*Lambda) expr()     {}
func (*NamedArg) expr()   {}
func (*TableArg) expr()   {}
func (*Descriptor) expr() {}
func (*ModelArg) expr()   {}
