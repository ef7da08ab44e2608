package filesystem

import (
	"errors"
	"sync"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/fsys"
)

// spares are files of row groups that a split has been read from and that the next
// split of the same file goes on with: to open one is to read its footer, which grows
// with the row groups, as the splits do.
type spares struct {
	mu   sync.Mutex
	open []opened
}

// sparesMax is as many as splits are open without being asked for.
const sparesMax = idleOpen

// opened is a file and what reads its row groups, one after the other.
type opened struct {
	file   file
	h      fsys.File
	reader format.FileReader
}

func (o opened) close() error { return errors.Join(o.reader.Close(), o.h.Close()) }

// take gives out a file that is open; it is the caller's.
func (s *spares) take(f file) (opened, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.open {
		if o.file.Path == f.Path && o.file.Size == f.Size && o.file.Time.Equal(f.Time) {
			s.open = append(s.open[:i], s.open[i+1:]...)
			return o, true
		}
	}
	return opened{}, false
}

// keep takes a file back; the one that was kept longest makes room for it.
func (s *spares) keep(o opened) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, o)
	if len(s.open) <= sparesMax {
		return nil
	}
	oldest := s.open[0]
	s.open = append(s.open[:0], s.open[1:]...)
	return oldest.close()
}

// close closes what is kept.
func (s *spares) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, o := range s.open {
		err = errors.Join(err, o.close())
	}
	s.open = nil
	return err
}
