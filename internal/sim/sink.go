package sim

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/vec"
)

// A change is one row that reached the sink.
type change struct {
	kind vec.RowKind
	cols [3]int64
}

// A sinkWorld is the system that the sink writes to: it survives crashes.
type sinkWorld struct {
	tokens    map[string]part // written, by token
	order     []string
	visible   map[string]bool
	committed []string // in the order of commits
}

// A part is what a token stands for: a file of a file system.
type part struct {
	epoch base.Epoch // the first that may hold its rows
	rows  []change
}

// rows are those that are visible, in the order of commits.
func (s *sinkWorld) rows() []change {
	var out []change
	for _, name := range s.committed {
		out = append(out, s.tokens[name].rows...)
	}
	return out
}

func (s *sinkWorld) commit(tokens [][]byte) {
	for _, t := range tokens {
		if name := string(t); !s.visible[name] {
			if _, ok := s.tokens[name]; !ok {
				panic("a token to commit is gone: " + name)
			}
			s.visible[name] = true
			s.committed = append(s.committed, name)
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

// takeBack drops what is visible of epochs behind one that a restart goes back to,
// and says how much that was.
func (s *sinkWorld) takeBack(epoch base.Epoch) int {
	n := len(s.committed)
	s.committed = slices.DeleteFunc(s.committed, func(name string) bool {
		if s.tokens[name].epoch <= epoch {
			return false
		}
		delete(s.tokens, name)
		delete(s.visible, name)
		return true
	})
	return n - len(s.committed)
}

// A writer implements connect.Writer.
type writer struct {
	w     *sinkWorld
	name  string
	epoch base.Epoch // the last that it has prepared for, or started from
	n     int
	rows  []change
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

func (w *writer) Prepare(epoch uint64) ([][]byte, error) {
	first := w.epoch + 1
	w.epoch = max(w.epoch, base.Epoch(epoch))
	if len(w.rows) == 0 {
		return nil, nil
	}
	w.n++
	name := fmt.Sprintf("%s-%d", w.name, w.n)
	w.w.tokens[name] = part{first, slices.Clone(w.rows)}
	w.w.order = append(w.w.order, name)
	w.rows = nil
	return [][]byte{[]byte(name)}, nil
}

func (w *writer) Close() error { return nil }
