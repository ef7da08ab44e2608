// Package statedata shows the state in a checkpoint as tables: what each operator keeps,
// with the columns' names as the query has them, and writes such tables into new
// savepoints.
//
// What the tables are is asked of the operators themselves. They are made from their
// specs in the checkpoint's plan and opened over an empty store that notes which tables
// they open (keyed.Describer); what the words in those mean they say by
// exec.Stateful. So there is no second description of the state that could differ from
// the first.
//
//	checkpoint ──▸ plan ──▸ spec ──▸ build.Operator ──Open──▸ recorder: shapes
//	     │                                └─ StateTables: columns
//	     └──▸ state files ──▸ keyed.Scan ──▸ exec.StateTable.Read ──▸ vec.Batch
package statedata

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
)

// A Checkpoint is a checkpoint with what the job was that took it.
type Checkpoint struct {
	*checkpoint.Found
	Graph *jobgraph.Graph
	// Operators are those of the job that keep state, in the order of the plan.
	Operators []*Operator
}

// An Operator is an operator with state in a checkpoint.
type Operator struct {
	ID      string
	Kind    string // of its spec: GroupAgg
	Name    string // as the plan has it, with the query's names for what it computes
	TTL     []jobgraph.State
	Handles []state.Handle
	Tables  []*Table
	// Opaque is why the tables are not known.
	Opaque error

	// Spec is what it does; nil but of OfJob.
	Spec jobgraph.Spec

	planned string // the plan's name
	groups  int
	layouts []Layout
	terms   []Term
	other   bool // a checkpoint has it in another layout than this program would
}

// A Table is a table of an operator's state.
type Table struct {
	Name    string
	Side    bool         // not what the operator is about: asked for by name alone
	Columns types.Schema // no column is an attribute of time
	Key     []int        // the columns of the key
	Sealed  string       // why it cannot be written, "" if it can

	op    *Operator
	state exec.StateTable
	form  keyed.Form
	shape keyed.Shape
}

// A NameError says that there is nothing of a name, or several things.
type NameError struct{ text string }

// Error implements error.
func (e *NameError) Error() string { return e.text }

func misnamed(format string, args ...any) error {
	return &NameError{fmt.Sprintf(format, args...)}
}

// Open finds the checkpoint that a path means (checkpoint.Find) and what is in it.
func Open(fs fsys.FS, path string, warn func(string)) (*Checkpoint, error) {
	found, err := checkpoint.Find(fs, path, "", warn)
	if err != nil {
		return nil, err
	}
	return Of(found)
}

// Of returns what is in a checkpoint.
func Of(found *checkpoint.Found) (*Checkpoint, error) {
	g, err := found.Plan(found.Manifest)
	if err != nil {
		return nil, err
	}
	if h := found.Manifest.Hash; h != 0 && h != keyenc.HashVersion {
		return nil, fmt.Errorf("%s was written with version %d of the key hash; this program reads version %d", found.Path, h, keyenc.HashVersion)
	}
	c := &Checkpoint{Found: found, Graph: g}
	for v := range g.Vertices {
		for i := range g.Vertices[v].Ops {
			if op := c.operator(place{v, i}); op != nil {
				c.Operators = append(c.Operators, op)
			}
		}
	}
	return c, c.readable()
}

// readable finds the operators whose state is not as this program would keep it.
func (c *Checkpoint) readable() error {
	kept, err := Kept(c.Found, c.Graph)
	if err != nil {
		return err
	}
	for _, k := range kept {
		i := slices.IndexFunc(c.Operators, func(o *Operator) bool { return o.ID == k.ID })
		if i < 0 || c.Operators[i].Opaque != nil || !k.other {
			continue
		}
		c.Operators[i].Tables = nil
		c.Operators[i].Opaque = errors.New("another version of the program has kept it in another way; a job that is restored from it writes it anew, and then a savepoint has it")
	}
	return nil
}

// operator returns the operator at a place, nil if it keeps nothing.
func (c *Checkpoint) operator(p place) *Operator {
	n := names{c.Graph}
	op := n.op(p)
	o := &Operator{ID: op.ID, Kind: op.Spec.Kind(), Name: n.shown(p), planned: op.Name, Handles: c.Manifest.Operators[op.ID], groups: c.Manifest.Groups}
	for _, s := range jobgraph.States(op.Spec) {
		if *s.TTLMs > 0 {
			o.TTL = append(o.TTL, s)
		}
	}
	if o.Tables, o.Opaque = o.describe(n, p); len(o.Tables) == 0 && !o.kept() {
		return nil
	}
	return o
}

// kept reports whether there is anything of the operator in the checkpoint.
func (o *Operator) kept() bool {
	return slices.ContainsFunc(o.Handles, func(h state.Handle) bool { return len(h.Files) > 0 || len(h.Values) > 0 })
}

// Zone is the time zone in which the job shows times.
func (c *Checkpoint) Zone() *time.Location { return zoneOf(c.Graph) }

func zoneOf(g *jobgraph.Graph) *time.Location {
	if z, err := types.LoadZone(g.Options["table.local-time-zone"]); err == nil {
		return z
	}
	return time.UTC
}

// Bytes is about how much state an operator has.
func (o *Operator) Bytes() (n int64) {
	for _, h := range o.Handles {
		n += h.Bytes
	}
	return n
}

// Operator finds an operator by its id, or by a part of its name or kind that no other
// one has.
func (c *Checkpoint) Operator(name string) (*Operator, error) {
	if name == "" {
		return nil, misnamed("no operator is named")
	}
	for _, fits := range []func(*Operator) bool{
		func(o *Operator) bool { return o.ID == name },
		func(o *Operator) bool { return o.Name == name || o.planned == name },
		func(o *Operator) bool { return strings.EqualFold(o.Kind, name) || strings.EqualFold(o.head(), name) },
		func(o *Operator) bool { return strings.HasPrefix(o.ID, name) },
		func(o *Operator) bool {
			return strings.Contains(strings.ToLower(o.Name+" "+o.planned), strings.ToLower(name))
		},
	} {
		var found []*Operator
		for _, o := range c.Operators {
			if fits(o) {
				found = append(found, o)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return nil, misnamed("several operators are called '%s': say which by its id, or by more of its name: %s", name, listed(found))
		}
	}
	return nil, c.unknown(name)
}

// head is the name without what stands in parentheses.
func (o *Operator) head() string {
	head, _, _ := strings.Cut(o.Name, "(")
	return head
}

func (c *Checkpoint) unknown(name string) error {
	if len(c.Operators) == 0 {
		return misnamed("the job of %s has no operator with state", c.Path)
	}
	var all []string
	for _, o := range c.Operators {
		all = append(all, o.ID, o.head(), o.Kind)
	}
	hint := ""
	if near := connect.Near(name, all); near != "" {
		hint = fmt.Sprintf("; did you mean '%s'?", near)
	}
	return misnamed("no operator with state is called '%s'%s; there are: %s", name, hint, listed(c.Operators))
}

func listed(ops []*Operator) string {
	var out []string
	for _, o := range ops {
		out = append(out, o.ID+" "+o.Name)
	}
	return strings.Join(out, ", ")
}

// Table finds a table of an operator by its name; "" is the one that the operator is
// about, if there is one.
func (o *Operator) Table(name string) (*Table, error) {
	if o.Opaque != nil {
		return nil, fmt.Errorf("the state of %s cannot be shown: %w", o.Name, o.Opaque)
	}
	if len(o.Tables) == 0 {
		return nil, misnamed("%s keeps no table: what it has belongs to its subtasks", o.Name)
	}
	var main []*Table
	var all []string
	for _, t := range o.Tables {
		if strings.EqualFold(t.Name, name) {
			return t, nil
		}
		all = append(all, t.Name)
		if !t.Side {
			main = append(main, t)
		}
	}
	quoted := "'" + strings.Join(all, "', '") + "'"
	switch {
	case name != "":
		hint := ""
		if near := connect.Near(name, all); near != "" {
			hint = fmt.Sprintf("; did you mean '%s'?", near)
		}
		return nil, misnamed("%s has no table '%s'%s; it has %s", o.Name, name, hint, quoted)
	case len(main) == 1:
		return main[0], nil
	}
	return nil, misnamed("%s has several tables: name one of %s", o.Name, quoted)
}

// Ranges are the key groups of the operator's former subtasks, ascending.
func (o *Operator) Ranges() []base.Range {
	var out []base.Range
	for _, h := range o.Handles {
		out = append(out, h.Range)
	}
	slices.SortFunc(out, func(a, b base.Range) int { return cmp.Compare(a.Lo, b.Lo) })
	return slices.Compact(out)
}
