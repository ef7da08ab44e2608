package filesystem

import (
	"compress/bzip2"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/vec"
)

// bufferBytes is a reader's buffer for a split; a longer record makes it grow, up
// to source.max-record-size.
const bufferBytes = 2 << 20

// A rows yields the batches of a split, each with the position behind it.
type rows interface {
	// next returns a batch with rows and moves p behind it; nil at the end.
	next(p *piece) (*vec.Batch, error)
	skipped() int64
	close() error
}

// stream reads a split of a record format.
type stream struct {
	s      *source
	h      fsys.File
	in     io.Reader
	closer func()
	dec    format.Decoder
	consts []vec.Vector
	buf    []byte
	start  int // of what is not decoded
	end    int
	eof    bool
}

// openRows opens a split at its position.
func (s *source) openRows(p *piece) (rows, error) {
	consts, err := s.constants(p.File)
	if err != nil {
		return nil, err
	}
	if p.Groups {
		if o, ok := s.spare.take(p.File); ok {
			return &groups{s: s, opened: o, consts: consts}, nil
		}
	}
	h, err := s.fs.Open(p.File.Path)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", s.table.Name, err)
	}
	var out rows
	if p.Groups {
		out, err = s.openGroups(p.File, h, consts)
	} else {
		out, err = s.openStream(h, p, consts)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("table %s: read '%s': %w", s.table.Name, p.File.Path, err), h.Close())
	}
	return out, nil
}

func (s *source) openStream(h fsys.File, p *piece, consts []vec.Vector) (rows, error) {
	spec := s.spec()
	if p.At > 0 { // a header is at the front of the file only
		opts := connect.Options{}
		for k, v := range spec.Options {
			if k != "ignore-first-line" {
				opts[k] = v
			}
		}
		spec.Options = opts
	}
	dec, err := s.format.Decoder(spec)
	if err != nil {
		return nil, err
	}
	r := &stream{s: s, h: h, dec: dec, consts: consts, closer: func() {}}
	if ext := compression(p.File.Path); ext != "" {
		if err := r.decompress(ext, p.At); err != nil {
			return nil, err
		}
		return r, nil
	}
	if h.Size() < p.To {
		return nil, fmt.Errorf("it has %d bytes, and had %d when it was listed", h.Size(), p.To)
	}
	r.in = io.NewSectionReader(h, p.At, p.To-p.At)
	return r, nil
}

// decompress sets the input to the decompressed file behind its first skip bytes.
func (r *stream) decompress(ext string, skip int64) error {
	raw := io.NewSectionReader(r.h, 0, r.h.Size())
	switch ext {
	case ".gz", ".gzip":
		z, err := gzip.NewReader(raw)
		if err != nil {
			return err
		}
		r.in, r.closer = z, func() { _ = z.Close() }
	case ".zst", ".zstd":
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(recordSizeMax))
		if err != nil {
			return err
		}
		r.in, r.closer = z, z.Close
	case ".bz2":
		r.in = bzip2.NewReader(raw)
	case ".deflate":
		z, err := zlib.NewReader(raw)
		if err != nil {
			return err
		}
		r.in, r.closer = z, func() { _ = z.Close() }
	}
	if _, err := io.CopyN(io.Discard, r.in, skip); err != nil {
		return fmt.Errorf("go to byte %d of the decompressed file: %w", skip, err)
	}
	return nil
}

func (r *stream) skipped() int64 { return r.dec.Skipped() }

func (r *stream) close() error {
	r.closer()
	r.s.release(r.buf)
	r.buf = nil
	return r.h.Close()
}

func (r *stream) next(p *piece) (*vec.Batch, error) {
	for {
		if r.start < r.end || r.eof {
			b, n, err := r.dec.Decode(r.buf[r.start:r.end], r.eof)
			if err != nil {
				return nil, r.place(p, err)
			}
			r.start += n
			p.At += int64(n)
			if b != nil && b.Rows > 0 {
				p.Records += int64(b.Rows)
				return r.s.assemble(b, r.consts), nil
			}
			if n > 0 {
				continue
			}
			if r.eof {
				if r.start < r.end {
					return nil, fmt.Errorf("read '%s': format '%s' leaves %d bytes at byte %d", p.File.Path, r.s.format.Name, r.end-r.start, p.At)
				}
				return nil, nil
			}
		}
		if err := r.fill(p); err != nil {
			return nil, err
		}
	}
}

// place adds to an error where in the file it is.
func (r *stream) place(p *piece, err error) error {
	of := ""
	if compression(p.File.Path) != "" {
		of = " of the decompressed file"
	}
	var re *format.RecordError
	if errors.As(err, &re) {
		record := ""
		if p.From == 0 {
			record = fmt.Sprintf(", record %d", p.Records+int64(re.Line)+1)
		}
		return fmt.Errorf("table %s: read '%s' at byte %d%s%s: %w", r.s.table.Name, p.File.Path, p.At+int64(re.Offset), of, record, err)
	}
	return fmt.Errorf("table %s: read '%s' at byte %d%s: %w", r.s.table.Name, p.File.Path, p.At, of, err)
}

// fill reads more behind what is not decoded yet.
func (r *stream) fill(p *piece) error {
	switch {
	case r.buf == nil:
		r.buf = r.s.buffer()
	case r.start > 0:
		copy(r.buf, r.buf[r.start:r.end])
		r.end -= r.start
		r.start = 0
	case r.end == len(r.buf):
		if int64(len(r.buf)) >= r.s.recordMax {
			return r.place(p, fmt.Errorf("a record is larger than %d bytes, which 'source.max-record-size' allows", r.s.recordMax))
		}
		r.buf = append(make([]byte, 0, min(int64(len(r.buf))*2, max(r.s.recordMax, bufferBytes))), r.buf[:r.end]...)
		r.buf = r.buf[:cap(r.buf)]
	}
	for r.end < len(r.buf) {
		n, err := r.in.Read(r.buf[r.end:])
		r.end += n
		if err == io.EOF {
			r.eof = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("table %s: read '%s' behind byte %d: %w", r.s.table.Name, p.File.Path, p.At+int64(r.end), err)
		}
	}
	return nil
}

// groups reads a split of a file format.
type groups struct {
	s *source
	opened
	consts []vec.Vector
	cur    format.Rows
	failed bool
}

func (s *source) openGroups(from file, h fsys.File, consts []vec.Vector) (rows, error) {
	spec := s.spec()
	spec.Filters = s.filters()
	// A stream's watermark is made of rows that fail, too.
	spec.LeavesOut = s.scan.Bounded
	r, err := s.format.Open(spec, h, h.Size())
	if err != nil {
		return nil, err
	}
	return &groups{s: s, opened: opened{from, h, r}, consts: consts}, nil
}

func (g *groups) skipped() int64 { return 0 }

func (g *groups) close() error {
	if g.cur != nil {
		if err := g.cur.Close(); err != nil {
			return errors.Join(err, g.opened.close())
		}
	}
	if g.failed {
		return g.opened.close()
	}
	return g.s.spare.keep(g.opened)
}

func (g *groups) next(p *piece) (*vec.Batch, error) {
	fail := func(err error) error {
		g.failed = true
		return fmt.Errorf("table %s: read '%s', row group %d: %w", g.s.table.Name, p.File.Path, p.At, err)
	}
	last := int64(g.reader.Groups())
	if p.To >= 0 {
		last = min(last, p.To)
	}
	for p.At < last {
		if g.cur == nil {
			if g.reader.Skip(int(p.At)) {
				p.At, p.Row = p.At+1, 0
				continue
			}
			cur, err := g.reader.Read(int(p.At), p.Row)
			if err != nil {
				return nil, fail(err)
			}
			g.cur = cur
		}
		b, err := g.cur.Next()
		if err == nil {
			p.Records += g.cur.Done() - p.Row
			p.Row = g.cur.Done()
			if b.Len() == 0 {
				continue
			}
			return g.s.assemble(b, g.consts), nil
		}
		if err != io.EOF {
			return nil, fail(err)
		}
		if err := g.cur.Close(); err != nil {
			return nil, fail(err)
		}
		g.cur = nil
		p.At, p.Row = p.At+1, 0
	}
	return nil, nil
}

// extension is the end of a written file's name.
func extension(formatName, compress string) string {
	out := "." + strings.ToLower(formatName)
	switch compress {
	case "gzip":
		out += ".gz"
	case "zstd":
		out += ".zst"
	}
	return out
}
