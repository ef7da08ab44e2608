package bind

import (
	"bufio"
	"errors"
	"flag"
	"os"
	"path/filepath"
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
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".test"), func(t *testing.T) { testFile(t, f) })
	}
}

func testFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession()
	var out strings.Builder
	sc := bufio.NewScanner(strings.NewReader(string(data)))
	sc.Buffer(nil, 1<<20)
	line := 0
	next := func() (string, bool) {
		line++
		if !sc.Scan() {
			return "", false
		}
		return sc.Text(), true
	}
	for l, ok := next(); ok; l, ok = next() {
		out.WriteString(l + "\n")
		if l != "sql" {
			continue
		}
		start := line
		var sql, want strings.Builder
		for l, ok = next(); ok && l != "----"; l, ok = next() {
			sql.WriteString(l + "\n")
		}
		for l, ok = next(); ok && l != ""; l, ok = next() {
			want.WriteString(l + "\n")
		}
		got := strings.ReplaceAll(s.run(sql.String()), "\n\n", "\n")
		out.WriteString(sql.String() + "----\n" + got)
		if ok {
			out.WriteString("\n")
		}
		if !*rewrite && got != want.String() {
			t.Errorf("%s:%d:\n%s---- got\n%s---- want\n%s", file, start, sql.String(), got, want.String())
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
