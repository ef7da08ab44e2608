package ast

// MatchRecognize is input MATCH_RECOGNIZE (…).
type MatchRecognize struct {
	Pos
	Input       TableExpr
	PartitionBy []Expr
	OrderBy     []SortItem
	Measures    []SelectItem // every item has an alias
	AllRows     bool         // ALL ROWS PER MATCH; otherwise ONE ROW PER MATCH
	OneRow      bool         // ONE ROW PER MATCH was written
	AfterMatch  *AfterMatch
	Pattern     Pattern
	StrictStart bool // pattern begins with ^
	StrictEnd   bool // pattern ends with $
	Within      Expr // an interval
	Subsets     []PatternSubset
	Defines     []PatternDefine
	Alias       *Alias
}

// SkipKind says where the search goes on after a match.
type SkipKind uint8

// The skip strategies.
const (
	SkipPastLastRow SkipKind = iota
	SkipToNextRow
	SkipToFirst // of Symbol
	SkipToLast  // of Symbol; also SKIP TO symbol
)

// AfterMatch is AFTER MATCH SKIP ….
type AfterMatch struct {
	Pos
	Skip   SkipKind
	Symbol Name
}

// Pattern is a row pattern: *PatternVar, *PatternSeq, *PatternAlt,
// *PatternRepeat, *PatternExclude, *PatternPermute.
type Pattern interface {
	Node
	pattern()
}

// PatternVar is one pattern variable.
type PatternVar struct {
	Pos
	Name Name
}

// PatternSeq is a b c: two or more patterns one after the other.
type PatternSeq struct {
	Pos
	Items []Pattern
}

// PatternAlt is a | b | c.
type PatternAlt struct {
	Pos
	Items []Pattern
}

// PatternRepeat is a quantified pattern: * is 0..∞, + is 1..∞, ? is 0..1,
// {n} is n..n, {n,m}. Max is -1 for no bound.
type PatternRepeat struct {
	Pos
	Item      Pattern
	Min, Max  int
	Reluctant bool // a ? follows the quantifier
}

// PatternExclude is {- a -}.
type PatternExclude struct {
	Pos
	Item Pattern
}

// PatternPermute is PERMUTE(a, b).
type PatternPermute struct {
	Pos
	Items []Pattern
}

// PatternSubset is SUBSET name = (a, b).
type PatternSubset struct {
	Pos
	Name Name
	Of   []Name
}

// PatternDefine is DEFINE name AS condition.
type PatternDefine struct {
	Pos
	Name Name
	Cond Expr
}

func (*PatternVar) pattern()     {}
func (*PatternSeq) pattern()     {}
func (*PatternAlt) pattern()     {}
func (*PatternRepeat) pattern()  {}
func (*PatternExclude) pattern() {}
func (*PatternPermute) pattern() {}
