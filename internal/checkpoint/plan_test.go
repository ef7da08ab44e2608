package checkpoint_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
)

// graphOf is a job that writes a table with a password.
func graphOf(filter string) *jobgraph.Graph {
	sink := &jobgraph.Sink{Connector: "print", Table: connect.Table{Name: "t", Options: connect.Options{"user": "u", "Password": "hidden"}}}
	return &jobgraph.Graph{ID: "job", MaxParallelism: 128, Vertices: []jobgraph.Vertex{{Name: filter, Parallelism: 1, Ops: []jobgraph.Op{{ID: "sink", Spec: sink}}}}}
}

func (f folder) putPlan(filter string) string {
	f.t.Helper()
	name, err := f.PutPlan(graphOf(filter), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return name
}

func (f folder) files() []string {
	f.t.Helper()
	var out []string
	list, err := f.FS.List(f.Dir)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, i := range list {
		out = append(out, strings.TrimPrefix(i.Name, f.Dir+"/"))
	}
	return out
}

// TestPlan follows a plan through its file: it comes back without secrets, once for
// all checkpoints that name it, and goes with the last of them.
func TestPlan(t *testing.T) {
	f := newFolder(t)
	a := f.putPlan("a")
	if f.putPlan("a") != a {
		t.Error("one plan has two names")
	}
	f.save(1, checkpoint.Manifest{Plan: a})
	m, err := f.Load(1)
	if err != nil {
		t.Fatal(err)
	}
	g, err := f.Plan(m)
	if err != nil {
		t.Fatal(err)
	}
	table := g.Vertices[0].Ops[0].Spec.(*jobgraph.Sink).Table
	if g.Vertices[0].Name != "a" || g.MaxParallelism != 128 || table.Options["user"] != "u" || table.Options["Password"] != "******" {
		t.Errorf("%+v, %v", g, table.Options)
	}
	if orig := graphOf("a"); orig.Vertices[0].Ops[0].Spec.(*jobgraph.Sink).Table.Options["Password"] != "hidden" {
		t.Error("the job's own options were changed")
	}

	b := f.putPlan("b")
	f.save(2, checkpoint.Manifest{Plan: b})
	f.save(3, checkpoint.Manifest{Plan: b})
	if err := f.Retain(3); err != nil {
		t.Fatal(err)
	}
	if got := f.files(); !slices.Contains(got, a) || !slices.Contains(got, b) {
		t.Errorf("while checkpoint 1 is kept: %v", got)
	}
	if err := f.Retain(2); err != nil {
		t.Fatal(err)
	}
	if got := f.files(); slices.Contains(got, a) || !slices.Contains(got, b) {
		t.Errorf("when checkpoint 1 is gone: %v", got)
	}
}

// TestPlanDamaged shows what is said of a plan that cannot be read.
func TestPlanDamaged(t *testing.T) {
	f := newFolder(t)
	if _, err := f.Plan(&checkpoint.Manifest{}); !errors.Is(err, checkpoint.ErrNoPlan) {
		t.Errorf("of an earlier version: %v", err)
	}
	m := &checkpoint.Manifest{Plan: f.putPlan("a")}
	f.tear(m.Plan)
	if _, err := f.Plan(m); !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), m.Plan) {
		t.Errorf("torn: %v", err)
	}
	if f.putPlan("a"); f.planOf(m) == nil {
		t.Error("a torn plan is not written again")
	}
	if err := f.FS.Remove(f.Dir + "/" + m.Plan); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Plan(m); !errors.Is(err, fsys.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func (f folder) planOf(m *checkpoint.Manifest) *jobgraph.Graph {
	f.t.Helper()
	g, err := f.Plan(m)
	if err != nil {
		f.t.Fatal(err)
	}
	return g
}

// TestAdoptTakesThePlan shows that a job that goes on in another folder has the plan
// of the checkpoint that it starts from.
func TestAdoptTakesThePlan(t *testing.T) {
	f := newFolder(t)
	f.save(1, checkpoint.Manifest{Plan: f.putPlan("a")}, "x")
	m, err := f.Load(1)
	if err != nil {
		t.Fatal(err)
	}
	to := folder{&checkpoint.Storage{FS: f.FS, Dir: "other/job"}, t}
	if err := f.Adopt(m, to.Storage); err != nil {
		t.Fatal(err)
	}
	if to.planOf(m).Vertices[0].Name != "a" {
		t.Error("another plan")
	}
}
