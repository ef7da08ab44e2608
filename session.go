// Package millrace runs Flink SQL on streams and batches, in this process.
//
// A Session is a catalog, options and the jobs that it has started:
//
//	s, err := millrace.Open(millrace.Config{})
//	for st, err := range s.Script("job.sql", text) {
//		res, err := s.Execute(ctx, st, nil)
//		...
//	}
//	err = s.Wait(ctx)
//
// Tables come from connectors, which register themselves when their package is
// imported (connect/filesystem, format/csv …).
package millrace

import (
	"context"
	"sync"

	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Config opens a session. The zero Config is a streaming session with as many
// subtasks as cores, without checkpoints.
type Config struct {
	// Options win over SET statements of the script: command-line flags.
	Options map[string]string
	// Defaults are won over by SET: the configuration file.
	Defaults map[string]string
	// CheckpointDir is where jobs keep their checkpoints; "" is nowhere.
	CheckpointDir string
	// Restore is "latest", the path of a job's folder or of one checkpoint, or "".
	Restore string
	// Control lets commands of other processes (millrace savepoint, stop, cancel, list)
	// find the jobs of this one, by a socket in each job's folder for checkpoints.
	Control bool
	// Now is the clock of the queries (CURRENT_TIMESTAMP, PROCTIME(), how long state
	// is kept), in microseconds since the epoch; nil is the machine's. It is called
	// from several goroutines.
	Now func() int64
	// Clock stands in for Now, for tests (package internal/sqltest): it stands still
	// until a job has nothing left to do, then goes on to the time that its sources
	// wait for. Jobs run one at a time.
	Clock *env.Clock
	// Print takes the lines of the function PRINT; nil writes them to standard error.
	// It is called from several goroutines.
	Print func(lines []byte)
	// Log takes lines about what goes on: restores, failed checkpoints.
	Log func(string)
	// Verify is set by Verify for its two runs.
	verify *verifyRun
}

// A Statement is one statement of a script.
type Statement struct {
	AST  ast.Statement
	Text string // without the semicolon
	File string // for errors

	source string // the whole script
}

// A Result is what a statement gave. Statements that answer at once have Rows;
// those that start a job have Job.
type Result struct {
	Kind   ResultKind
	Schema types.Schema
	Rows   []*vec.Batch
	Job    *Job
}

// A ResultKind says how a result is shown.
type ResultKind uint8

// The kinds of result.
const (
	Done    ResultKind = iota // a statement that has no rows: CREATE, SET …
	Listing                   // rows at once: SHOW, DESCRIBE
	Plan                      // one text: EXPLAIN
	Query                     // SELECT: a job whose rows go to the Rows function given to Execute
	Insert                    // INSERT or a statement set: a job
)

// A RowsFunc takes the rows of a Query, batch by batch, from one goroutine;
// changes have kinds.
type RowsFunc func(schema types.Schema, b *vec.Batch) error

// A Session is not safe for concurrent use, but for Jobs, Wait and Cancel.
type Session struct {
	cfg  Config
	mu   sync.Mutex
	jobs []*Job
	impl
}

// A Job is a running INSERT, statement set or SELECT.
type Job struct {
	ID    string // its folder in the checkpoint folder
	Name  string
	Batch bool
	running
}

// Jobs returns the session's jobs, in the order in which they were started.
func (s *Session) Jobs() []*Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Job(nil), s.jobs...)
}

// Wait waits until all jobs have ended and returns the first error. When ctx ends,
// the jobs take a last checkpoint, if they take any, and end.
func (s *Session) Wait(ctx context.Context) error {
	var first error
	for _, j := range s.Jobs() {
		if err := j.Wait(ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}
