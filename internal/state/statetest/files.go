// Package statetest has what tests of state need: a place for its files.
package statetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/state"
)

// Files are state.Files in memory. They may be away, and forbid to change a file.
type Files struct {
	mu      sync.Mutex
	of      map[string][]byte
	dropped map[string]bool
	away    bool
}

// ErrAway is what all methods return while the files are away.
var ErrAway = errors.New("storage is away")

// Away lets the files be away, or come back.
func (s *Files) Away(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// Put implements state.Files.
func (s *Files) Put(name string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return ErrAway
	}
	if old, ok := s.of[name]; ok && !bytes.Equal(old, data) {
		return fmt.Errorf("file %s changes", name)
	}
	if s.of == nil {
		s.of, s.dropped = map[string][]byte{}, map[string]bool{}
	}
	s.of[name] = bytes.Clone(data)
	return nil
}

// Set makes a file what it never was: damaged, say.
func (s *Files) Set(name string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[name] = data
}

// Get returns a file's contents, nil if there is none.
func (s *Files) Get(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[name]
}

// Names returns the files that were put and not dropped.
func (s *Files) Names() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.of {
		if !s.dropped[name] {
			out = append(out, name)
		}
	}
	return out
}

// Snapshot persists what a store has.
func Snapshot(t testing.TB, s state.Store, e base.Epoch) state.Handle {
	t.Helper()
	snap, err := s.Snapshot(e)
	if err != nil {
		t.Fatal(err)
	}
	h, err := snap.Persist()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Owner implements state.Files.
func (*Files) Owner() string { return "" }

// Drop implements state.Files. What no handle has named is gone.
func (s *Files) Drop(name string, named bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped == nil {
		s.dropped = map[string]bool{}
	}
	s.dropped[name] = true
	if !named {
		delete(s.of, name)
	}
}

// Open implements state.Files.
func (s *Files) Open(name string) (fsys.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, ErrAway
	}
	data, ok := s.of[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return file{bytes.NewReader(data)}, nil
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }
