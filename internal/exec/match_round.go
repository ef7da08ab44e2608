package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
)

// A matchRound takes one row of each of several partitions through the automaton.
type matchRound struct {
	m     *Match
	steps []matchStep
	tests []matchTest
	known []truth // of each test, by variable

	rows  []int32 // that are kept
	slots []keyed.Slot
	refs  []keyed.Ref

	asked []int // the tests for which a variable is asked
	at    []int32
	views []matchView
	taken [][]takenRow // by variable
	edges []*matchEdge
}

// A matchStep is the row of a partition and its tests.
type matchStep struct {
	part     *matchPart
	row      int32
	from, to int
}

// A matchTest is an attempt and the row that it may take.
type matchTest struct {
	step int
	at   *attempt
}

// A takenRow is one that an attempt has taken.
type takenRow struct {
	at  *attempt
	ref keyed.Ref
}

func (r *matchRound) run(active []matchRun, perm []int32) error {
	r.steps, r.tests, r.rows = r.steps[:0], r.tests[:0], r.rows[:0]
	for i := range active {
		a := &active[i]
		row := perm[a.at]
		a.at++
		if err := r.m.advance(a.part, r.m.times[row]); err != nil {
			return err
		}
		if len(a.part.open) == 0 && !r.begins(row) {
			r.m.drop(a.part)
			a.part.next++
			continue
		}
		r.steps = append(r.steps, matchStep{part: a.part, row: row})
		r.rows = append(r.rows, row)
	}
	if len(r.steps) == 0 {
		return nil
	}
	r.keep()
	for v := range r.m.spec.Vars {
		if err := r.ask(v); err != nil {
			return err
		}
	}
	r.taken = make([][]takenRow, len(r.m.spec.Vars))
	for i := range r.steps {
		if err := r.step(&r.steps[i]); err != nil {
			return err
		}
	}
	if err := r.m.exceeded(); err != nil {
		return err
	}
	return r.count()
}

// begins reports whether an attempt may begin with a row, as far as that can be told
// from the row alone.
func (r *matchRound) begins(row int32) bool {
	a := r.m.auto
	known := make([]truth, a.vars)
	may := false
	for v, reads := range a.states[a.start].tests {
		if !reads {
			continue
		}
		if r.m.plain[v] == nil {
			return true
		}
		known[v] = r.m.plain[v][row]
	}
	a.takes(a.start, known, func(*matchEdge) { may = true })
	return may
}

// keep adds the rows to their partitions and lists the tests.
func (r *matchRound) keep() {
	m := r.m
	slots, _ := m.group.upsert(&m.rows.Table, m.batch.Cols, r.rows, m.batch.Rows)
	r.slots = append(r.slots[:0], slots...)
	r.refs = grow(r.refs, len(r.rows))
	m.rows.AddRows(r.slots, pick(m.batch.Cols, m.exprs.kept), r.rows, r.refs)
	for i := range r.steps {
		s := &r.steps[i]
		p := s.part
		first := p.next
		p.refs = append(p.refs, r.refs[i])
		p.next++
		s.from = len(r.tests)
		for _, a := range p.open {
			r.tests = append(r.tests, matchTest{i, a})
		}
		fresh := &attempt{state: m.auto.start, first: first, time: m.times[s.row], ends: make([]uint32, m.auto.vars)}
		if m.exprs.accs > 0 {
			fresh.accs = make([]uint64, m.exprs.accs)
		}
		r.tests = append(r.tests, matchTest{i, fresh})
		s.to = len(r.tests)
	}
	r.known = grow(r.known, len(r.tests)*m.auto.vars)
	clear(r.known)
}

// knows returns what is known of the conditions for a test.
func (r *matchRound) knows(test int) []truth {
	n := r.m.auto.vars
	return r.known[test*n : test*n+n]
}

// ask evaluates the condition of a variable where it matters.
func (r *matchRound) ask(v int) error {
	m := r.m
	r.asked = r.asked[:0]
	for i, t := range r.tests {
		known := r.knows(i)
		if !m.auto.needs(t.at.state, v, known) {
			continue
		}
		if list := m.plain[v]; list != nil {
			known[v] = list[r.steps[t.step].row]
			continue
		}
		r.asked = append(r.asked, i)
	}
	if len(r.asked) == 0 {
		return nil
	}
	r.at, r.views = grow(r.at, len(r.asked)), grow(r.views, len(r.asked))
	for k, i := range r.asked {
		t := r.tests[i]
		p := r.steps[t.step].part
		refs := p.refs[t.at.first-p.base():]
		r.at[k] = r.steps[t.step].row
		r.views[k] = matchView{refs: refs, ends: t.at.ends, n: uint32(len(refs) - 1), test: v, accs: t.at.accs}
	}
	yes, err := m.exprs.test(m.exprs.conds[v], m.rows, m.batch, r.at, r.views)
	if err != nil {
		return err
	}
	for k, i := range r.asked {
		r.knows(i)[v] = truthOf(yes(k))
	}
	return nil
}

// step moves the attempts of a partition on and tells its matches.
func (r *matchRound) step(s *matchStep) error {
	m, p := r.m, s.part
	ref := p.refs[len(p.refs)-1]
	p.open = p.open[:0] // the attempts are in tests
	made := 0           // attempts with one first row
	for i := s.from; i < s.to; i++ {
		a, known := r.tests[i].at, r.knows(i)
		if i == s.from || a.first != r.tests[i-1].at.first {
			made = 0
		}
		n := uint32(p.next - 1 - a.first)
		r.edges = r.edges[:0]
		m.auto.takes(a.state, known, func(e *matchEdge) { r.edges = append(r.edges, e) })
		for k, e := range r.edges {
			if m.auto.finishes(e.to, known) {
				f := &finished{first: a.first, ends: slices.Clone(a.ends)}
				take(f.ends, e.v, n)
				p.done.add(f)
			}
			if e.to == matchEnd {
				continue
			}
			next := a // the last edge has the attempt itself
			if k < len(r.edges)-1 {
				next = &attempt{first: a.first, time: a.time, ends: slices.Clone(a.ends), accs: slices.Clone(a.accs)}
			}
			next.state = e.to
			take(next.ends, e.v, n)
			if made++; made > twinsMax && m.same(p.open, next, n+1) {
				continue
			}
			p.open = append(p.open, next)
			if m.exprs.accs > 0 {
				r.taken[e.v] = append(r.taken[e.v], takenRow{next, ref})
			}
		}
	}
	m.account(p)
	return m.tell(p, m.times[s.row])
}

// twinsMax is how many attempts with one first row are kept without asking whether
// they can differ: which one of several finished matches is told depends on all.
const twinsMax = 32

// same reports whether an attempt will do what one of the last of a list does.
func (m *Match) same(open []*attempt, x *attempt, n uint32) bool {
	for i := len(open) - 1; i >= 0 && open[i].first == x.first; i-- {
		if open[i].state != x.state {
			continue
		}
		equal := true
		for _, v := range m.looks[x.state] {
			from, to := varRows(open[i].ends, v, n)
			from2, to2 := varRows(x.ends, v, n)
			equal = equal && (from == from2 && to == to2 || from == to && from2 == to2)
		}
		if equal {
			return true
		}
	}
	return false
}

// count brings the aggregates of the attempts up to date.
func (r *matchRound) count() error {
	m := r.m
	for _, g := range m.exprs.steps {
		var list []*attempt
		var refs []keyed.Ref
		for v, taken := range r.taken {
			if !g.counts(v) {
				continue
			}
			for _, t := range taken {
				list, refs = append(list, t.at), append(refs, t.ref)
			}
		}
		if len(list) == 0 {
			continue
		}
		if err := g.took(m.rows, m.exprs, list, refs); err != nil {
			return err
		}
	}
	return nil
}
