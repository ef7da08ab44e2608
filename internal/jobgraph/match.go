package jobgraph

import (
	"strconv"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
)

// Match finds row patterns (MATCH_RECOGNIZE) in the rows of each partition, in
// order, and emits a row for each match: the partition's columns, then Measures.
//
// With Time >= 0 rows are handled when the watermark passes them, and late rows
// are dropped and counted; with -1 they are handled by processing time, as they
// come. A batch gets only the last watermark.
//
// A pattern is variables one after the other, each with a quantifier. What a match
// is, is Flink's automaton, which is not that of regular expressions: see exec.
//
// Conditions and measures see the columns of one row, which is the row being
// tested or the last one of the match, then a column for each of Refs.
type Match struct {
	Partition []int
	Order     []SortKey
	Time      int // the rowtime column, the first of Order; -1: processing time
	Vars      []MatchVar
	Skip      MatchSkip
	SkipVar   int   // of SkipToFirst and SkipToLast
	Within    int64 `json:",omitempty"` // microseconds; a match is shorter; 0: of any length
	Refs      []MatchRef
	Measures  []*expr.Expr
	Types     []types.Type
}

// A MatchVar is a variable of a pattern and how many rows it takes.
type MatchVar struct {
	Name      string
	Min, Max  int        // Max is -1 for no bound
	Reluctant bool       `json:",omitempty"`
	Cond      *expr.Expr `json:",omitempty"` // nil is TRUE
}

// Optional reports whether v may take no row.
func (v MatchVar) Optional() bool { return v.Min == 0 }

// Greedy reports whether Flink makes v greedy: a row that it can take then goes to
// no other variable. A variable that may come once, and a fixed number, are not.
func (v MatchVar) Greedy() bool { return !v.Reluctant && v.Min != v.Max && (v.Min != 0 || v.Max != 1) }

// String writes the variable as a pattern does: A, A+, A{2,4}?.
func (v MatchVar) String() string {
	s := v.Name
	switch {
	case v.Min == 1 && v.Max == 1:
		return s
	case v.Min == 0 && v.Max < 0:
		s += "*"
	case v.Min == 1 && v.Max < 0:
		s += "+"
	case v.Min == 0 && v.Max == 1:
		s += "?"
	case v.Max < 0:
		s += "{" + strconv.Itoa(v.Min) + ",}"
	case v.Min == v.Max:
		s += "{" + strconv.Itoa(v.Min) + "}"
	default:
		s += "{" + strconv.Itoa(v.Min) + "," + strconv.Itoa(v.Max) + "}"
	}
	if v.Reluctant {
		s += "?"
	}
	return s
}

// MatchSkip says where the search goes on after a match.
type MatchSkip uint8

// The strategies.
const (
	SkipPastLastRow MatchSkip = iota
	SkipToNextRow
	SkipToFirst // row of SkipVar
	SkipToLast
)

// MatchRefKind is what a MatchRef reads.
type MatchRefKind uint8

// The kinds. In a condition the rows of the variable that is tested end with the
// row being tested, and so do the rows of all variables together.
const (
	MatchLast  MatchRefKind = iota // column Col of the Offset'th row of Var from the end; NULL if there is none
	MatchFirst                     // … from the beginning
	MatchAgg                       // Call over the rows of Var
	MatchTime                      // MATCH_ROWTIME(): when the match became known
)

// AllVars as the Var of a MatchRef is the rows of all variables.
const AllVars = -1

// A MatchRef is a value that the rows of a match give.
type MatchRef struct {
	RefKind MatchRefKind
	Var     int        // in Match.Vars, or AllVars
	Col     int        `json:",omitempty"`
	Offset  int        `json:",omitempty"`
	Call    *AggCall   `json:",omitempty"`
	Type    types.Type // of the value
}

// Kind implements Spec.
func (*Match) Kind() string { return "Match" }

// PatternText writes a pattern: A B+ C.
func PatternText(vars []MatchVar) string {
	s := ""
	for i, v := range vars {
		if i > 0 {
			s += " "
		}
		s += v.String()
	}
	return s
}

// SkipText writes a strategy: TO LAST C.
func SkipText(skip MatchSkip, at int, vars []MatchVar) string {
	switch skip {
	case SkipPastLastRow:
		return "PAST LAST ROW"
	case SkipToNextRow:
		return "TO NEXT ROW"
	case SkipToFirst:
		return "TO FIRST " + vars[at].Name
	}
	return "TO LAST " + vars[at].Name
}

// MatchNames writes what the references read: LAST(A.price, 1), AVG(B.price).
func MatchNames(refs []MatchRef, vars []MatchVar, in []string) []string {
	col := func(v, c int) string {
		if v == AllVars {
			return in[c]
		}
		return vars[v].Name + "." + in[c]
	}
	out := make([]string, len(refs))
	for i, r := range refs {
		switch r.RefKind {
		case MatchTime:
			out[i] = "MATCH_ROWTIME()"
		case MatchAgg:
			args := ""
			for k, a := range r.Call.Args {
				if k > 0 {
					args += ", "
				}
				args += col(r.Var, a)
			}
			switch {
			case len(r.Call.Args) > 0:
			case r.Var == AllVars:
				args = "*"
			default:
				args = vars[r.Var].Name + ".*"
			}
			out[i] = r.Call.Func + "(" + args + ")"
		default:
			out[i] = [...]string{"LAST", "FIRST"}[r.RefKind] + "(" + col(r.Var, r.Col) + ", " + strconv.Itoa(r.Offset) + ")"
		}
	}
	return out
}
