package jobgraph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/connect"
)

// PlanVersion is the version of a compiled plan's file that this program writes.
// It reads all from 1 to it.
const PlanVersion = 1

// planKind marks a file as a compiled plan.
const planKind = "millrace compiled plan"

// AnyParallelism stands, while a plan is compiled, for the parallelism of the
// session that will run it. No table asks for so much of its own.
const AnyParallelism = 32767

// A Plan is a compiled plan: a job that has been planned once and for all. Its file
// is JSON that a person can read. Of it the times to live may be edited, and where
// tables are; the rest is under a checksum.
//
//	Kind, Version   what the file is
//	Statement       what was compiled
//	Mode, Zone      what the plan was made for; it runs under no other
//	States          the states of the operators, with their times to live
//	Tables          what was read and written
//	Job             the operators
//	Checksum        of Statement, Mode, Zone and Job
//
// In Job a parallelism of 0 is the session's, state has no time to live, and tables
// have only the options that the statement's hints have set.
type Plan struct {
	Kind      string       `json:"kind"`
	Version   int          `json:"version"`
	Statement string       `json:"statement"`
	Mode      string       `json:"mode"` // STREAMING or BATCH
	Zone      string       `json:"zone"`
	States    []PlanState  `json:"states"`
	Tables    []PlanTable  `json:"tables"`
	Job       *Graph       `json:"job"`
	Checksum  planChecksum `json:"checksum"`
}

type planChecksum string

// A PlanState is one state of an operator.
type PlanState struct {
	Operator string `json:"operator"` // its stable id
	Of       string `json:"of"`       // its name
	State    string `json:"state"`
	TTL      string `json:"ttl"` // "0 ms" is for ever
}

// A PlanTable is a table that the plan reads or writes.
type PlanTable struct {
	Name      string            `json:"name"`
	Path      []string          `json:"path"` // catalog, database, table
	Temporary bool              `json:"temporary,omitempty"`
	Options   map[string]string `json:"options,omitempty"` // none: they are the catalog's
}

// NewPlan makes the plan of a graph that was planned for AnyParallelism. The graph is
// the plan's from then on.
func NewPlan(g *Graph, statement, zone string, tables []PlanTable) *Plan {
	p := &Plan{Kind: planKind, Version: PlanVersion, Statement: statement, Mode: modeOf(g.Batch), Zone: zone, Tables: tables, Job: g}
	p.States = []PlanState{}
	for _, op := range g.Ops() {
		for _, s := range States(op.Spec) {
			p.States = append(p.States, PlanState{op.ID, op.Name, s.Name, strconv.FormatInt(*s.TTLMs, 10) + " ms"})
			*s.TTLMs = 0
		}
	}
	options := map[string]map[string]string{}
	for _, t := range tables {
		options[t.Name] = t.Options
	}
	g.EachTable(func(t *connect.Table) { t.Options = difference(t.Options, options[t.Name]) })
	g.ID, g.Name, g.Options, g.Parallelism, g.MaxParallelism = "", "", nil, 0, 0
	for i := range g.Vertices {
		v := &g.Vertices[i]
		session(&v.Parallelism)
		for _, src := range v.sources() {
			session(&src.Scan.Parallelism)
			src.Scan.Seed = 0
		}
		for _, op := range v.Ops {
			if s, ok := op.Spec.(*Sink); ok {
				session(&s.Write.Parallelism)
				s.Write.JobID = ""
			}
		}
	}
	return p
}

func session(parallelism *int) {
	if *parallelism == AnyParallelism {
		*parallelism = 0
	}
}

func modeOf(batch bool) string {
	if batch {
		return "BATCH"
	}
	return "STREAMING"
}

// difference is what a has beyond b.
func difference(a, b map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			out[k] = v
		}
	}
	return out
}

// Ops are the operators of a graph, chain by chain.
func (g *Graph) Ops() []Op {
	var out []Op
	for _, v := range g.Vertices {
		out = append(out, v.Ops...)
	}
	return out
}

// sources are the tables that a vertex reads: of its head, and of lookup joins.
func (v *Vertex) sources() []*Source {
	var out []*Source
	if v.Source != nil {
		out = append(out, v.Source)
	}
	for _, op := range v.Ops {
		if l, ok := op.Spec.(*LookupJoin); ok && l.Source != nil {
			out = append(out, l.Source)
		}
	}
	return out
}

// EachTable calls f for the tables that a job reads, looks up and writes.
func (g *Graph) EachTable(f func(*connect.Table)) {
	for i := range g.Vertices {
		for _, src := range g.Vertices[i].sources() {
			f(&src.Table)
		}
		for _, op := range g.Vertices[i].Ops {
			if s, ok := op.Spec.(*Sink); ok {
				f(&s.Table)
			}
		}
	}
}

// A State is one state of an operator, with its time to live.
type State struct {
	Name  string
	TTLMs *int64
}

// States are the states of an operator that may have a time to live, under Flink's
// names.
func States(spec Spec) []State {
	switch s := spec.(type) {
	case *GroupAgg:
		switch s.Phase {
		case Local:
			return nil
		case Global:
			return []State{{"globalGroupAggregateState", &s.TTLMs}}
		}
		return []State{{"groupAggregateState", &s.TTLMs}}
	case *Join:
		return []State{{"leftState", &s.LeftTTLMs}, {"rightState", &s.RightTTLMs}}
	case *MultiJoin:
		var out []State
		for i := range s.Inputs {
			out = append(out, State{fmt.Sprintf("inputState%d", i), &s.Inputs[i].TTLMs})
		}
		return out
	case *Rank:
		if s.WindowEnd >= 0 || s.Emit == AtEnd {
			return nil
		}
		return []State{{"rankState", &s.TTLMs}}
	case *Dedup:
		return []State{{"deduplicateState", &s.TTLMs}}
	case *Normalize:
		return []State{{"changelogNormalizeState", &s.TTLMs}}
	case *Keep:
		return []State{{"keepState", &s.TTLMs}}
	case *Materialize:
		return []State{{"sinkMaterializeState", &s.TTLMs}}
	case *Conflict:
		return []State{{"sinkConflictState", &s.TTLMs}}
	}
	return nil
}

// Encode writes the plan's file.
func (p *Plan) Encode() ([]byte, error) {
	sum, err := p.sum()
	if err != nil {
		return nil, err
	}
	p.Checksum = sum
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return append(readable(data), '\n'), nil
}

var escaped = regexp.MustCompile(`\\\\|\\u003[ce]|\\u0026`)

// readable writes <, > and &, which encoding/json escapes for the sake of HTML.
func readable(data []byte) []byte {
	return escaped.ReplaceAllFunc(data, func(m []byte) []byte {
		switch string(m) {
		case `\u003c`:
			return []byte("<")
		case `\u003e`:
			return []byte(">")
		case `\u0026`:
			return []byte("&")
		}
		return m
	})
}

// sum is the checksum of what must not be edited. It is that of the file's text
// without white space, so that a later version with more fields agrees.
func (p *Plan) sum() (planChecksum, error) {
	job, err := json.Marshal(p.Job)
	if err != nil {
		return "", fmt.Errorf("encode plan: %w", err)
	}
	return sumOf(p, readable(job))
}

func sumOf(p *Plan, job []byte) (planChecksum, error) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s\n%s\n%s\n", p.Statement, p.Mode, p.Zone)
	if err := json.Compact(&text, job); err != nil {
		return "", err
	}
	return planChecksum(fmt.Sprintf("%016x", xxh3.Hash(text.Bytes()))), nil
}

// DecodePlan reads a plan's file. Its errors say what is wrong with the file, and
// not which it is.
func DecodePlan(data []byte) (*Plan, error) {
	var head struct {
		Kind     string          `json:"kind"`
		Version  int             `json:"version"`
		Job      json.RawMessage `json:"job"`
		Checksum planChecksum    `json:"checksum"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	switch {
	case head.Kind != planKind && bytes.Contains(data, []byte(`"flinkVersion"`)):
		return nil, errors.New("it is a compiled plan of Apache Flink, which cannot be run here; compile the statement again with COMPILE PLAN")
	case head.Kind != planKind:
		return nil, fmt.Errorf("it is no compiled plan: its kind is %q, not %q", head.Kind, planKind)
	case head.Version < 1 || head.Version > PlanVersion:
		return nil, fmt.Errorf("it has version %d, and this program knows the versions 1 to %d; compile the statement again with COMPILE PLAN", head.Version, PlanVersion)
	}
	p := new(Plan)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	sum, err := sumOf(p, head.Job)
	if err != nil {
		return nil, err
	}
	if sum != head.Checksum {
		return nil, fmt.Errorf("it was altered: its checksum is %s, that of its content %s; only \"ttl\" and the options of tables may be edited, for the rest compile the statement again", head.Checksum, sum)
	}
	return p, nil
}

// For says what a plan is to run as.
type For struct {
	ID, Name                    string
	Parallelism, MaxParallelism int
	Options                     map[string]string
	Seed                        uint64
}

// Graph makes the job of a plan. ttl reads a duration. options gives the options of a
// table as it is now; those of the statement's hints win over them.
func (p *Plan) Graph(as For, ttl func(string) (ms int64, err error), options func(PlanTable) (map[string]string, error)) (*Graph, error) {
	g := p.Job
	g.ID, g.Name, g.Options, g.Parallelism, g.MaxParallelism = as.ID, as.Name, as.Options, as.Parallelism, as.MaxParallelism
	for i := range g.Vertices {
		v := &g.Vertices[i]
		fill(&v.Parallelism, as.Parallelism)
		for _, src := range v.sources() {
			fill(&src.Scan.Parallelism, as.Parallelism)
			src.Scan.Seed = as.Seed
		}
		for _, op := range v.Ops {
			if s, ok := op.Spec.(*Sink); ok {
				fill(&s.Write.Parallelism, as.Parallelism)
				s.Write.JobID = as.ID
			}
		}
	}
	if err := p.setTTL(ttl); err != nil {
		return nil, err
	}
	if err := p.setOptions(options); err != nil {
		return nil, err
	}
	if err := g.Check(); err != nil {
		return nil, err
	}
	return g, g.CheckTypes()
}

func fill(parallelism *int, session int) {
	if *parallelism == 0 {
		*parallelism = session
	}
}

// setTTL gives states their times to live.
func (p *Plan) setTTL(ttl func(string) (int64, error)) error {
	to := map[[2]string]*int64{}
	for _, op := range p.Job.Ops() {
		for _, s := range States(op.Spec) {
			to[[2]string{op.ID, s.Name}] = s.TTLMs
		}
	}
	for _, s := range p.States {
		at := to[[2]string{s.Operator, s.State}]
		if at == nil {
			return fmt.Errorf("there is no state '%s' of operator %s", s.State, s.Operator)
		}
		ms, err := ttl(s.TTL)
		if err != nil || ms < 0 {
			return fmt.Errorf("the ttl of state '%s' of %s: '%s' is not a duration such as '1 h'", s.State, s.Of, s.TTL)
		}
		*at = ms
	}
	return nil
}

func (p *Plan) setOptions(options func(PlanTable) (map[string]string, error)) error {
	now := map[string]map[string]string{}
	for _, t := range p.Tables {
		o, err := options(t)
		if err != nil {
			return err
		}
		now[t.Name] = o
	}
	var missing []string
	p.Job.EachTable(func(t *connect.Table) {
		o, ok := now[t.Name]
		if !ok {
			missing = append(missing, t.Name)
			return
		}
		hints := t.Options
		t.Options = maps.Clone(o)
		if t.Options == nil {
			t.Options = map[string]string{}
		}
		maps.Copy(t.Options, hints)
	})
	for i := range p.Job.Vertices {
		for _, src := range p.Job.Vertices[i].sources() {
			src.Connector = src.Table.Options["connector"]
		}
		for _, op := range p.Job.Vertices[i].Ops {
			if s, ok := op.Spec.(*Sink); ok {
				s.Connector = s.Table.Options["connector"]
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("the tables %s are not in its list", strings.Join(slices.Compact(missing), ", "))
	}
	return nil
}

// TableOf is the table that the job knows under a name: the columns that it was
// compiled for.
func (p *Plan) TableOf(name string) (found connect.Table) {
	p.Job.EachTable(func(t *connect.Table) {
		if t.Name == name {
			found = *t
		}
	})
	return found
}
