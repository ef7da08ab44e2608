package sim

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/vec"
)

// A change is one row that reached the sink.
type change struct {
	kind vec.RowKind
	cols [3]int64
}

// A sinkWorld is the system that the sink writes to: it survives crashes.
type sinkWorld struct {
	tokens  map[string][]change // written, by token
	order   []string
	visible map[string]bool
	rows    []change // visible, in the order of commits
}

func (s *sinkWorld) commit(tokens [][]byte) {
	for _, t := range tokens {
		if name := string(t); !s.visible[name] {
			rows, ok := s.tokens[name]
			if !ok {
				panic("a token to commit is gone: " + name)
			}
			s.visible[name] = true
			s.rows = append(s.rows, rows...)
		}
	}
}

func (s *sinkWorld) commitAll() {
	for _, name := range s.order {
		if _, ok := s.tokens[name]; ok {
			s.commit([][]byte{[]byte(name)})
		}
	}
}

// abort drops what is written and not visible.
func (s *sinkWorld) abort() {
	for name := range s.tokens {
		if !s.visible[name] {
			delete(s.tokens, name)
		}
	}
}

// A writer implements connect.Writer.
type writer struct {
	w    *sinkWorld
	name string
	n    int
	rows []change
}

func (w *writer) Write(b *vec.Batch) error {
	for i := range b.Len() {
		r := b.Row(i)
		c := change{kind: b.Kind(r)}
		for k := range c.cols {
			c.cols[k] = vec.Flat(b.Cols[k]).(*vec.Fixed[int64]).Vals[r]
		}
		w.rows = append(w.rows, c)
	}
	return nil
}

func (w *writer) Prepare(uint64) ([][]byte, error) {
	if len(w.rows) == 0 {
		return nil, nil
	}
	w.n++
	name := fmt.Sprintf("%s-%d", w.name, w.n)
	w.w.tokens[name] = slices.Clone(w.rows)
	w.w.order = append(w.w.order, name)
	w.rows = nil
	return [][]byte{[]byte(name)}, nil
}

func (w *writer) Close() error { return nil }
