package evolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/statedata"
)

// pair finds for each of the new things the old one that it was: by id first, then by
// each of the signatures in turn, where just one old and one new thing has it.
func pair[T any](old, now []T, id func(T) string, signatures ...func(T) string) (was map[int]int) {
	was = map[int]int{}
	taken := map[int]bool{}
	try := func(of func(T) string, unique bool) {
		olds, nows := map[string][]int{}, map[string][]int{}
		for i, x := range old {
			if !taken[i] {
				olds[of(x)] = append(olds[of(x)], i)
			}
		}
		for i, x := range now {
			if _, ok := was[i]; !ok {
				nows[of(x)] = append(nows[of(x)], i)
			}
		}
		for key, is := range nows {
			if js := olds[key]; key != "" && len(js) > 0 && (!unique || len(is) == 1 && len(js) == 1) {
				was[is[0]] = js[0]
				taken[js[0]] = true
			}
		}
	}
	try(id, false)
	for _, of := range signatures {
		try(of, true)
	}
	return was
}

// unpaired are the old things that no new one was.
func unpaired[T any](old []T, was map[int]int) (out []T) {
	taken := map[int]bool{}
	for _, j := range was {
		taken[j] = true
	}
	for i, x := range old {
		if !taken[i] {
			out = append(out, x)
		}
	}
	return out
}

// sources compares the tables that are read.
func (r *Report) sources(old, now *jobgraph.Graph) {
	olds, nows := sourcesOf(old), sourcesOf(now)
	was := pair(olds, nows, func(s *jobgraph.Source) string { return s.ID },
		func(s *jobgraph.Source) string { return s.Table.Name },
		func(s *jobgraph.Source) string { return s.Connector + " " + optionsText(s.Table.Options) })
	for i, s := range nows {
		j, ok := was[i]
		if !ok {
			r.add(Item{Kind: "source", Name: s.Table.Name, New: s.ID, Verdict: New, Why: []string{"it is read from where its options say"}})
			continue
		}
		o := olds[j]
		item := Item{Kind: "source", Name: s.Table.Name, Old: o.ID, New: s.ID, Verdict: Kept}
		switch {
		case o.Connector != s.Connector:
			item.Verdict, item.Why = Refused, []string{fmt.Sprintf("its positions are those of connector '%s', and it is '%s' now", o.Connector, s.Connector)}
		case o.Table.Name != s.Table.Name:
			item.Why = []string{"it was called " + o.Table.Name}
		}
		if changed := changedOptions(o.Table.Options, s.Table.Options); len(changed) > 0 && item.Verdict == Kept {
			item.Why = append(item.Why, "it goes on where it was, though its options have changed: "+strings.Join(changed, ", "))
		}
		r.add(item)
	}
	for _, o := range unpaired(olds, was) {
		r.add(Item{Kind: "source", Name: o.Table.Name, Old: o.ID, Verdict: Lost, Why: []string{"the job does not read it any more"}})
	}
}

func sourcesOf(g *jobgraph.Graph) (out []*jobgraph.Source) {
	for _, v := range g.Vertices {
		if v.Source != nil {
			out = append(out, v.Source)
		}
	}
	return out
}

func optionsText(o connect.Options) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(o)) {
		parts = append(parts, k+"="+o[k])
	}
	return strings.Join(parts, "\n")
}

// masked is what a plan has in place of a secret.
const masked = "******"

// changedOptions are the keys whose values differ.
func changedOptions(old, now connect.Options) (out []string) {
	all := map[string]bool{}
	for k := range old {
		all[k] = true
	}
	for k := range now {
		all[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if old[k] != now[k] && old[k] != masked {
			out = append(out, "'"+k+"'")
		}
	}
	return out
}

// operators compares what keeps state.
func (r *Report) operators(olds, nows []*statedata.Operator) {
	was := pair(olds, nows, func(o *statedata.Operator) string { return o.ID }, signature, keysOf)
	for i, o := range nows {
		item := Item{Kind: "operator", Name: o.Name, New: o.ID}
		if j, ok := was[i]; ok {
			item.Old = olds[j].ID
			item.compare(olds[j], o)
		} else {
			item.Verdict, item.Why = New, []string{"it begins empty, and sees what is read from now on"}
		}
		r.add(item)
	}
	for _, o := range unpaired(olds, was) {
		r.add(Item{Kind: "operator", Name: o.Name, Old: o.ID, Verdict: Lost, Why: []string{"the new job has no such operator, by its kind and its keys"}})
	}
}

// signature is what an operator does and keeps.
func signature(o *statedata.Operator) string {
	s := keysOf(o)
	for _, l := range o.Layouts() {
		s += "|" + l.Whole
		for _, w := range slices.Sorted(maps.Keys(l.Words)) {
			s += "," + l.Words[w].Origin
		}
		for _, p := range l.Row {
			s += "," + p.Origin
		}
	}
	return s
}

// keysOf is the kind of an operator with its terms, and the tables that it has with
// their keys.
func keysOf(o *statedata.Operator) string {
	if len(o.Layouts()) == 0 {
		return ""
	}
	s := o.Kind
	for _, t := range o.Terms() {
		s += ";" + t.Is
	}
	for _, t := range o.Tables {
		s += ";" + t.Name
		for _, k := range t.Key {
			s += "," + t.Columns[k].Name
		}
	}
	return s
}

// sinks compares the tables that are written.
func (r *Report) sinks(old, now *jobgraph.Graph) {
	type sink struct {
		id   string
		spec *jobgraph.Sink
	}
	of := func(g *jobgraph.Graph) (out []sink) {
		for _, v := range g.Vertices {
			for _, op := range v.Ops {
				if s, ok := op.Spec.(*jobgraph.Sink); ok {
					out = append(out, sink{op.ID, s})
				}
			}
		}
		return out
	}
	olds, nows := of(old), of(now)
	was := pair(olds, nows, func(s sink) string { return s.id },
		func(s sink) string { return s.spec.Table.Name },
		func(s sink) string { return s.spec.Connector + " " + optionsText(s.spec.Table.Options) })
	for i, s := range nows {
		j, ok := was[i]
		if !ok {
			r.add(Item{Kind: "sink", Name: s.spec.Table.Name, New: s.id, Verdict: New})
			continue
		}
		item := Item{Kind: "sink", Name: s.spec.Table.Name, Old: olds[j].id, New: s.id, Verdict: Kept}
		if olds[j].spec.Table.Name != s.spec.Table.Name {
			item.Why = []string{"it was called " + olds[j].spec.Table.Name}
		}
		if changed := changedOptions(olds[j].spec.Table.Options, s.spec.Table.Options); len(changed) > 0 {
			item.Why = append(item.Why, "its options have changed: "+strings.Join(changed, ", "))
		}
		r.add(item)
	}
	for _, o := range unpaired(olds, was) {
		r.add(Item{Kind: "sink", Name: o.spec.Table.Name, Old: o.id, Verdict: Lost, Why: []string{"the job does not write it any more; what it has is left as it is"}})
	}
}

// vertices finds which watermark is whose: they are kept by the first operator of a
// chain, or its source, and a chain may have got another head.
func (r *Report) vertices(old, now *jobgraph.Graph) {
	of := map[string]string{} // of an operator in the old job: its vertex
	for i := range old.Vertices {
		for _, id := range chain(&old.Vertices[i]) {
			of[id] = chain(&old.Vertices[i])[0]
		}
	}
	was := map[string]string{}
	for _, i := range r.Items {
		if i.Old != "" && i.New != "" {
			was[i.New] = i.Old
		}
	}
	for i := range now.Vertices {
		ids := chain(&now.Vertices[i])
		for _, id := range ids {
			before := id
			if b, ok := was[id]; ok {
				before = b
			}
			if v, ok := of[before]; ok {
				r.marks[ids[0]] = v
				break
			}
		}
	}
}

// chain are the ids of a vertex, from its head on.
func chain(v *jobgraph.Vertex) (ids []string) {
	if v.Source != nil {
		ids = append(ids, v.Source.ID)
	}
	for _, op := range v.Ops {
		ids = append(ids, op.ID)
	}
	return ids
}
