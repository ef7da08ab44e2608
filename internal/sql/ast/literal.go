package ast

// LiteralKind is the kind of a Literal.
type LiteralKind uint8

// The kinds of literals.
const (
	LitNull         LiteralKind = iota
	LitBool                     // Text is TRUE or FALSE
	LitUnknown                  // the word UNKNOWN: a BOOLEAN null
	LitInt                      // 12; Text as written
	LitDecimal                  // 1.5, .5; Text as written
	LitApprox                   // 1e3; Text as written
	LitString                   // Text is the content, quotes undoubled, escapes resolved
	LitBinary                   // X'0aFF'; Text is the hex digits, upper case
	LitDate                     // DATE '…'; Text is the content
	LitTime                     // TIME '…'
	LitTimestamp                // TIMESTAMP '…'
	LitTimestampLTZ             // TIMESTAMP WITH LOCAL TIME ZONE '…'
)

// Literal is a constant. Numbers keep their text, so that the binder decides
// on precision; a sign is a Unary around the literal.
type Literal struct {
	Pos
	Kind LiteralKind
	Text string
}

// TimeUnit is a unit of an interval or of EXTRACT, FLOOR, TIMESTAMPADD.
type TimeUnit string

// The units of intervals. EXTRACT and its like know more (DOW, EPOCH …); those are Symbols.
const (
	Year        TimeUnit = "YEAR"
	Quarter     TimeUnit = "QUARTER"
	Month       TimeUnit = "MONTH"
	Week        TimeUnit = "WEEK"
	Day         TimeUnit = "DAY"
	Hour        TimeUnit = "HOUR"
	Minute      TimeUnit = "MINUTE"
	Second      TimeUnit = "SECOND"
	Millisecond TimeUnit = "MILLISECOND"
	Microsecond TimeUnit = "MICROSECOND"
	Nanosecond  TimeUnit = "NANOSECOND"
)

// IntervalRange is the qualifier of an interval: DAY(3) TO SECOND(6).
// Precisions are -1 when not written.
type IntervalRange struct {
	Pos
	From           TimeUnit
	FromPrecision  int      // leading precision
	To             TimeUnit // "" for a single unit
	FractPrecision int      // of seconds: SECOND(p, f), TO SECOND(f)
}

// Interval is INTERVAL [-] '3 04:05' DAY TO MINUTE. X is set instead of Text
// for INTERVAL expr DAY; a number without quotes is such an expression.
type Interval struct {
	Pos
	Negative bool
	Text     string
	X        Expr
	Range    IntervalRange
}
