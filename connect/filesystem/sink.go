package filesystem

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/fsys"
)

// sink is a table that is written.
type sink struct {
	*layout
	env      Env
	write    connect.Write
	fs       fsys.FS
	name     string // of the path in fs
	prefix   string // of the names of this sink's files
	compress string
	stage    string // where an overwrite collects its files; "": in the table itself

	fileSize int64
	rollover time.Duration
	inactive time.Duration
	check    time.Duration

	commit commitPolicy
}

func newSink(env Env, t connect.Table, w connect.Write) (connect.Sink, error) {
	l, err := newLayout(t, w.Zone)
	if err != nil {
		return nil, err
	}
	if l.format.Encoder == nil && l.format.Create == nil {
		return nil, fmt.Errorf("table %s: format '%s' cannot be written", t.Name, l.format.Name)
	}
	if err := l.checkPartitionTypes(); err != nil {
		return nil, err
	}
	if w.Overwrite && !w.Bounded {
		return nil, fmt.Errorf("table %s: INSERT OVERWRITE needs a job that ends by itself: run it in batch mode", t.Name)
	}
	s := &sink{layout: l, env: env, write: w, prefix: "part-" + safeName(w.JobID) + "-", compress: t.Options.String("sink.compression", "none")}
	if s.fs, s.name, err = env.Open(l.path); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	if sw, ok := s.fs.(fsys.Swapper); ok && w.Overwrite {
		s.stage, _ = sw.Stage(s.name, safeName(w.JobID))
	}
	var errs [5]error
	o := t.Options
	s.fileSize, errs[0] = o.Size("sink.rolling-policy.file-size", 128<<20)
	s.rollover, errs[1] = o.Duration("sink.rolling-policy.rollover-interval", 30*time.Minute)
	s.inactive, errs[2] = o.Duration("sink.rolling-policy.inactivity-interval", 30*time.Minute)
	s.check, errs[3] = o.Duration("sink.rolling-policy.check-interval", time.Minute)
	s.commit, errs[4] = newCommitPolicy(l)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	// options and types are wrong at once, not when the first row comes
	if l.format.Encoder != nil {
		if _, err := l.format.Encoder(l.spec(nil)); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return s, nil
}

// target is the folder that part files are written below.
func (s *sink) target() string {
	if s.stage != "" {
		return s.stage
	}
	return s.name
}

// safeName writes an id as a part of a file's name: without '-', which ends it
// there, so that no sink's prefix is the beginning of another's.
func safeName(id string) string {
	var out []byte
	for i := range len(id) {
		switch c := id[i]; {
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
			out = append(out, c)
		case c == '-':
			out = append(out, '.')
		default:
			out = fmt.Appendf(out, "%%%02X", c)
		}
	}
	return string(out)
}

// fileName names a part file:
//
//	part-<run>-<epoch>-<attempt>-<subtask>-<n>
//
// epoch is the first that may hold the file's rows: one more than the last for
// which its writer has prepared, or which it started from. So a checkpoint e covers
// exactly the files whose epoch is not above e. If it is above, the writer had
// passed the barrier of e when the first row came; if not, the writer had not, and
// e, which waited for that writer's acknowledgement or end, holds what it prepared.
// That an epoch is given up, and its files commit with a later one, changes neither.
func (s *sink) fileName(epoch uint64, attempt string, subtask, n int) string {
	return fmt.Sprintf("%s%d-%s-%d-%d%s", s.prefix, epoch, attempt, subtask, n, s.extension())
}

// epochOf is the inverse of fileName; not ok if the name is no file's of this run.
func (s *sink) epochOf(name string) (uint64, bool) {
	rest, ok := strings.CutPrefix(name, s.prefix)
	if !ok {
		return 0, false
	}
	digits, _, ok := strings.Cut(rest, "-")
	e, err := strconv.ParseUint(digits, 10, 64)
	return e, ok && err == nil
}

// Accepts implements connect.Sink.
func (s *sink) Accepts() connect.Changes {
	if s.format.Kinds {
		return connect.AllChanges
	}
	return connect.AppendOnly
}

// Writer implements connect.Sink.
func (s *sink) Writer(subtask int) (connect.Writer, error) { return newWriter(s, subtask), nil }

// Committer implements connect.Sink.
func (s *sink) Committer() (connect.Committer, error) {
	return &committer{s: s, waiting: map[string]*waiting{}}, nil
}

// prepared is what a writer hands to the committer: a file, or without a token
// only how far its watermark is.
type prepared struct {
	Token     string `json:"token,omitempty"`
	Name      string `json:"name,omitempty"`
	Partition string `json:"partition,omitempty"`
	Subtask   int    `json:"subtask"`
	Watermark *int64 `json:"watermark,omitempty"` // µs
}

func (p prepared) bytes() []byte {
	b, _ := json.Marshal(p) // strings and numbers cannot fail
	return b
}

func preparedOf(b []byte) (prepared, error) {
	var p prepared
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("filesystem: what was prepared is not readable: %w", err)
	}
	return p, nil
}
