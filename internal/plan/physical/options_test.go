package physical_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/physical"
	"github.com/millrace-io/millrace/internal/plan/rule"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
)

// jobs binds the statements of a test file that run.
func jobs(t *testing.T, file string) (*session, []*logical.Job) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession()
	var out []*logical.Job
	for _, c := range strings.Split(string(data), "\nplan")[1:] {
		_, sql, _ := strings.Cut(c, "\n")
		sql, _, _ = strings.Cut(sql, "\n----\n")
		list, err := parse.Script(sql)
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range list {
			if _, set := st.(*ast.Set); set {
				continue
			}
			job, err := s.statement(st)
			if err != nil {
				t.Fatal(err)
			}
			if job != nil {
				out = append(out, job)
			}
		}
	}
	return s, out
}

// Every plan stays one that can run with any single rule off, in both modes and
// at parallelism 1, 2 and 3.
func TestRulesOff(t *testing.T) {
	for _, file := range []string{"testdata/nexmark.test", "testdata/features.test"} {
		_, list := jobs(t, file)
		for _, job := range list {
			for i, off := range append(rule.Names(), "") {
				for _, batch := range []bool{false, true} {
					o := physical.Options{Batch: batch, Parallelism: 1 + i%3, SourceKinds: sourceKinds, Rules: rule.Options{Disabled: map[string]bool{off: true}}}
					if _, err := physical.Compile(job, o); err != nil && !refused(err.Error(), off) {
						t.Errorf("%s off, batch %t: %v\n%s", off, batch, err, logical.JobString(job))
					}
				}
			}
		}
	}
}

// refused are the errors that a plan may have: a changelog has no batch mode, and
// where no Top-N is found a stream cannot number what changes, and a versioned
// view has no key.
func refused(msg, off string) bool {
	if off == "rank" || off == "filter-project" {
		return strings.Contains(msg, "only takes new rows") || strings.Contains(msg, "needs a table that keeps versions") || refused(msg, "")
	}
	return strings.Contains(msg, "produces other changelog messages")
}

// stateful lists the ids of operators with state, but for local phases.
func stateful(g *jobgraph.Graph) []string {
	var out []string
	for _, v := range g.Vertices {
		for _, op := range v.Ops {
			switch op.Spec.(type) {
			case *jobgraph.Calc, *jobgraph.Values, *jobgraph.Collect, *jobgraph.Sink, *jobgraph.DropBefore:
				continue
			}
			if !strings.HasPrefix(op.Name, "Local") {
				out = append(out, op.ID)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (s *session) ids(t *testing.T, sql string, o physical.Options) []string {
	st, err := parse.Statement(sql)
	if err != nil {
		t.Fatal(err)
	}
	job, err := s.statement(st)
	if err != nil {
		t.Fatal(err)
	}
	o.SourceKinds = sourceKinds
	g, err := physical.Plan(job, o)
	if err != nil {
		t.Fatal(err)
	}
	return stateful(g)
}

// The operators of a verified batch are those of the stream.
func TestVerifyKeepsIDs(t *testing.T) {
	_, list := jobs(t, "testdata/nexmark.test")
	for _, job := range list {
		var ids [2][]string
		for i := range ids {
			g, err := physical.Plan(job, physical.Options{Batch: i == 1, Verify: true, Parallelism: 2})
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = stateful(g)
		}
		if !slices.Equal(ids[0], ids[1]) {
			t.Errorf("%v in a stream, %v in a batch\n%s", ids[0], ids[1], logical.JobString(job))
		}
	}
}

// What a script may change without losing state, and what it may not.
func TestIDs(t *testing.T) {
	s, _ := jobs(t, "testdata/features.test")
	const base = "INSERT INTO out_upsert SELECT cust, COUNT(*) FROM orders WHERE qty > 1 GROUP BY cust"
	p2 := physical.Options{Parallelism: 2}
	want := s.ids(t, base, p2)
	for name, c := range map[string]struct {
		sql  string
		o    physical.Options
		same bool
	}{
		"predicate":   {"INSERT INTO out_upsert SELECT cust, COUNT(*) FROM orders WHERE qty > 7 AND item = 'pen' GROUP BY cust", p2, true},
		"names":       {"INSERT INTO out_upsert SELECT x AS y, COUNT(*) AS z FROM (SELECT cust AS x FROM orders) AS o GROUP BY x", p2, true},
		"parallelism": {base, physical.Options{Parallelism: 3}, true},
		"phases":      {base, physical.Options{Parallelism: 2, Conf: map[string]string{"table.exec.mini-batch.enabled": "true", "table.exec.mini-batch.size": "5", "table.exec.mini-batch.allow-latency": "1 s"}}, true},
		"key":         {"INSERT INTO out_upsert SELECT item, COUNT(*) FROM orders WHERE qty > 1 GROUP BY item", p2, false},
		"sink":        {"INSERT INTO out_all SELECT cust, COUNT(*) FROM orders WHERE qty > 1 GROUP BY cust", p2, false},
	} {
		if got := s.ids(t, c.sql, c.o); slices.Equal(got, want) != c.same {
			t.Errorf("%s: ids %v, were %v; same: %t wanted", name, got, want, c.same)
		}
	}
}
