package millrace

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// A job's id names its folder in the checkpoint folder, and what its sinks write. It
// is made of what belongs to the job alone, so that a statement put before it in the
// script does not change it:
//
//	out               the sink tables' names
//	nightly-out       … behind pipeline.name, where it is set
//	out-2             … and a number, if another job of the script has that id already
//
// Earlier versions counted statements: 1-out. A folder of that name is gone on with
// by --restore latest, as the k'th of its kind for the k'th job of the id.

// name gives a job its id; slug says what it writes.
func (s *Session) name(j *Job, slug string) error {
	j.base = slug
	if name := s.opts.String(bind.OptName); name != "" {
		j.base = identifier(name) + "-" + j.base
	}
	nth := 1
	for _, other := range s.Jobs() {
		if other.base == j.base {
			nth++
		}
	}
	j.ID = j.base
	if nth > 1 {
		j.ID += "-" + strconv.Itoa(nth)
	}
	if dir := s.checkpointDir(); dir != "" && s.cfg.Restore == "latest" && !j.Batch {
		return s.rename(j, dir, slug, nth)
	}
	return nil
}

// rename gives a job the id that an earlier version gave it, if its checkpoints are
// there and none under its own.
func (s *Session) rename(j *Job, dir, slug string, nth int) error {
	if (&checkpoint.Storage{FS: s.fs, Dir: path.Join(dir, j.ID)}).Any() {
		return nil
	}
	list, err := s.fs.List(dir)
	if err != nil {
		return fmt.Errorf("list checkpoints: %w", err)
	}
	var old []int
	for _, f := range list {
		digits, rest, ok := strings.Cut(path.Base(f.Name), "-")
		if n, err := strconv.Atoi(digits); ok && err == nil && n > 0 && rest == slug && f.Dir {
			old = append(old, n)
		}
	}
	if slices.Sort(old); nth <= len(old) {
		j.ID = fmt.Sprintf("%d-%s", old[nth-1], slug)
	}
	return nil
}

// slug names a job by what it writes.
func slug(lj *logical.Job) string {
	var parts []string
	for _, r := range lj.Roots {
		if sink, ok := r.(*logical.Sink); ok {
			parts = append(parts, sink.Table.Path.Name)
		}
	}
	return slugOf(parts)
}

func slugOf(tables []string) string {
	if len(tables) == 0 {
		return "select"
	}
	return identifier(strings.Join(tables, "-"))
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// identifier makes a part of a file's name of a text.
func identifier(text string) string {
	name := notInID.ReplaceAllString(text, "-")
	return name[:min(len(name), 60)]
}
