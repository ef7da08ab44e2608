package statedata

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/internal/state/lsm"
)

// probeMax is how many entries of a table in each subtask are looked at where there is
// but one layout that they can have. Where there are two, all are.
const probeMax = 1000

// probe finds out which layouts an operator's tables have in a checkpoint that does not
// record them.
func (o *Operator) probe(files state.Files) error {
	if o.Opaque != nil {
		return nil //nolint:nilerr // it says why nobody can look into it
	}
	for i := range o.layouts {
		l := &o.layouts[i]
		if err := l.probe(o.Handles, files); err != nil {
			return err
		}
		o.other = o.other || l.Odd != "" || l.Short > 0
	}
	return nil
}

// probe looks at a table's entries: do they have its words, or fewer?
func (l *Layout) probe(handles []state.Handle, files state.Files) error {
	shapes := []keyed.Shape{l.Shape}
	for range l.lacks {
		shapes = append(shapes, l.fewer(shapes[len(shapes)-1]))
	}
	fits := make([]bool, len(shapes))
	for i := range fits {
		fits[i] = true
	}
	any := false
	for _, h := range handles {
		err := entries(h, files, l.Store, func(n int, val []byte) bool {
			any = true
			for i := range fits {
				fits[i] = fits[i] && shapes[i].Fits(l.Form, val)
			}
			return l.lacks > 0 || n < probeMax
		})
		if err != nil {
			return err
		}
	}
	if !any {
		return nil
	}
	which := -1
	for i, ok := range fits {
		switch {
		case ok && which >= 0:
			l.Odd = "it was written by an earlier version, in one of two layouts, and its entries do not say in which"
			return nil
		case ok:
			which = i
		}
	}
	if which < 0 {
		l.Odd = "it was written by an earlier version, in a layout that this one does not know"
		return nil
	}
	for n, w := l.words(), l.words()-which; w < n; w++ {
		delete(l.Words, w)
	}
	l.Shape, l.Short = shapes[which], which
	return nil
}

// fewer is a shape with one word less.
func (l *Layout) fewer(shape keyed.Shape) keyed.Shape {
	if l.Form.Rows() {
		shape.Extra--
	} else {
		shape.Words--
	}
	return shape
}

// words is how many words an entry has, or a row beside it.
func (l *Layout) words() int {
	if l.Form.Rows() {
		return l.Shape.Extra
	}
	return l.Shape.Words
}

// entries calls f with the number and the value of a table's entries in a handle, until
// it returns false.
func entries(h state.Handle, files state.Files, table string, f func(n int, val []byte) bool) error {
	s, err := lsm.Backend{}.Open("", h.Range, []state.Handle{h}, files)
	if err != nil {
		return err
	}
	defer s.Close()
	t, n := s.Table(table), 0
	for _, val := range t.Scan(nil, nil) {
		if n++; !f(n, val) {
			return nil
		}
	}
	if err := t.Err(); err != nil {
		return fmt.Errorf("table '%s': %w", table, err)
	}
	return nil
}
