package checkpoint

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/fsys"
)

// A Found is the checkpoint that a user means by a path.
type Found struct {
	*Storage // of its folder
	Manifest *Manifest
	Path     string // of the manifest
}

// Find returns the checkpoint that a user means by a path:
//
//	a manifest, chk-N.json       that one
//	a savepoint's folder         it
//	a job's folder               its newest that is whole
//	a folder of jobs' folders    the same of the job named, or of the only one
//
// Of its files the ends are looked at. What is wrong with newer checkpoints than the
// one found goes to warn.
func Find(fs fsys.FS, name, job string, warn func(string)) (*Found, error) {
	name = strings.TrimPrefix(name, "file://")
	if e, ok := EpochOf(name); ok {
		return find(&Storage{FS: fs, Dir: path.Dir(name)}, e)
	}
	name = path.Clean(name)
	if dir, ok := savepointOf(fs, name); ok {
		return findSavepoint(&Storage{FS: fs, Dir: dir})
	}
	s := &Storage{FS: fs, Dir: name}
	if !s.Any() {
		var err error
		if s, err = s.below(job); err != nil {
			return nil, err
		}
	}
	m, err := s.Newest(warn)
	if err != nil {
		return nil, err
	}
	return &Found{s, m, s.manifest(m.Epoch)}, nil
}

func find(s *Storage, e base.Epoch) (*Found, error) {
	m, err := s.Load(e)
	if err == nil {
		err = s.Glance(m)
	}
	if err != nil {
		return nil, err
	}
	return &Found{s, m, s.manifest(e)}, nil
}

// below returns the folder of a job in a folder of jobs.
func (s *Storage) below(job string) (*Storage, error) {
	list, err := s.FS.List(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", s.Dir, err)
	}
	var jobs []string
	for _, f := range list {
		sub := &Storage{FS: s.FS, Dir: f.Name}
		if !f.Dir || !sub.Any() {
			continue
		}
		if path.Base(f.Name) == job {
			return sub, nil
		}
		jobs = append(jobs, path.Base(f.Name))
	}
	switch {
	case len(jobs) == 1 && job == "":
		return &Storage{FS: s.FS, Dir: path.Join(s.Dir, jobs[0])}, nil
	case len(jobs) > 0 && job == "":
		return nil, fmt.Errorf("%s has the checkpoints of several jobs, %s: name the folder of one", s.Dir, strings.Join(jobs, ", "))
	case len(jobs) > 0:
		return nil, fmt.Errorf("%s has no checkpoints of job %s: it has those of %s", s.Dir, job, strings.Join(jobs, ", "))
	}
	if _, err := s.FS.Stat(s.Dir); errors.Is(err, fsys.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist", ErrNoCheckpoint, s.Dir)
	}
	return nil, fmt.Errorf("%w in %s: one is a file chk-N.json in a job's folder, or the folder of a savepoint", ErrNoCheckpoint, s.Dir)
}

// ErrNoCheckpoint is returned, wrapped, for a folder that holds none.
var ErrNoCheckpoint = errors.New("there is no checkpoint")
