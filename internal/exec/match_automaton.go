package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
)

// A matchAutomaton is a pattern as Flink compiles it (NFACompiler), with what
// distinguishes it from a regular expression:
//
//   - A row goes from state to state by one take; before it, a state may proceed to
//     the one behind it, which is asked about the same row.
//   - A state that loops takes, or proceeds. If its variable is greedy it proceeds
//     only with rows that the variable cannot take, and what follows takes only such
//     rows: A+ B never makes a B of a row that could be an A. Nothing is taken back.
//   - All else that is possible is tried side by side.
//
// A state has at most one edge that proceeds, so what a row can do in a state is
// found along one chain of states; their number is the pattern's length.
type matchAutomaton struct {
	states []matchState
	start  int
	vars   int
}

type matchState struct {
	edges []matchEdge
	tests []bool // by variable: its condition may be asked for
	ends  bool   // it may proceed to the end
}

type matchEdge struct {
	take bool
	v    int // what takes
	to   int
	lits []matchLit // all must hold
}

// A matchLit says that the row can be taken by v, or that it cannot.
type matchLit struct {
	v   int
	not bool
}

// matchEnd is the state of a finished match.
const matchEnd = 0

// A truth is what is known of a condition.
type truth int8

const (
	notKnown truth = iota
	isTrue
	isFalse
)

func truthOf(yes bool) truth {
	if yes {
		return isTrue
	}
	return isFalse
}

func newMatchAutomaton(vars []jobgraph.MatchVar) *matchAutomaton {
	a := &matchAutomaton{states: make([]matchState, 1), vars: len(vars)}
	for i := len(vars) - 1; i >= 0; i-- {
		a.start = a.variable(i, vars[i], a.start)
	}
	for s := range a.states {
		a.states[s].ends = a.reaches(s)
	}
	for s := range a.states {
		a.states[s].tests = a.reads(s)
	}
	return a
}

func (a *matchAutomaton) add(edges ...matchEdge) int {
	a.states = append(a.states, matchState{edges: edges})
	return len(a.states) - 1
}

// variable puts the states of a variable before sink and returns their first.
func (a *matchAutomaton) variable(i int, v jobgraph.MatchVar, sink int) int {
	is, isNot := []matchLit{{v: i}}, []matchLit{{v: i, not: true}}
	past := []matchLit(nil) // what leaves the variable without taking must fulfil
	if v.Greedy() {
		past = isNot
		for k := range a.states[sink].edges {
			e := &a.states[sink].edges[k]
			e.lits = append(slices.Clone(e.lits), isNot...)
		}
	}
	one := func(to int, optional bool) int {
		s := a.add(matchEdge{take: true, v: i, to: to, lits: is})
		if optional {
			a.states[s].edges = append(a.states[s].edges, matchEdge{to: sink, lits: past})
		}
		return s
	}
	last, least := sink, max(v.Min, 1)
	if v.Max < 0 {
		last = a.add()
		a.states[last].edges = []matchEdge{{to: sink, lits: past}, {take: true, v: i, to: last, lits: is}}
	}
	for k := least; k < v.Max; k++ {
		last = one(last, true)
	}
	for range least - 1 {
		last = one(last, false)
	}
	return one(last, v.Optional())
}

// reaches reports whether a state can proceed to the end.
func (a *matchAutomaton) reaches(s int) bool {
	for s != matchEnd {
		i := slices.IndexFunc(a.states[s].edges, func(e matchEdge) bool { return !e.take })
		if i < 0 {
			return false
		}
		s = a.states[s].edges[i].to
	}
	return true
}

// reads returns the variables whose conditions a row may be asked for in a state.
func (a *matchAutomaton) reads(s int) []bool {
	out := make([]bool, a.vars)
	a.walk(s, true, out)
	return out
}

func (a *matchAutomaton) walk(s int, takes bool, out []bool) {
	for next := -1; s >= 0; s, next = next, -1 {
		for _, e := range a.states[s].edges {
			if e.take && !takes {
				continue
			}
			for _, l := range e.lits {
				out[l.v] = true
			}
			switch {
			case !e.take:
				next = e.to
			case a.states[e.to].ends:
				a.walk(e.to, false, out)
			}
		}
	}
}

// hold reports whether an edge is open; need: that hangs on variable v.
func (e *matchEdge) hold(v int, known []truth) (yes, need bool) {
	yes = true
	for _, l := range e.lits {
		switch t := known[l.v]; {
		case t == notKnown:
			yes, need = false, need || l.v == v
		case (t == isTrue) == l.not:
			return false, false
		}
	}
	return yes, need && !yes
}

// needs reports whether the condition of v must be known to go on from a state, when
// those of the variables before v are known as far as they matter.
func (a *matchAutomaton) needs(s, v int, known []truth) bool {
	return a.states[s].tests[v] && known[v] == notKnown && a.asks(s, v, known, true)
}

func (a *matchAutomaton) asks(s, v int, known []truth, takes bool) bool {
	for next := -1; s >= 0; s, next = next, -1 {
		for k := range a.states[s].edges {
			e := &a.states[s].edges[k]
			if e.take && !takes {
				continue
			}
			yes, need := e.hold(v, known)
			switch {
			case need:
				return true
			case !yes:
			case !e.take:
				next = e.to
			case a.states[e.to].ends && a.asks(e.to, v, known, false):
				return true
			}
		}
	}
	return false
}

// takes calls f for each edge by which a row is taken, in Flink's order.
func (a *matchAutomaton) takes(s int, known []truth, f func(e *matchEdge)) {
	for next := -1; s >= 0; s, next = next, -1 {
		for k := range a.states[s].edges {
			e := &a.states[s].edges[k]
			if yes, _ := e.hold(-1, known); !yes {
				continue
			}
			if e.take {
				f(e)
			} else {
				next = e.to
			}
		}
	}
}

// finishes reports whether a match that has got to a state by a row may end there.
func (a *matchAutomaton) finishes(s int, known []truth) bool {
	if !a.states[s].ends {
		return false
	}
	for s != matchEnd {
		next := -1
		for k := range a.states[s].edges {
			e := &a.states[s].edges[k]
			if yes, _ := e.hold(-1, known); yes && !e.take {
				next = e.to
			}
		}
		if next < 0 {
			return false
		}
		s = next
	}
	return true
}
