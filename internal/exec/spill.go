package exec

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A spillFile keeps rows on disk: written front to back, then read front to back.
// It is frames of rows: the length of the frame and its number of rows (both
// 4 bytes, little-endian), then the rows as keyenc.AppendRow writes them. It is
// for one operator in one attempt, so it has neither version nor checksum.
type spillFile struct {
	fs    fsys.FS
	name  string
	types []types.Type
	w     fsys.Pending
	r     fsys.File
	at    int64
	buf   []byte
	rows  int
}

const (
	spillFrameBytes = 1 << 18
	spillFrameHead  = 8
)

// newSpillFile starts a file in the operator's folder.
func newSpillFile(ctx *Context, name string, ts []types.Type) (*spillFile, error) {
	fs, dir := ctx.Spill()
	f := &spillFile{fs: fs, name: fmt.Sprintf("%s/%s-%d", dir, name, ctx.Subtask), types: ts}
	var err error
	if f.w, err = fs.Create(f.name); err != nil {
		return nil, fmt.Errorf("spill: %w", err)
	}
	return f, nil
}

// write appends rows of columns; nil rows are not all but none.
func (f *spillFile) write(cols []vec.Vector, rows []int32) error {
	for _, r := range rows {
		if f.rows == 0 {
			f.buf = append(f.buf[:0], make([]byte, spillFrameHead)...)
		}
		f.buf = keyenc.AppendRow(f.buf, f.types, cols, int(r))
		f.rows++
		if len(f.buf) >= spillFrameBytes || f.rows == vec.BatchRowsMax {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *spillFile) flush() error {
	if f.rows == 0 {
		return nil
	}
	binary.LittleEndian.PutUint32(f.buf, uint32(len(f.buf)-spillFrameHead))
	binary.LittleEndian.PutUint32(f.buf[4:], uint32(f.rows))
	f.rows = 0
	if _, err := f.w.Write(f.buf); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	return nil
}

// finish ends the writing and opens the file for reading.
func (f *spillFile) finish() error {
	if err := f.flush(); err != nil {
		return err
	}
	token, err := f.w.Prepare()
	if err == nil {
		err = f.fs.Commit(token)
	}
	if err == nil {
		f.r, err = f.fs.Open(f.name)
	}
	if err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	f.w, f.buf = nil, nil
	return nil
}

// more reports whether there are rows that were not read.
func (f *spillFile) more() bool { return f.at < f.r.Size() }

// read returns the next rows, at most a batch of them; 0 at the end.
func (f *spillFile) read() ([]vec.Vector, int, error) {
	if !f.more() {
		return nil, 0, nil
	}
	var head [spillFrameHead]byte
	if _, err := f.r.ReadAt(head[:], f.at); err != nil {
		return nil, 0, fmt.Errorf("read spilled rows: %w", err)
	}
	size, n := int(binary.LittleEndian.Uint32(head[:])), int(binary.LittleEndian.Uint32(head[4:]))
	f.buf = grow(f.buf, size)
	if _, err := f.r.ReadAt(f.buf, f.at+spillFrameHead); err != nil && size > 0 {
		return nil, 0, fmt.Errorf("read spilled rows: %w", err)
	}
	f.at += int64(spillFrameHead + size)
	build := make([]*vec.Builder, len(f.types))
	for i, t := range f.types {
		build[i] = vec.NewBuilder(t)
	}
	for rest, i := f.buf, 0; i < n; i++ {
		var err error
		if rest, err = keyenc.DecodeRow(rest, f.types, build); err != nil {
			return nil, 0, fmt.Errorf("read spilled rows: %w", err)
		}
	}
	cols := make([]vec.Vector, len(build))
	for i, b := range build {
		cols[i] = b.Finish()
	}
	return cols, n, nil
}

// remove deletes the file.
func (f *spillFile) remove() {
	if f.w != nil {
		_ = f.w.Discard() // what is left goes with the folder
	}
	if f.r != nil {
		f.r.Close()
		_ = f.fs.Remove(f.name)
	}
}
