package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
)

// How closely a checkpoint is looked at. A restore that reads all bytes first takes as
// long as the state is large; one that looks at the ends of the files begins at once,
// and the rest is read beside the job's work, by who reads the entries and by Verify.
// Until that is done Retain deletes no manifest that was there before: it is what the
// job goes back to if something is wrong after all.

// Latest returns the newest checkpoint that is whole, to the last byte of the files
// that it names, or nil when there is none. What is wrong with newer ones goes to warn.
// It is an error when there are checkpoints and none is whole.
func (s *Storage) Latest(warn func(string)) (*Manifest, error) {
	return s.newest(warn, func(m *Manifest) error { return s.Verify(context.Background(), m) })
}

// Newest is Latest, but for the contents of the files: they are there, of the right
// length, and their indexes can be read.
func (s *Storage) Newest(warn func(string)) (*Manifest, error) { return s.newest(warn, s.Glance) }

func (s *Storage) newest(warn func(string), whole func(*Manifest) error) (*Manifest, error) {
	epochs, err := s.Epochs()
	if err != nil || len(epochs) == 0 {
		return nil, err
	}
	var last error
	for i := len(epochs) - 1; i >= 0; i-- {
		m, err := s.Load(epochs[i])
		if err == nil {
			err = whole(m)
		}
		if err == nil && m.Finished && last != nil {
			break // a run has no checkpoint behind its end: this is the end of an earlier one
		}
		if err == nil {
			return m, nil
		}
		last = err
		if !errors.Is(err, state.ErrCorrupt) && !errors.Is(err, fsys.ErrNotExist) {
			return nil, err
		}
		warn(fmt.Sprintf("checkpoint %d of %s cannot be used: %v", epochs[i], s.Dir, err))
	}
	return nil, fmt.Errorf("no checkpoint in %s can be used: %w", s.Dir, last)
}

// Glance looks at the length and the index of the files that a manifest names.
func (s *Storage) Glance(m *Manifest) error {
	return s.each(m, func(name string, f state.File, in fsys.File) error { return lsm.Check(name, in) })
}

// Verify reads all files that a manifest names and checks their checksums, until ctx
// ends.
func (s *Storage) Verify(ctx context.Context, m *Manifest) error {
	buf := make([]byte, verifyBytes)
	return s.each(m, func(name string, f state.File, in fsys.File) error {
		sum := xxh3.New()
		for at := int64(0); at < f.Bytes; at += int64(len(buf)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			part := buf[:min(int64(len(buf)), f.Bytes-at)]
			if n, err := in.ReadAt(part, at); n < len(part) {
				return fmt.Errorf("read %s: %w", name, errors.Join(err, io.ErrUnexpectedEOF))
			}
			_, _ = sum.Write(part) // a hash takes all
		}
		if sum.Sum64() != f.Sum {
			return fmt.Errorf("%w: %s fails its checksum", state.ErrCorrupt, name)
		}
		return nil
	})
}

// verifyBytes is how much of a file is read at a time.
const verifyBytes = 1 << 20

// each opens the files that a manifest names, each once, and checks their lengths.
func (s *Storage) each(m *Manifest, look func(name string, f state.File, in fsys.File) error) error {
	seen := map[string]bool{}
	for f := range m.Files() {
		if seen[f.Name] {
			continue
		}
		seen[f.Name] = true
		if err := s.look(f, look); err != nil {
			return err
		}
	}
	return nil
}

func (s *Storage) look(f state.File, look func(name string, f state.File, in fsys.File) error) error {
	in, err := s.Open(f.Name)
	if err != nil {
		return err
	}
	defer in.Close()
	name := path.Join(s.Dir, "shared", f.Name)
	if in.Size() != f.Bytes {
		return fmt.Errorf("%w: %s has %d bytes instead of %d", state.ErrCorrupt, name, in.Size(), f.Bytes)
	}
	return look(name, f, in)
}

// Keep keeps Retain from deleting the manifests up to an epoch; 0 lets it.
func (s *Storage) Keep(upTo base.Epoch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = upTo
}

func (s *Storage) keeps(e base.Epoch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e <= s.kept && s.kept > 0
}
