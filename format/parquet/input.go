package parquet

import (
	"fmt"
	"io"
	"slices"

	pqf "github.com/parquet-go/parquet-go/format"
)

const (
	// aheadBytes are read at once of a column chunk, of which a page may be more.
	aheadBytes = 64 << 10
	// sharedChunkMax and sharedReadMax are how large column chunks are that are read
	// together, and one such read.
	sharedChunkMax = 256 << 10
	sharedReadMax  = 1 << 20
	// gapMax is how much is read between two chunks that nobody wants.
	gapMax = 16 << 10
)

// An input is the bytes of the column chunks that are read of a row group, by one
// goroutine.
type input struct {
	r       io.ReaderAt
	scratch []byte  // a page that is larger than what is read ahead
	spare   []byte  // of the shared read that was used up last
	raw     []byte  // of a page whose values have been taken
	index   []int32 // …
}

// A chunk is the bytes of a column chunk, from its front to its end.
type chunk struct {
	in     *input
	at     int64 // in the file: behind what was read
	end    int64
	ahead  []byte // read and not yet taken
	buf    []byte // holds ahead, unless the chunk is part of a shared read
	shared *sharedRead
}

// A sharedRead is neighbouring chunks that are read at once.
type sharedRead struct {
	from, to int64
	buf      []byte
	chunks   int // that have bytes to be taken
}

// chunk returns a column chunk of a file of so many bytes.
func (in *input) chunk(m *pqf.ColumnMetaData, size int64) (*chunk, error) {
	from := m.DataPageOffset
	if m.DictionaryPageOffset > 0 {
		from = min(from, m.DictionaryPageOffset)
	}
	n := m.TotalCompressedSize
	if from < 0 || n < 0 || from > size || n > size-from {
		return nil, fmt.Errorf("its %d bytes at %d are not within the file, which has %d", n, from, size)
	}
	return &chunk{in: in, at: from, end: from + n}, nil
}

// readTogether makes one read of small chunks that follow one another.
func readTogether(chunks []*chunk) {
	small := slices.DeleteFunc(slices.Clone(chunks), func(c *chunk) bool { return c.end-c.at > sharedChunkMax })
	slices.SortFunc(small, func(a, b *chunk) int { return int(min(1, max(-1, a.at-b.at))) })
	var s *sharedRead
	for _, c := range small {
		if s == nil || c.at < s.to || c.at > s.to+gapMax || c.end-s.from > sharedReadMax {
			s = &sharedRead{from: c.at}
		}
		s.to = c.end
		s.chunks++
		c.shared = s
	}
}

// left is how many bytes have not been taken.
func (c *chunk) left() int64 { return int64(len(c.ahead)) + c.end - c.at }

// peek returns the next n bytes, or more; fewer if the chunk has not as many. They are
// good until bytes are taken or peeked at.
func (c *chunk) peek(n int) ([]byte, error) {
	if len(c.ahead) >= n || c.at == c.end {
		return c.ahead, nil
	}
	if c.shared != nil {
		err := c.readShared()
		return c.ahead, err
	}
	n = int(min(int64(max(n, aheadBytes)), c.left()))
	if cap(c.buf) < n {
		c.buf = make([]byte, n)
	}
	c.buf = c.buf[:n]
	had := copy(c.buf, c.ahead)
	c.ahead = c.buf
	return c.buf, c.read(c.buf[had:])
}

// take returns the next n bytes, which are good until bytes are taken of any chunk.
func (c *chunk) take(n int) ([]byte, error) {
	if int64(n) > c.left() {
		return nil, fmt.Errorf("%d bytes are too many for what is left of its %d: %w", n, c.left(), io.ErrUnexpectedEOF)
	}
	if c.shared != nil || n < aheadBytes {
		if _, err := c.peek(n); err != nil {
			return nil, err
		}
	}
	if n <= len(c.ahead) {
		b := c.ahead[:n]
		c.ahead = c.ahead[n:]
		c.leave()
		return b, nil
	}
	b := room(c.in.scratch, n)
	c.in.scratch = b
	had := copy(b, c.ahead)
	c.ahead = nil
	return b, c.read(b[had:])
}

// pass goes over n bytes.
func (c *chunk) pass(n int) error {
	if int64(n) > c.left() {
		return fmt.Errorf("%d bytes are too many for what is left of its %d: %w", n, c.left(), io.ErrUnexpectedEOF)
	}
	had := min(n, len(c.ahead))
	c.ahead = c.ahead[had:]
	c.at += int64(n - had)
	c.leave()
	return nil
}

// leave gives the memory of a shared read back when the last of its chunks has been
// taken. What was taken last is good until the next such read.
func (c *chunk) leave() {
	s := c.shared
	if s == nil || c.left() > 0 {
		return
	}
	c.shared = nil
	if s.chunks--; s.chunks == 0 {
		c.in.spare, s.buf = s.buf, nil
	}
}

func (c *chunk) readShared() error {
	s := c.shared
	if s.buf == nil {
		s.buf = room(c.in.spare, int(s.to-s.from))
		c.in.spare = nil
		if err := c.in.read(s.buf, s.from); err != nil {
			return err
		}
	}
	c.ahead = s.buf[c.at-s.from : c.end-s.from]
	c.at = c.end
	return nil
}

// read fills b with what is next, which is in no shared read.
func (c *chunk) read(b []byte) error {
	err := c.in.read(b, c.at)
	if err == nil {
		c.at += int64(len(b))
	}
	return err
}

// read fills b with the file's bytes at a place.
func (in *input) read(b []byte, at int64) error {
	n, err := in.r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

// room returns n bytes, of b if it has as many. They hold anything. There is somewhat
// more, since the next page is about as large as this one.
func room(b []byte, n int) []byte {
	if cap(b) >= n {
		return b[:n]
	}
	return make([]byte, n, n+n/64+1024)
}
