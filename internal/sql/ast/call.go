package ast

// NullTreatment is IGNORE NULLS or RESPECT NULLS.
type NullTreatment uint8

// The null treatments.
const (
	NullsUnset NullTreatment = iota
	IgnoreNulls
	RespectNulls
)

// Call is a call of a function, scalar, aggregate or table-valued.
//
// Special syntax is normalised to the name in upper case and plain arguments:
//
//	EXTRACT(u FROM x)                EXTRACT(Symbol u, x)
//	FLOOR(x TO u), CEIL(x TO u)      FLOOR(x, Symbol u); CEILING becomes CEIL only here
//	TIMESTAMPADD(u, n, t)            TIMESTAMPADD(Symbol u, n, t); TIMESTAMPDIFF alike
//	POSITION(a IN b [FROM n])        POSITION(a, b [, n])
//	SUBSTRING(s FROM a [FOR n])      SUBSTRING(s, a [, n])
//	OVERLAY(a PLACING b FROM i [FOR n])  OVERLAY(a, b, i [, n])
//	TRIM([BOTH|LEADING|TRAILING] [c] FROM s), TRIM(s)
//	                                 TRIM(Symbol BOTH, c, s); always three, c is
//	                                 the literal ' ' when it was not written
//	CURRENT_DATE, LOCALTIME, …       NoParens
//	JSON_OBJECT(KEY k VALUE v, …)    arguments alternate keys and values
//	JSON_OBJECTAGG(KEY k VALUE v)    JSON_OBJECTAGG(k, v)
//	JSON_VALUE(x, p …clauses)        the clauses are in JSON
//
// Other names keep their case; functions are found without regard to it.
type Call struct {
	Pos
	Name        Path
	NoParens    bool // CURRENT_DATE and its like, written without ()
	Distinct    bool
	Star        bool // COUNT(*)
	Args        []Expr
	OrderBy     []SortItem // inside the parentheses: ARRAY_AGG(x ORDER BY y)
	JSON        *JSONClauses
	WithinGroup []SortItem // WITHIN GROUP (ORDER BY …)
	Filter      Expr       // FILTER (WHERE …)
	Nulls       NullTreatment
	Over        *WindowSpec
	Running     Semantics // RUNNING or FINAL before a call in MATCH_RECOGNIZE
}

// Semantics is RUNNING or FINAL in MATCH_RECOGNIZE.
type Semantics uint8

// The semantics of a measure.
const (
	SemanticsUnset Semantics = iota
	Running
	Final
)

// JSONBehaviorKind is what a JSON function gives on empty or on error.
type JSONBehaviorKind uint8

// The behaviours.
const (
	JSONNull JSONBehaviorKind = iota
	JSONError
	JSONDefault // DEFAULT expr
	JSONEmptyArray
	JSONEmptyObject
	JSONTrue    // of JSON_EXISTS
	JSONFalse   // of JSON_EXISTS
	JSONUnknown // of JSON_EXISTS
)

// JSONBehavior is … ON EMPTY or … ON ERROR.
type JSONBehavior struct {
	Pos
	Kind    JSONBehaviorKind
	Default Expr // with JSONDefault
}

// JSONWrapper is the wrapper clause of JSON_QUERY.
type JSONWrapper uint8

// The wrappers.
const (
	JSONWrapperUnset JSONWrapper = iota
	JSONWithoutWrapper
	JSONWithWrapper // WITH [UNCONDITIONAL] [ARRAY] WRAPPER
	JSONWithConditionalWrapper
)

// JSONNullClause is NULL ON NULL or ABSENT ON NULL.
type JSONNullClause uint8

// The null clauses.
const (
	JSONNullUnset JSONNullClause = iota
	JSONNullOnNull
	JSONAbsentOnNull
)

// JSONQuotes is KEEP QUOTES or OMIT QUOTES of JSON_QUERY.
type JSONQuotes uint8

// The quote clauses.
const (
	JSONQuotesUnset JSONQuotes = iota
	JSONKeepQuotes
	JSONOmitQuotes
)

// JSONClauses are the clauses of the JSON functions; nil in a Call without any.
type JSONClauses struct {
	Returning *TypeName
	Wrapper   JSONWrapper
	Quotes    JSONQuotes
	OnEmpty   *JSONBehavior
	OnError   *JSONBehavior
	OnNull    JSONNullClause
}
