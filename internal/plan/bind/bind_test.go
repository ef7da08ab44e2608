package bind

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/fn"
	_ "github.com/millrace-io/millrace/internal/expr/fn/scalar"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/plantest"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
)

var rewrite = flag.Bool("rewrite", false, "write the results into testdata")

// Connectors and formats as the binder sees them: their options.
func init() {
	connect.Register(&connect.Connector{Name: "filesystem", Formats: true, Options: []connect.Option{{Key: "path"}, {Key: "source.monitor-interval", Check: connect.CheckDuration}},
		Metadata: map[string]string{"file.name": "STRING", "file.size": "BIGINT"}})
	connect.Register(&connect.Connector{Name: "kafka", Formats: true, Options: []connect.Option{{Key: "topic"}, {Key: "properties.*"}, {Key: "scan.startup.mode"}, {Key: "key.format"}, {Key: "value.format"}},
		Metadata: map[string]string{"timestamp": "TIMESTAMP_LTZ(3)", "offset": "BIGINT"}})
	connect.Register(&connect.Connector{Name: "nexmark", Options: []connect.Option{{Key: "events.num"}, {Key: "table"}}})
	connect.Register(&connect.Connector{Name: "blackhole"})
	format.Register(&format.Format{Name: "csv", Options: []connect.Option{{Key: "field-delimiter"}, {Key: "null-literal"}, {Key: "ignore-parse-errors", Check: connect.CheckBool}}})
	format.Register(&format.Format{Name: "json", Options: []connect.Option{{Key: "ignore-parse-errors", Check: connect.CheckBool}}})
}

// A session runs the statements of one test file.
type session struct {
	cat *catalog.Catalog
	b   *Binder
}

func newSession() *session {
	s := &session{cat: catalog.New()}
	s.b = New(s.cat, &fn.Env{Zone: time.UTC, Streaming: true})
	return s
}

// run binds a script and returns the trees of its jobs; the first error ends it.
func (s *session) run(sql string) string {
	list, err := parse.Script(sql)
	if err != nil {
		return "parse error: " + err.Error() + "\n"
	}
	var out strings.Builder
	for _, st := range list {
		job, err := s.statement(st)
		if err != nil {
			var user *base.Error
			if !errors.As(err, &user) {
				out.WriteString("NOT A USER'S ")
			}
			out.WriteString("error: " + err.Error() + "\n")
			return out.String()
		}
		if job != nil {
			for _, r := range job.Roots {
				if err := wellFormed(r); err != nil {
					out.WriteString("NOT A USER'S error: " + err.Error() + "\n")
				}
			}
			out.WriteString(logical.JobString(job))
		}
	}
	return out.String()
}

func (s *session) statement(st ast.Statement) (*logical.Job, error) {
	switch st := st.(type) {
	case *ast.Query, *ast.Insert, *ast.StatementSet, *ast.Execute:
		return s.b.Job(st)
	case *ast.Set:
		_, err := s.b.opts.Set(st.Key, st.Value)
		return nil, at(st, err)
	case *ast.Describe:
		o, err := s.cat.Relation(st.Name.Strings()...)
		if err != nil {
			return nil, at(st, err)
		}
		if t, ok := o.(*catalog.Table); ok {
			return &logical.Job{Roots: []logical.Node{&described{t: t}}}, nil
		}
		return &logical.Job{Roots: []logical.Node{&logical.Collect{Input: &logical.Values{Out: o.(*catalog.View).Schema}}}}, nil
	}
	return s.b.DDL(st)
}

// TestData binds the statements of testdata/*.test. A case is "sql", the
// statements, "----", and the trees or the error.
func TestData(t *testing.T) {
	plantest.Cases(t, "sql", *rewrite, func() func(*testing.T, []string, string) string {
		s := newSession()
		return func(_ *testing.T, _ []string, sql string) string { return s.run(sql) }
	})
}
