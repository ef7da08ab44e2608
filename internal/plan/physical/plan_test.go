package physical_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/fn"
	_ "github.com/millrace-io/millrace/internal/expr/fn/scalar"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/physical"
	"github.com/millrace-io/millrace/internal/plan/plantest"
	"github.com/millrace-io/millrace/internal/plan/rule"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
)

var rewrite = flag.Bool("rewrite", false, "write the results into testdata")

func init() {
	sink := func(accepts connect.Changes) func(connect.Table, connect.Write) (connect.Sink, error) {
		return func(connect.Table, connect.Write) (connect.Sink, error) { return fakeSink{accepts: accepts}, nil }
	}
	nothing := func(connect.Table, connect.Scan) (connect.Source, error) { return nil, errors.New("not to be read") }
	connect.Register(&connect.Connector{Name: "filesystem", Formats: true, Options: []connect.Option{{Key: "path"}}, Source: nothing, Sink: sink(connect.AppendOnly)})
	connect.Register(&connect.Connector{Name: "nexmark", Options: []connect.Option{{Key: "events.num"}}, Source: nothing})
	connect.Register(&connect.Connector{Name: "blackhole", Sink: sink(connect.AllChanges)})
	connect.Register(&connect.Connector{Name: "append", Options: []connect.Option{{Key: "number-of-rows"}}, Source: nothing, Sink: sink(connect.AppendOnly)})
	connect.Register(&connect.Connector{Name: "upsert", Source: nothing, Sink: sink(connect.Upsert)})
	connect.Register(&connect.Connector{Name: "cdc", Source: nothing, Sink: sink(connect.AllChanges)})
	connect.Register(&connect.Connector{Name: "upsert-kafka", Source: nothing, Sink: sink(connect.Upsert)})
	format.Register(&format.Format{Name: "csv"})
}

type fakeSink struct {
	connect.Sink
	accepts connect.Changes
}

func (s fakeSink) Accepts() connect.Changes { return s.accepts }

func sourceKinds(n *logical.Scan) changelog.Kinds {
	if n.Options["connector"] == "cdc" {
		return changelog.All
	}
	return changelog.SourceKinds(n)
}

// A session plans the statements of one test file.
type session struct {
	cat  *catalog.Catalog
	b    *bind.Binder
	conf map[string]string
}

func newSession() *session {
	s := &session{cat: catalog.New(), conf: map[string]string{}}
	s.b = bind.New(s.cat, &fn.Env{Zone: time.UTC, Streaming: true})
	return s
}

// run does what a case says: "plan stream batch p=2 …" over a script whose last
// statements are jobs.
func (s *session) run(t *testing.T, args []string, sql string) string {
	list, err := parse.Script(sql)
	if err != nil {
		return "parse error: " + err.Error() + "\n"
	}
	var out strings.Builder
	n := 0
	for _, st := range list {
		job, err := s.statement(st)
		if err != nil {
			return out.String() + "bind error: " + err.Error() + "\n"
		}
		if job == nil {
			continue
		}
		n++
		s.plan(t, &out, args, n, job)
	}
	return out.String()
}

func (s *session) statement(st ast.Statement) (*logical.Job, error) {
	switch st := st.(type) {
	case *ast.Query, *ast.Insert, *ast.StatementSet, *ast.Execute:
		return s.b.Job(st)
	case *ast.Set:
		s.conf[st.Key] = st.Value
		return nil, nil
	}
	return s.b.DDL(st)
}

func (s *session) plan(t *testing.T, out *strings.Builder, args []string, n int, job *logical.Job) {
	o := physical.Options{Parallelism: 2, ID: "job-" + strconv.Itoa(n), Conf: s.conf, SourceKinds: sourceKinds}
	show := map[string]bool{}
	var modes []bool
	for _, a := range args {
		key, val, _ := strings.Cut(a, "=")
		switch key {
		case "stream", "batch":
			modes = append(modes, key == "batch")
		case "p":
			o.Parallelism, _ = strconv.Atoi(val)
		case "verify":
			o.Verify = true
		case "off":
			o.Rules = rule.Options{Disabled: map[string]bool{}}
			for _, name := range strings.Split(val, ",") {
				o.Rules.Disabled[name] = true
			}
		default:
			show[key] = true
		}
	}
	for _, batch := range modes {
		o.Batch = batch
		name := map[bool]string{false: "stream", true: "batch"}[batch]
		c, err := physical.Compile(job, o)
		if err != nil {
			if !errors.As(err, new(*base.Error)) {
				t.Errorf("not a user's error: %v", err)
			}
			fmt.Fprintf(out, "%s error: %v\n", name, err)
			continue
		}
		roundTrip(t, c.Graph)
		if len(modes) > 1 {
			fmt.Fprintf(out, "-- %s\n", name)
		}
		if show["logical"] {
			out.WriteString(explain.Logical(c.After))
		}
		if show["text"] {
			out.WriteString(explain.Text(c.Before, c.Graph, details(c, args)))
		}
		if show["explain"] {
			text := explain.Text(nil, c.Graph, c.Details(explain.Details{Changes: true}, false))
			plan, rest, _ := strings.Cut(text, "\n== Optimized Execution Plan ==\n")
			out.WriteString(strings.TrimPrefix(plan, "== Optimized Physical Plan ==\n"))
			if _, state, ok := strings.Cut(rest, "\n== State ==\n"); ok {
				out.WriteString(state)
			}
		}
		if show["ids"] {
			ids(out, c.Graph)
		}
		if show["execution"] {
			out.WriteString(explain.Execution(c.Graph))
		}
		if len(show) == 0 {
			out.WriteString(explain.Physical(c.Graph))
		}
	}
}

// details are those of a case: cost, changes, json, advice.
func details(c *physical.Compiled, args []string) explain.Details {
	return c.Details(explain.Details{Changes: slices.Contains(args, "changes"), JSON: slices.Contains(args, "json"), Advice: slices.Contains(args, "advice")},
		slices.Contains(args, "cost"))
}

func ids(out *strings.Builder, g *jobgraph.Graph) {
	for _, v := range g.Vertices {
		if v.Source != nil {
			fmt.Fprintf(out, "%s %s\n", v.Source.ID, v.Source.Table.Name)
		}
		for _, op := range v.Ops {
			fmt.Fprintf(out, "%s %s\n", op.ID, op.Spec.Kind())
		}
	}
}

// roundTrip checks that a graph survives JSON.
func roundTrip(t *testing.T, g *jobgraph.Graph) {
	data, err := json.Marshal(g)
	if err != nil {
		t.Error(err)
		return
	}
	back := new(jobgraph.Graph)
	if err := json.Unmarshal(data, back); err != nil {
		t.Error(err)
		return
	}
	if again, _ := json.Marshal(back); string(again) != string(data) {
		t.Errorf("graph changed in JSON:\n%s\n%s", data, again)
	}
}

// TestData plans the statements of testdata/*.test. A case is "plan" with modes
// and what to show, the statements, "----", and the plans or errors.
func TestData(t *testing.T) {
	plantest.Cases(t, "plan", *rewrite, func() func(*testing.T, []string, string) string { return newSession().run })
}
