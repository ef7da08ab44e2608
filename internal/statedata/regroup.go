package statedata

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/internal/state/lsm"
)

// Regroup rewrites the state of a manifest for another number of key groups, from the
// files of one folder to those of another. A key's group is a part of its hash, so the
// entries of a table only move; what belongs to the subtasks stays theirs. g is the job
// whose state it is.
func Regroup(m *checkpoint.Manifest, g *jobgraph.Graph, groups int, backend lsm.Backend, from, to state.Files) error {
	specs := map[string]jobgraph.Op{}
	for _, op := range g.Ops() {
		specs[op.ID] = op
	}
	out := map[string][]state.Handle{}
	for id, handles := range m.Operators {
		op, ok := specs[id]
		if !ok {
			return fmt.Errorf("operator %s is not in the plan", id)
		}
		var err error
		r := regrouping{g, op, m.Groups, groups, backend, from, to}
		if out[id], err = r.handles(handles); err != nil {
			return fmt.Errorf("the state of %s cannot be rewritten for %d key groups: %w", op.Name, groups, err)
		}
	}
	m.Operators, m.Groups = out, groups
	return nil
}

// A regrouping is that of one operator.
type regrouping struct {
	g           *jobgraph.Graph
	op          jobgraph.Op
	old, groups int
	backend     lsm.Backend
	from, to    state.Files
}

// handles returns as many handles as there were. All name the same new files, of which
// each counts what is in its range.
func (r *regrouping) handles(old []state.Handle) ([]state.Handle, error) {
	all := state.Handle{}
	if slices.ContainsFunc(old, func(h state.Handle) bool { return len(h.Files) > 0 }) {
		var err error
		if all, err = r.rewrite(old); err != nil {
			return nil, err
		}
	}
	out := make([]state.Handle, len(old))
	for i, h := range old {
		out[i] = state.Handle{Range: base.RangeOf(i, len(old), r.groups), Files: all.Files, Values: h.Values, Bytes: all.Bytes / int64(len(old))}
		if out[i].Range.Lo == out[i].Range.Hi { // more subtasks than groups: only the values are its own
			lo := i % r.groups
			out[i].Range, out[i].Files = base.Range{Lo: lo, Hi: lo + 1}, nil
		}
	}
	return out, nil
}

// rewrite copies the operator's tables.
func (r *regrouping) rewrite(old []state.Handle) (state.Handle, error) {
	var none state.Handle
	tables, err := lsm.Tables(old, r.from)
	if err != nil {
		return none, err
	}
	op, shapes, err := opened(r.g, r.op.ID, r.op.Spec, r.old)
	if err != nil {
		return none, err
	}
	in, err := r.backend.Open("", base.Range{Hi: r.old}, old, r.from)
	if err != nil {
		return none, err
	}
	defer in.Close()
	out, err := r.backend.Open(fmt.Sprintf("%s-groups%d", r.op.ID, r.groups), base.Range{Hi: r.groups}, nil, r.to)
	if err != nil {
		return none, err
	}
	defer out.Close()
	for _, name := range tables {
		if op == nil || shapes.shapes[name].Name != name {
			if err := unknown(in.Table(name), name); err != nil {
				return none, err
			}
			continue
		}
		if err := keyed.Regroup(in, out, shapes.forms[name], shapes.shapes[name], r.groups); err != nil {
			return none, err
		}
	}
	snap, err := out.Snapshot(1)
	if err == nil {
		_, err = out.Drain(1)
	}
	if err != nil {
		return none, err
	}
	return snap.Persist()
}

// unknown is the error about a table that the operator does not open, if it has any
// entry: a file names tables of which it has deletions alone.
func unknown(t state.Table, name string) error {
	for range t.Scan(nil, nil) {
		if name == state.InFlight {
			return errors.New("it has rows in flight, which a barrier has overtaken; a savepoint that is taken while the job runs has none")
		}
		return fmt.Errorf("it has a table '%s' that the operator does not open", name)
	}
	return t.Err()
}
