package parquet

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	pqf "github.com/parquet-go/parquet-go/format"
)

// countingReader counts reads.
type countingReader struct {
	io.ReaderAt
	reads int
}

func (r *countingReader) ReadAt(b []byte, at int64) (int, error) {
	r.reads++
	return r.ReaderAt.ReadAt(b, at)
}

func chunksOf(t *testing.T, in *input, size int64, from, to []int64) (chunks []*chunk) {
	t.Helper()
	for i := range from {
		c, err := in.chunk(&pqf.ColumnMetaData{DataPageOffset: from[i], TotalCompressedSize: to[i] - from[i]}, size)
		if err != nil {
			t.Fatal(err)
		}
		chunks = append(chunks, c)
	}
	readTogether(chunks)
	return chunks
}

// Chunks give their bytes, in whatever order and pieces they are read.
func TestChunks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	file := make([]byte, 4<<20)
	for i := range file {
		file[i] = byte(rng.IntN(256))
	}
	for range 60 {
		var from, to []int64
		for at := rng.Int64N(100_000); at < int64(len(file)) && len(from) < 40; at += rng.Int64N(30_000) * rng.Int64N(2) {
			n := rng.Int64N(1 + rng.Int64N(400_000))
			from, to = append(from, at), append(to, min(at+n, int64(len(file))))
			at = to[len(to)-1]
		}
		in := &input{r: bytes.NewReader(file)}
		chunks := chunksOf(t, in, int64(len(file)), from, to)
		at := append([]int64(nil), from...)
		for open := len(chunks); open > 0; {
			i := rng.IntN(len(chunks))
			c := chunks[i]
			left := to[i] - at[i]
			if got := c.left(); got != left {
				t.Fatalf("%d bytes are left, want %d", got, left)
			}
			if left == 0 {
				open = 0
				for k := range chunks {
					open += int(min(1, to[k]-at[k]))
				}
				continue
			}
			n := 1 + rng.Int64N(min(left, 1+rng.Int64N(200_000)))
			switch rng.IntN(3) {
			case 0:
				b, err := c.peek(int(n))
				if err != nil || int64(len(b)) < n || !bytes.Equal(b, file[at[i]:at[i]+int64(len(b))]) {
					t.Fatalf("%d of %d bytes: %v", len(b), n, err)
				}
				continue
			case 1:
				b, err := c.take(int(n))
				if err != nil || !bytes.Equal(b, file[at[i]:at[i]+n]) {
					t.Fatalf("%d of %d bytes: %v", len(b), n, err)
				}
			case 2:
				if err := c.pass(int(n)); err != nil {
					t.Fatal(err)
				}
			}
			at[i] += n
		}
		if _, err := chunks[0].take(1); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("behind the end: %v", err)
		}
	}
}

// Small chunks that follow one another are one read, whose memory the next read has.
func TestSharedReads(t *testing.T) {
	file := make([]byte, 3<<20)
	r := &countingReader{bytes.NewReader(file), 0}
	in := &input{r: r}
	var from, to []int64
	for at := int64(0); at < int64(len(file)); at += 32 << 10 {
		from, to = append(from, at), append(to, at+32<<10)
	}
	for _, c := range chunksOf(t, in, int64(len(file)), from, to) {
		if _, err := c.take(32 << 10); err != nil {
			t.Fatal(err)
		}
	}
	if r.reads != 3 {
		t.Errorf("%d reads of %d bytes", r.reads, len(file))
	}
}

func TestChunkOutsideOfFile(t *testing.T) {
	for _, m := range []pqf.ColumnMetaData{{DataPageOffset: -1}, {DataPageOffset: 101}, {DataPageOffset: 90, TotalCompressedSize: 11}, {TotalCompressedSize: -1}} {
		if _, err := new(input).chunk(&m, 100); err == nil {
			t.Errorf("%+v is a chunk of 100 bytes", m)
		}
	}
}
