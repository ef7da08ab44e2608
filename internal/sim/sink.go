package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/vec"
)

// A change is one row that reached the sink.
type change struct {
	kind vec.RowKind
	cols row
}

const changeBytes = 1 + 3*8

// outDir is where the sink's files are. A file is named <run>-e<epoch>-<writer>-<n>, by
// the run of the job and the first epoch that may hold its rows.
const outDir = "out"

// A writer implements connect.Writer: pending files on the disk, which the coordinator
// commits.
type writer struct {
	fs    fsys.FS
	run   string
	name  string
	epoch base.Epoch // the last that it has prepared for, or started from
	n     int
	file  fsys.Pending
}

func (w *writer) Write(b *vec.Batch) error {
	if w.file == nil {
		var err error
		w.n++
		if w.file, err = w.fs.Create(path.Join(outDir, fmt.Sprintf("%s-e%06d-%s-%d", w.run, w.epoch+1, w.name, w.n))); err != nil {
			return err
		}
	}
	var out []byte
	for i := range b.Len() {
		r := b.Row(i)
		out = append(out, byte(b.Kind(r)))
		for k := range 3 {
			c := null
			if v := vec.Flat(b.Cols[k]).(*vec.Fixed[int64]); !v.Null(r) {
				c = v.Vals[r]
			}
			out = binary.LittleEndian.AppendUint64(out, uint64(c))
		}
	}
	_, err := w.file.Write(out)
	return err
}

func (w *writer) Prepare(epoch uint64) ([][]byte, error) {
	w.epoch = max(w.epoch, base.Epoch(epoch))
	if w.file == nil {
		return nil, nil
	}
	token, err := w.file.Prepare()
	if w.file = nil; err != nil {
		return nil, err
	}
	return [][]byte{[]byte(token)}, nil
}

func (w *writer) Close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Discard()
}

// A ledger is what is known of the sink's files from outside: in which order they were
// committed.
type ledger struct{ files []string }

// renamed is told of every file that gets another name.
func (l *ledger) renamed(to string) {
	if path.Dir(to) == outDir {
		l.files = append(l.files, path.Base(to))
	}
}

// commit makes what was prepared visible.
func commit(fs fsys.FS, tokens [][]byte) error {
	for _, t := range tokens {
		if err := fs.Commit(string(t)); err != nil {
			return err
		}
	}
	return nil
}

func visible(fs fsys.FS) (map[string]bool, error) {
	list, err := fs.List(outDir)
	out := map[string]bool{}
	for _, f := range list {
		out[path.Base(f.Name)] = true
	}
	return out, err
}

// abort drops what is written and not visible.
func abort(fs fsys.FS) error {
	list, err := fs.Uncommitted(outDir)
	for _, u := range list {
		err = errors.Join(err, fs.Abort(u.Token))
	}
	return err
}

// commitAll is a bug: it commits what it should drop.
func commitAll(fs fsys.FS) error {
	list, err := fs.Uncommitted(outDir)
	for _, u := range list {
		err = errors.Join(err, fs.Commit(u.Token))
	}
	return err
}

// takeBack drops what is visible of a run's epochs behind one that a restart goes back
// to, and says how much that was.
func takeBack(fs fsys.FS, run string, epoch base.Epoch) (n int, err error) {
	list, err := fs.List(outDir)
	for _, f := range list {
		rest, own := strings.CutPrefix(path.Base(f.Name), run+"-e")
		if !own {
			continue
		}
		var first base.Epoch
		if _, err := fmt.Sscanf(rest, "%d-", &first); err != nil {
			return n, err
		}
		if first > epoch {
			n++
			err = errors.Join(err, fs.Remove(f.Name))
		}
	}
	return n, errors.Join(err, fs.Sync(outDir))
}

// changes reads what is visible, in the order of commits; a file that was taken back
// and came again counts where it came last.
func (l *ledger) changes(fs fsys.FS) (out []change, problem string) {
	there, err := visible(fs)
	if err != nil {
		return nil, err.Error()
	}
	var order []string
	for i := len(l.files) - 1; i >= 0; i-- {
		if name := l.files[i]; there[name] {
			delete(there, name)
			order = append(order, name)
		}
	}
	for name := range there {
		return nil, "a file that nobody has committed: " + name
	}
	for i := len(order) - 1; i >= 0; i-- {
		f, err := fs.Open(path.Join(outDir, order[i]))
		if err != nil {
			return nil, err.Error()
		}
		data := make([]byte, f.Size())
		if _, err := f.ReadAt(data, 0); err != nil && len(data) > 0 {
			return nil, err.Error()
		}
		if len(data)%changeBytes != 0 || len(data) == 0 {
			return nil, fmt.Sprintf("the sink's file %s is torn", order[i])
		}
		for r := bytes.NewBuffer(data); r.Len() > 0; {
			c := change{kind: vec.RowKind(r.Next(1)[0])}
			for k := range c.cols {
				c.cols[k] = int64(binary.LittleEndian.Uint64(r.Next(8)))
			}
			out = append(out, c)
		}
	}
	return out, ""
}
