package evolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/internal/statedata"
	"github.com/millrace-io/millrace/types"
)

// A tableChange is how the entries of a table are written anew.
type tableChange struct {
	from, to  keyed.Shape
	form      keyed.Form
	words     []int // by new word: the old one, empty or now
	row       []int // by new column: the old one; nil if the rows stay as they are
	fromTypes []types.Type
	toTypes   []types.Type
	image     [2]int // the words that have rows as blobs, old and new; -1
	sent      int    // the old word that says that an entry has been sent, -1 if none does
	sentIs    uint64 // … and its value then: before, an entry has no time
}

// Words that no old one becomes.
const (
	empty = -1
	now   = -2 // the time, in milliseconds
)

// compare says what becomes of an operator's state.
func (it *Item) compare(old, new *statedata.Operator) {
	refuse := func(format string, args ...any) {
		it.Verdict = Refused
		it.Why = append(it.Why, fmt.Sprintf(format, args...))
	}
	it.Verdict = Kept
	switch {
	case old.Kind != new.Kind:
		refuse("it was a %s, and is a %s", old.Kind, new.Kind)
		return
	case old.Opaque != nil || new.Opaque != nil:
		it.Why = append(it.Why, "what it keeps is its own: it is taken as it is")
		return
	case len(new.Layouts()) == 0:
		it.Verdict = Rebuilt
		return
	}
	it.terms(old, new, refuse)
	it.sets(old, new, refuse)
	for i := range old.Layouts() {
		if o := &old.Layouts()[i]; o.Odd != "" {
			refuse("table '%s': %s", o.Store, o.Odd)
		}
	}
	if it.Verdict == Refused {
		return
	}
	for i := range new.Layouts() {
		l := &new.Layouts()[i]
		o := counterpart(old, l)
		if o == nil {
			if l.Of != "" && it.newCalls(old, new) {
				continue // the values of a call that begins empty
			}
			if l.Timers() {
				continue // the operator makes them from what they are about
			}
			refuse("it needs table '%s', which the state does not have", l.Store)
			continue
		}
		it.table(o, l, refuse)
	}
	if it.Verdict == Refused {
		it.tables = nil
	}
}

// counterpart is the old table that a new one was.
func counterpart(old *statedata.Operator, l *statedata.Layout) *statedata.Layout {
	for i := range old.Layouts() {
		o := &old.Layouts()[i]
		if l.Of == "" && o.Store == l.Store || l.Of != "" && o.Of == l.Of && o.By == l.By && counters(o) == counters(l) {
			return o
		}
	}
	return nil
}

// counters is how many words beside a value are not its time.
func counters(l *statedata.Layout) int {
	n := l.Shape.Extra
	for _, p := range l.Words {
		if p.Stamp() {
			n--
		}
	}
	return n
}

// newCalls reports whether the new operator has calls that the old one had not.
func (it *Item) newCalls(old, new *statedata.Operator) bool {
	had := callsOf(old)
	for c := range callsOf(new) {
		if !had[c] {
			return true
		}
	}
	return false
}

func callsOf(o *statedata.Operator) map[string]bool {
	out := map[string]bool{}
	for _, l := range o.Layouts() {
		for _, w := range l.Words {
			if w.Call != "" {
				out[w.Call] = true
			}
		}
	}
	return out
}

// table says how a table becomes another.
func (it *Item) table(old, new *statedata.Layout, refuse func(string, ...any)) {
	if old.Form != new.Form {
		refuse("table '%s' is kept in another way", new.Store)
		return
	}
	if old.Whole != new.Whole {
		refuse("its windows are kept with all of their results, which were %s, and are %s", old.Whole, new.Whole)
		return
	}
	if len(old.Shape.Key) != len(new.Shape.Key) {
		refuse("its key has %d columns, and had %d", len(new.Shape.Key), len(old.Shape.Key))
		return
	}
	for i, t := range new.Shape.Key {
		if was := old.Shape.Key[i]; !keyStays(was, t) {
			refuse("column %d of its key was %s, and is %s", i+1, was.Name(), t.Name())
		}
	}
	c := tableChange{from: old.Shape, to: new.Shape, form: new.Form, image: [2]int{old.Image, new.Image}, sent: -1}
	for w, p := range old.Words {
		if p.Origin == "sent" && p.Type.Kind == types.Boolean {
			c.sent, c.sentIs = w, p.True
		}
	}
	changed := it.mapWords(old, new, &c, refuse)
	changed = it.mapRows(old, new, &c, refuse) || changed || old.Store != new.Store
	if changed && it.Verdict != Refused {
		it.Verdict = Migrated
		it.tables = append(it.tables, c)
	} else if it.Verdict != Refused {
		it.tables = append(it.tables, tableChange{from: old.Shape, to: new.Shape, form: new.Form}) // as it is, if others change
	}
}

// mapWords finds the old word of each new one.
func (it *Item) mapWords(old, new *statedata.Layout, c *tableChange, refuse func(string, ...any)) (changed bool) {
	words := func(l *statedata.Layout) int {
		if l.Form.Rows() {
			return l.Shape.Extra
		}
		return l.Shape.Words
	}
	had, has := words(old), words(new)
	at := map[string]int{}
	for w, p := range old.Words {
		at[p.Origin] = w
	}
	renamed := map[string]string{}
	if !it.unset {
		renamed = renamedCalls(old, new)
	}
	was := func(p statedata.Part) (int, bool) {
		origin := p.Origin
		if before, ok := renamed[p.Call]; ok {
			origin = before + strings.TrimPrefix(origin, p.Call)
		}
		from, ok := at[origin]
		return from, ok && (p.Call == "" || typeStays(old.Words[from].Type, p.Type))
	}
	fresh := map[string]bool{} // calls of which not all is there
	for _, p := range new.Words {
		if _, ok := was(p); !ok && p.Call != "" {
			fresh[p.Call] = true
			delete(renamed, p.Call)
		}
	}
	used := map[int]bool{}
	c.words = make([]int, has)
	for w := range has {
		p, said := new.Words[w]
		from, ok := was(p)
		before, saidBefore := old.Words[w]
		switch {
		case w == new.Image && new.Image >= 0:
			c.words[w] = old.Image
		case !said && w < had && !saidBefore:
			c.words[w] = w // the operator's own
		case !said && w < had && before.Stamp():
			c.words[w] = w // the time of a last change, which nobody asks for any more
		case !said && (has == 1 || w >= has-old.Short):
			c.words[w] = empty // there is always a word; or earlier versions had none for it
		case !said:
			refuse("what it keeps beside its columns has changed")
		case p.Call != "" && fresh[p.Call]:
			c.words[w] = empty
		case ok:
			c.words[w] = from
		case p.Stamp():
			c.words[w] = now
			it.Why = append(it.Why, "its entries live from now on for the new time to live")
		case p.Origin == "rows":
			refuse("it has to count the rows of a group, which the state does not")
		default:
			refuse("it needs '%s' with each entry, which the state does not have", p.Origin)
		}
		used[c.words[w]] = true
	}
	for _, call := range slices.Sorted(maps.Keys(fresh)) {
		it.Why = append(it.Why, call+" is new: it begins empty, and knows rows from now on")
	}
	gone := map[string]bool{}
	for w, p := range old.Words {
		if !used[w] && p.Call != "" {
			gone[p.Call] = true
		}
	}
	for _, call := range slices.Sorted(maps.Keys(gone)) {
		it.Why = append(it.Why, call+" is left out")
	}
	for call, was := range renamed {
		if call != was {
			it.Why = append(it.Why, fmt.Sprintf("%s goes on from %s", call, was))
		}
	}
	if had != has || !slices.Equal(old.Shape.Blobs, new.Shape.Blobs) {
		return true
	}
	for w, from := range c.words {
		if w != from {
			return true
		}
	}
	return false
}

// renamedCalls finds the old call of calls whose arguments are computed in another way:
// where as many calls of a function are new as are gone, one follows the other, in
// order. A constant that has changed does not make what was counted void.
func renamedCalls(old, new *statedata.Layout) map[string]string {
	list := func(l, other *statedata.Layout) map[string][]string {
		have := map[string]bool{}
		for _, p := range other.Words {
			have[p.Call] = true
		}
		out := map[string][]string{}
		for _, w := range slices.Sorted(maps.Keys(l.Words)) {
			call := l.Words[w].Call
			if call == "" || have[call] {
				continue
			}
			f, _, _ := strings.Cut(call, "(")
			if !slices.Contains(out[f], call) {
				out[f] = append(out[f], call)
			}
		}
		return out
	}
	gone, fresh := list(old, new), list(new, old)
	out := map[string]string{}
	for f, calls := range fresh {
		if len(gone[f]) != len(calls) {
			continue
		}
		for i, call := range calls {
			out[call] = gone[f][i]
		}
	}
	return out
}

// mapRows finds the old column of each new one.
func (it *Item) mapRows(old, new *statedata.Layout, c *tableChange, refuse func(string, ...any)) (changed bool) {
	if len(old.Row) == 0 && len(new.Row) == 0 {
		return false
	}
	if old.Of != "" { // values, in a form of their own
		if !slices.EqualFunc(old.Shape.Row, new.Shape.Row, func(a, b types.Type) bool { return a.Phys() == b.Phys() }) {
			refuse("the values of %s are kept in another form", old.Of)
		}
		return false
	}
	var row []int
	for _, p := range new.Row {
		i := slices.IndexFunc(old.Row, func(o statedata.Part) bool { return o.Origin == p.Origin })
		if i < 0 {
			refuse("its rows need column %s, which those of the state do not have; a job that starts anew has it", p.Origin)
			continue
		}
		was := old.Row[i].Type
		if !widens(was, p.Type) {
			refuse("column %s was %s, and is %s, which cannot hold all of it", p.Origin, was.Name(), p.Type.Name())
			continue
		}
		changed = changed || i != len(row) || was.Phys() != p.Type.Phys()
		row = append(row, i)
	}
	if changed = changed || len(old.Row) != len(new.Row); changed {
		c.row = row
		for _, p := range old.Row {
			c.fromTypes = append(c.fromTypes, p.Type)
		}
		for _, p := range new.Row {
			c.toTypes = append(c.toTypes, p.Type)
		}
		for i, p := range old.Row {
			if !slices.Contains(row, i) {
				it.Why = append(it.Why, "column "+p.Origin+" is left out of its rows")
			}
		}
	}
	return changed
}

// whole reports whether values of a type are whole numbers of up to 64 bits.
func whole(t types.Type) bool {
	switch t.Kind {
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		return true
	}
	return false
}

// keyStays reports whether keys of one type are those of another: numbers have one form
// whatever their width.
func keyStays(was, is types.Type) bool {
	if whole(was) && whole(is) {
		return is.Phys() >= was.Phys()
	}
	return was.Phys() == is.Phys() && was.Kind == is.Kind && was.Scale == is.Scale
}

// typeStays reports whether the words of an accumulator mean the same.
func typeStays(was, is types.Type) bool {
	return was.Phys() == is.Phys() && was.Approx() == is.Approx() || whole(was) && whole(is)
}

// widens reports whether all values of a type are values of another.
func widens(was, is types.Type) bool {
	switch {
	case whole(was) && whole(is):
		return is.Phys() >= was.Phys()
	case was.Kind == types.Float && is.Kind == types.Double:
		return true
	case was.Kind == types.Decimal && is.Kind == types.Decimal:
		return was.Scale == is.Scale && is.Prec >= was.Prec
	case was.Phys() == types.PhysBytes:
		return is.Phys() == types.PhysBytes
	}
	return was.Phys() == is.Phys() && (was.Kind == is.Kind || was.Phys() == types.PhysInt64)
}
