package filesystem

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/vec"
)

const (
	openFilesMax = 100     // part files that a writer has open; the one written least recently is closed
	fileBuffer   = 1 << 18 // bytes
)

// writer writes one subtask's rows.
type writer struct {
	s       *sink
	subtask int
	attempt string
	files   int    // made so far
	epoch   uint64 // of the files made now: see fileName

	open      map[string]*part // by partition folder
	ready     []prepared       // closed since the last Prepare
	encode    []byte
	watermark int64
	told      int64 // the watermark that the last Prepare told
	writes    int64
	checked   time.Time
	key       []byte
}

func newWriter(s *sink, subtask int) *writer {
	return &writer{s: s, subtask: subtask, attempt: s.env.Attempt(), epoch: s.write.Epoch + 1, open: map[string]*part{}, watermark: math.MinInt64, told: math.MinInt64, checked: s.env.Now()}
}

// part is an open part file.
type part struct {
	dir     string
	pending fsys.Pending
	out     *counter
	buf     *bufio.Writer
	z       io.WriteCloser // compresses into buf; nil if it does not
	enc     format.Encoder
	file    format.FileWriter
	born    time.Time
	used    time.Time
	write   int64 // number of the last write
	name    string
}

// counter counts the bytes that went to the store.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// Write implements connect.Writer.
func (w *writer) Write(b *vec.Batch) error {
	for _, m := range b.Marks {
		w.watermark = max(w.watermark, m.Time)
	}
	if b.Len() == 0 {
		return nil
	}
	w.writes++
	now := w.s.env.Now()
	if len(w.s.partCols) == 0 {
		if err := w.rows("", w.s.dataOf(b, b.Sel), now); err != nil {
			return err
		}
	} else if err := w.partitions(b, now); err != nil {
		return err
	}
	if now.Sub(w.checked) >= w.s.check {
		w.checked = now
		return w.closeOld(now)
	}
	return nil
}

// dataOf returns the columns that go into files, of the rows in sel.
func (s *sink) dataOf(b *vec.Batch, sel []int32) *vec.Batch {
	out := &vec.Batch{Rows: b.Rows, Sel: sel, Kinds: b.Kinds, Cols: make([]vec.Vector, len(s.data))}
	for i, c := range s.data {
		out.Cols[i] = b.Cols[c]
	}
	return out
}

// partitions writes a batch's rows to their folders, in the order of the folders'
// first rows. Rows that follow each other mostly lie in one folder.
func (w *writer) partitions(b *vec.Batch, now time.Time) error {
	type folder struct {
		dir  string
		rows []int32
	}
	var order []folder
	known := map[string]int{}
	for from, to := 0, 0; from < b.Len(); from = to {
		first := b.Row(from)
		for to = from + 1; to < b.Len() && w.s.sameDir(b, first, b.Row(to)); to++ {
		}
		w.key = w.s.appendDir(w.key[:0], b, first)
		at, ok := known[string(w.key)]
		if !ok {
			at = len(order)
			known[string(w.key)] = at
			order = append(order, folder{dir: string(w.key)})
		}
		f := &order[at]
		switch {
		case to-from == b.Len():
			f.rows = b.Sel
		case b.Sel != nil:
			f.rows = append(f.rows, b.Sel[from:to]...)
		default:
			for r := from; r < to; r++ {
				f.rows = append(f.rows, int32(r))
			}
		}
	}
	for _, f := range order {
		if err := w.rows(f.dir, w.s.dataOf(b, f.rows), now); err != nil {
			return err
		}
	}
	return nil
}

// sameDir reports whether two rows are seen to lie in one folder: if not, they still may.
func (s *sink) sameDir(b *vec.Batch, x, y int) bool {
	for _, c := range s.partCols {
		if !sameValue(b.Cols[c], x, y) {
			return false
		}
	}
	return true
}

// sameValue reports whether two rows have one value; for types that are seldom a
// partition's it says no.
func sameValue(v vec.Vector, x, y int) bool {
	switch d := v.(type) {
	case *vec.Const:
		return true
	case *vec.Dict:
		return d.Codes[x] == d.Codes[y]
	}
	if v.Null(x) || v.Null(y) {
		return v.Null(x) && v.Null(y)
	}
	switch f := v.(type) {
	case *vec.Bytes:
		return bytes.Equal(f.At(x), f.At(y))
	case *vec.Fixed[int32]:
		return f.Vals[x] == f.Vals[y]
	case *vec.Fixed[int64]:
		return f.Vals[x] == f.Vals[y]
	}
	return false
}

// appendDir appends the folder of a row: k=v/k=v.
func (s *sink) appendDir(dst []byte, b *vec.Batch, row int) []byte {
	for i, c := range s.partCols {
		if i > 0 {
			dst = append(dst, '/')
		}
		dst = append(appendName(dst, []byte(s.part[i])), '=')
		v, r := b.Cols[c], row
		switch x := v.(type) {
		case *vec.Const:
			v, r = x.Val, 0
		case *vec.Dict:
			v, r = x.Words, int(x.Codes[row])
		}
		n := len(dst)
		if !v.Null(r) {
			dst = appendValue(dst, v, r, s.table.Schema[c].Type)
		}
		if len(dst) == n {
			dst = append(dst, s.defaultName()...)
		}
	}
	return dst
}

// rows writes a batch of data columns to the part file of a folder.
func (w *writer) rows(dir string, b *vec.Batch, now time.Time) error {
	p := w.open[dir]
	if p == nil {
		var err error
		if p, err = w.create(dir, now); err != nil {
			return fmt.Errorf("table %s: %w", w.s.table.Name, err)
		}
	}
	p.used, p.write = now, w.writes
	if err := w.append(p, b); err != nil {
		return fmt.Errorf("table %s: write '%s': %w", w.s.table.Name, p.name, err)
	}
	if p.size() >= w.s.fileSize {
		return w.close(p)
	}
	return nil
}

func (w *writer) append(p *part, b *vec.Batch) error {
	if p.file != nil {
		return p.file.Write(b)
	}
	var err error
	if w.encode, err = p.enc.Encode(w.encode[:0], b); err != nil {
		return err
	}
	if p.z != nil {
		_, err = p.z.Write(w.encode)
	} else {
		_, err = p.buf.Write(w.encode)
	}
	return err
}

func (p *part) size() int64 {
	if p.file != nil {
		return p.file.Size()
	}
	return p.out.n + int64(p.buf.Buffered())
}

// create opens a new part file.
func (w *writer) create(dir string, now time.Time) (*part, error) {
	if len(w.open) >= openFilesMax {
		oldest := (*part)(nil)
		for _, p := range w.open {
			if oldest == nil || p.write < oldest.write || p.write == oldest.write && p.dir < oldest.dir {
				oldest = p
			}
		}
		if err := w.close(oldest); err != nil {
			return nil, err
		}
	}
	s := w.s
	name := s.fileName(w.epoch, w.attempt, w.subtask, w.files)
	w.files++
	p := &part{dir: dir, name: path.Join(s.target(), dir, name), born: now}
	var err error
	if p.pending, err = s.fs.Create(p.name); err != nil {
		return nil, fmt.Errorf("create '%s': %w", p.name, err)
	}
	w.open[dir] = p
	p.out = &counter{w: p.pending}
	p.buf = bufio.NewWriterSize(p.out, fileBuffer)
	if s.format.Create != nil {
		p.file, err = s.format.Create(s.layout.spec(nil), p.buf)
		return p, err
	}
	switch s.compress {
	case "gzip":
		p.z = gzip.NewWriter(p.buf)
	case "zstd":
		p.z, err = zstd.NewWriter(p.buf, zstd.WithEncoderConcurrency(1))
	}
	if err == nil {
		p.enc, err = s.format.Encoder(s.layout.spec(nil))
	}
	return p, err
}

func (s *sink) extension() string {
	if s.format.Create != nil {
		return extension(s.format.Name, "")
	}
	return extension(s.format.Name, s.compress)
}

// close ends a part file and prepares it.
func (w *writer) close(p *part) error {
	var err error
	if p.file != nil {
		err = p.file.Close()
	}
	if p.z != nil {
		err = p.z.Close()
	}
	if err == nil {
		err = p.buf.Flush()
	}
	token := ""
	if err == nil {
		token, err = p.pending.Prepare()
	}
	if err != nil {
		return fmt.Errorf("table %s: write '%s': %w", w.s.table.Name, p.name, err)
	}
	delete(w.open, p.dir)
	w.ready = append(w.ready, prepared{Token: token, Name: p.name, Partition: p.dir, Subtask: w.subtask})
	return nil
}

// closeOld closes the files that are too old, or have not been written for long.
func (w *writer) closeOld(now time.Time) error {
	for _, dir := range slices.Sorted(maps.Keys(w.open)) {
		p := w.open[dir]
		if now.Sub(p.born) >= w.s.rollover || now.Sub(p.used) >= w.s.inactive {
			if err := w.close(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// Prepare implements connect.Writer.
func (w *writer) Prepare(epoch uint64) ([][]byte, error) {
	for _, dir := range slices.Sorted(maps.Keys(w.open)) {
		if err := w.close(w.open[dir]); err != nil {
			return nil, err
		}
	}
	var out [][]byte
	for _, p := range w.ready {
		out = append(out, p.bytes())
	}
	w.ready = nil
	w.epoch = max(w.epoch, epoch+1) // at the end of the input there is no epoch, and nothing more to write
	if w.s.commit.success != "" && w.watermark != w.told {
		at := w.watermark
		w.told = at
		out = append(out, prepared{Subtask: w.subtask, Watermark: &at}.bytes())
	}
	return out, nil
}

// Close implements connect.Writer.
func (w *writer) Close() error {
	var errs []error
	for _, p := range w.open {
		errs = append(errs, p.pending.Discard())
	}
	for _, p := range w.ready {
		errs = append(errs, w.s.fs.Abort(p.Token))
	}
	w.open, w.ready = map[string]*part{}, nil
	return errors.Join(errs...)
}

var _ connect.Writer = (*writer)(nil)
