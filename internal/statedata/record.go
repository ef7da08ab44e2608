package statedata

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
)

// How the state of a job is kept follows from its plan and from the program. Two
// versions of the program may keep it in two ways, so what the plan says is not enough
// to read a checkpoint: beside it is recorded what the program made of it (Record), and
// who reads it compares that with what this program makes of the same plan (Kept).

// Record returns how this program keeps the state of a job.
func Record(g *jobgraph.Graph) checkpoint.Layouts {
	out := checkpoint.Layouts{}
	for _, o := range OfJob(g) {
		if list := o.record(); len(list) > 0 {
			out[o.ID] = list
		}
	}
	return out
}

// record describes the tables of an operator's store, each once.
func (o *Operator) record() []checkpoint.Layout {
	var out []checkpoint.Layout
	at := map[string]int{}
	for _, t := range o.Tables {
		i, ok := at[t.state.Store]
		if !ok {
			i = len(out)
			at[t.state.Store] = i
			out = append(out, t.record())
		}
		for _, c := range t.state.Columns {
			note(&out[i], c)
		}
	}
	return out
}

func (t *Table) record() checkpoint.Layout {
	l := checkpoint.Layout{Table: t.state.Store, Version: t.state.Version, Rows: t.form.Rows(), Timed: t.form.Timed(), Key: t.shape.Key, Blobs: t.shape.Blobs}
	words := t.shape.Words
	if l.Rows {
		words = t.shape.Extra
	}
	l.Words = make([]string, words)
	for _, typ := range t.shape.Row {
		l.Row = append(l.Row, checkpoint.Column{Type: typ})
	}
	return l
}

// note writes down what a column says of a layout. What several tables of users lie in
// is named by the first that does.
func note(l *checkpoint.Layout, c exec.StateColumn) {
	switch in, i := c.Place(); in {
	case exec.InWord:
		if l.Words[i] == "" {
			l.Words[i] = c.Is()
		}
	case exec.InRow:
		if i < len(l.Row) && l.Row[i].Is == "" {
			l.Row[i].Is = c.Is()
		}
	case exec.InImage:
		l.Words[i] = "row"
		l.Row = append(l.Row, checkpoint.Column{Is: c.Is(), Type: c.Type})
	}
}

// Kept returns what the job of a plan keeps, in the layouts that a checkpoint has. Those
// are recorded with it; for one of an earlier version they are found out by looking at
// the entries.
func Kept(found *checkpoint.Found, g *jobgraph.Graph) ([]*Operator, error) {
	recorded, err := found.Layouts(found.Manifest)
	if err != nil {
		recorded = nil // a restore does without what is missing or damaged there
	}
	ops := OfJob(g)
	for _, o := range ops {
		o.Handles = found.Manifest.Operators[o.ID]
		if recorded != nil {
			o.as(recorded[o.ID])
		} else if err := o.probe(found); err != nil {
			return nil, fmt.Errorf("the state of %s: %w", o.Name, err)
		}
	}
	return ops, nil
}

// as gives an operator's tables the layouts that are recorded.
func (o *Operator) as(recorded []checkpoint.Layout) {
	if o.Opaque != nil || len(recorded) == 0 {
		return
	}
	now := o.record()
	var out []Layout
	for _, r := range recorded {
		i := slices.IndexFunc(o.layouts, func(l Layout) bool { return l.Store == r.Table })
		if i < 0 {
			o.other = true
			out = append(out, Layout{Store: r.Table, Image: -1, Odd: "this version of the program knows no such table"})
			continue
		}
		l := o.layouts[i]
		if j := slices.IndexFunc(now, func(l checkpoint.Layout) bool { return l.Table == r.Table }); !now[j].Same(r) {
			o.other = true
			l.become(now[j], r)
		}
		out = append(out, l)
	}
	o.layouts = out
}

// become makes the layout that this program declares the one that is recorded.
func (l *Layout) become(now, was checkpoint.Layout) {
	if now.Version != was.Version {
		l.Odd = fmt.Sprintf("it is in version %d of its layout; this version of the program keeps version %d", was.Version, now.Version)
		return
	}
	if call, changed := l.callChanged(now, was); changed {
		l.Odd = fmt.Sprintf("this version of the program keeps the accumulator of %s otherwise", call)
		return
	}
	l.Form = formOf(was)
	l.Shape.Key, l.Shape.Blobs = was.Key, was.Blobs
	words := make(map[int]Part, len(was.Words))
	image := -1
	for w, is := range was.Words {
		switch at := slices.Index(now.Words, is); {
		case is == "":
		case is == "row":
			image = w
		case at >= 0:
			words[w] = l.Words[at]
		default:
			words[w] = Part{Origin: "the former " + is}
		}
	}
	var row []Part
	var ts []types.Type
	for _, c := range was.Row {
		p := Part{Origin: "the former " + c.Is, Type: c.Type}
		if at := slices.IndexFunc(now.Row, func(n checkpoint.Column) bool { return n.Is == c.Is }); at >= 0 && c.Is != "" {
			p.Origin = l.Row[at].Origin
		} else if c.Is == "" && len(row) < len(l.Row) {
			p.Origin = l.Row[len(row)].Origin
		}
		row, ts = append(row, p), append(ts, c.Type)
	}
	l.Words, l.Row, l.Image = words, row, image
	if l.Form.Rows() {
		l.Shape.Extra, l.Shape.Row = len(was.Words), ts
	} else {
		l.Shape.Words = len(was.Words)
	}
}

func formOf(l checkpoint.Layout) keyed.Form {
	switch {
	case l.Rows && l.Timed:
		return keyed.ListBuckets
	case l.Rows:
		return keyed.Lists
	case l.Timed:
		return keyed.EntryBuckets
	}
	return keyed.Entries
}

// callChanged finds a call whose accumulator had other parts.
func (l *Layout) callChanged(now, was checkpoint.Layout) (call string, changed bool) {
	parts := func(words []string) map[string][]string {
		out := map[string][]string{}
		for _, is := range words {
			if call, part, ok := strings.Cut(is, "."); ok && strings.HasPrefix(is, "call ") {
				out[call] = append(out[call], part)
			}
		}
		return out
	}
	had, has := parts(was.Words), parts(now.Words)
	for w, is := range now.Words {
		call, _, _ := strings.Cut(is, ".")
		if strings.HasPrefix(is, "call ") && !slices.Equal(had[call], has[call]) {
			return l.Words[w].Call, true
		}
	}
	for call := range had {
		if has[call] == nil {
			return call, true
		}
	}
	return "", false
}
