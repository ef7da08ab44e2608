package ast

// ConflictAction is ON CONFLICT DO ….
type ConflictAction uint8

// The conflict actions.
const (
	ConflictUnset ConflictAction = iota
	ConflictNothing
	ConflictError
	ConflictDeduplicate
)

// Insert is INSERT INTO or INSERT OVERWRITE.
type Insert struct {
	Source
	Overwrite  bool
	Table      Path
	Args       []Expr // of a table function in place of the table: state('path', 'operator')
	Hints      []Hint
	Partition  []PartitionValue
	Columns    []Path
	Query      *Query
	OnConflict ConflictAction
	Late       Path // EMIT LATE INTO: the table of rows that come too late; empty without
}

// Assignment is column = value of an UPDATE.
type Assignment struct {
	Pos
	Column Path
	Value  Expr
}

// Update is UPDATE t SET … [WHERE …].
type Update struct {
	Source
	Table Path
	Hints []Hint
	Alias Name
	Set   []Assignment
	Where Expr
}

// Delete is DELETE FROM t [WHERE …].
type Delete struct {
	Source
	Table Path
	Hints []Hint
	Alias Name
	Where Expr
}

// Truncate is TRUNCATE TABLE t.
type Truncate struct {
	Source
	Table Path
}

// Analyze is ANALYZE TABLE t [PARTITION (…)] COMPUTE STATISTICS [FOR COLUMNS a, b | FOR ALL COLUMNS].
type Analyze struct {
	Source
	Table      Path
	Partition  []PartitionValue
	Columns    []Name
	AllColumns bool
}

// StatementSet is a set of inserts that run as one job:
//
//	[EXECUTE] STATEMENT SET BEGIN insert; insert; END
//	BEGIN STATEMENT SET; insert; insert; END          (Interactive)
//
// Without EXECUTE it stands only inside of Explain, CompilePlan and Execute.
type StatementSet struct {
	Source
	Interactive bool
	Inserts     []*Insert
}

// Execute is EXECUTE insert or EXECUTE query, the same as the statement
// alone. EXECUTE STATEMENT SET is a StatementSet without it.
type Execute struct {
	Source
	Statement Statement
}

// CompilePlan is COMPILE PLAN 'path' [IF NOT EXISTS] FOR statement, and with
// AndExecute COMPILE AND EXECUTE PLAN 'path' FOR statement.
type CompilePlan struct {
	Source
	AndExecute  bool
	Path        string
	IfNotExists bool
	Statement   Statement // an *Insert or a *StatementSet
}

// ExecutePlan is EXECUTE PLAN 'path'.
type ExecutePlan struct {
	Source
	Path string
}

// CallProcedure is CALL p(…).
type CallProcedure struct {
	Source
	Call *Call
}

func (*Insert) statement()        {}
func (*Update) statement()        {}
func (*Delete) statement()        {}
func (*Truncate) statement()      {}
func (*Analyze) statement()       {}
func (*StatementSet) statement()  {}
func (*Execute) statement()       {}
func (*CompilePlan) statement()   {}
func (*ExecutePlan) statement()   {}
func (*CallProcedure) statement() {}
