package ast

// ShowKind is what a Show lists.
type ShowKind uint8

// The kinds of SHOW.
const (
	ShowCatalogs ShowKind = iota
	ShowDatabases
	ShowTables
	ShowViews
	ShowMaterializedTables
	ShowFunctions
	ShowUserFunctions
	ShowProcedures
	ShowModels
	ShowConnections
	ShowColumns    // FROM In
	ShowPartitions // Of In, with Partition
	ShowModules
	ShowFullModules
	ShowJars
	ShowJobs
	ShowCurrentCatalog
	ShowCurrentDatabase
)

var showText = [...]string{
	"CATALOGS", "DATABASES", "TABLES", "VIEWS", "MATERIALIZED TABLES", "FUNCTIONS",
	"USER FUNCTIONS", "PROCEDURES", "MODELS", "CONNECTIONS", "COLUMNS", "PARTITIONS",
	"MODULES", "FULL MODULES", "JARS", "JOBS", "CURRENT CATALOG", "CURRENT DATABASE",
}

// String returns the words after SHOW.
func (k ShowKind) String() string { return showText[k] }

// ShowLike is [NOT] LIKE 'pattern' or ILIKE.
type ShowLike struct {
	Pos
	Not     bool
	ILike   bool
	Pattern string
}

// Show is SHOW of everything but SHOW CREATE.
type Show struct {
	Source
	Kind      ShowKind
	In        Path // FROM or IN: catalog, database, or the table of COLUMNS and PARTITIONS
	Like      *ShowLike
	Partition []PartitionValue
}

// ShowCreate is SHOW CREATE TABLE t and its like.
type ShowCreate struct {
	Source
	Object Object
	Name   Path
}

// Describe is DESCRIBE [kind] [EXTENDED] name. A plain DESCRIBE t has ObjTable
// and may name a view. ID is set for DESCRIBE JOB 'id'.
type Describe struct {
	Source
	Object   Object
	Extended bool
	Name     Path
	ID       string
}

// Use is USE CATALOG name (ObjCatalog) or USE database (ObjDatabase).
type Use struct {
	Source
	Object Object
	Name   Path
}

// UseModules is USE MODULES a, b.
type UseModules struct {
	Source
	Names []Name
}

// LoadModule is LOAD MODULE name [WITH (…)].
type LoadModule struct {
	Source
	Name    Name
	Options []Option
}

// UnloadModule is UNLOAD MODULE name.
type UnloadModule struct {
	Source
	Name Name
}

// Explain is EXPLAIN [details | PLAN FOR] statement. ANALYZE (an extension)
// runs the statement and shows counters.
type Explain struct {
	Source
	Analyze   bool
	PlanFor   bool     // PLAN FOR was written
	Details   []string // ESTIMATED_COST CHANGELOG_MODE JSON_EXECUTION_PLAN PLAN_ADVICE
	Statement Statement
}

// Set is SET 'key' = 'value', SET key = value, or SET alone (All).
type Set struct {
	Source
	All   bool
	Key   string
	Value string
}

// Reset is RESET 'key', RESET key, or RESET alone (All).
type Reset struct {
	Source
	All bool
	Key string
}

// Jar is ADD JAR 'path' or REMOVE JAR 'path'.
type Jar struct {
	Source
	Remove bool
	Path   string
}

// StopJob is STOP JOB 'id' [WITH SAVEPOINT] [WITH DRAIN].
type StopJob struct {
	Source
	ID        string
	Savepoint bool
	Drain     bool
}

// ClientKind is the kind of a Client command.
type ClientKind uint8

// The commands of the SQL client. EXIT reads as ClientQuit.
const (
	ClientQuit ClientKind = iota
	ClientClear
	ClientHelp
	ClientSource // SOURCE 'file'
)

// Client is a command that the shell carries out itself.
type Client struct {
	Source
	Kind ClientKind
	Arg  string // the file of SOURCE
}

func (*Show) statement()         {}
func (*ShowCreate) statement()   {}
func (*Describe) statement()     {}
func (*Use) statement()          {}
func (*UseModules) statement()   {}
func (*LoadModule) statement()   {}
func (*UnloadModule) statement() {}
func (*Explain) statement()      {}
func (*Set) statement()          {}
func (*Reset) statement()        {}
func (*Jar) statement()          {}
func (*StopJob) statement()      {}
func (*Client) statement()       {}
