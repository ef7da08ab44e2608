package parquet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/rle"
	pqf "github.com/parquet-go/parquet-go/format"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// encoded has a column for each encoding.
type encoded struct {
	Plain   int64    `parquet:"plain"`
	Delta   int64    `parquet:"delta,delta"`
	Delta4  int32    `parquet:"delta4,delta"`
	Dict    int64    `parquet:"dict,dict"`
	Text    string   `parquet:"text"`
	Lengths string   `parquet:"lengths,delta"`
	Words   string   `parquet:"words,dict"`
	Split   float64  `parquet:"split,split"`
	Flag    bool     `parquet:"flag"`
	Maybe   *string  `parquet:"maybe,optional"`
	Few     *int64   `parquet:"few,optional"`
	List    []string `parquet:"list,list"`
}

func encodedRows(n int) (rows []encoded, want []string) {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	text := func() string { return strings.Repeat("é", rng.IntN(4)) + strings.Repeat("x", rng.IntN(60)) }
	for range n {
		e := encoded{rng.Int64(), rng.Int64N(1000), rng.Int32N(1000), rng.Int64N(20), text(), text(),
			fmt.Sprint("w", rng.IntN(5)), rng.Float64(), rng.IntN(2) == 0, nil, nil, []string{}}
		maybe, few := "NULL", "NULL"
		if rng.IntN(3) > 0 {
			s := text()
			e.Maybe, maybe = &s, fmt.Sprintf("%q", s)
		}
		if rng.IntN(50) == 0 {
			e.Few, few = &e.Delta, fmt.Sprint(e.Delta)
		}
		for range rng.IntN(4) {
			e.List = append(e.List, fmt.Sprint("e", rng.IntN(9)))
		}
		rows = append(rows, e)
		list := "[]"
		if len(e.List) > 0 {
			list = `["` + strings.Join(e.List, `","`) + `"]`
		}
		want = append(want, fmt.Sprintf("%d|%d|%d|%d|%q|%q|%q|%v|%v|%s|%s|%s", e.Plain, e.Delta, e.Delta4, e.Dict, e.Text, e.Lengths, e.Words, e.Split, e.Flag, maybe, few, list))
	}
	return rows, want
}

var encodedSchema = types.Schema{
	col("plain", types.TBigInt), col("delta", types.TBigInt), col("delta4", types.TInt), col("dict", types.TBigInt), col("text", types.TString), col("lengths", types.TString),
	col("words", types.TString), col("split", types.TDouble), col("flag", types.TBoolean), col("maybe", types.TString), col("few", types.TBigInt), col("list", types.ArrayOf(types.TString)),
}

func encodedFile(t *testing.T, rows []encoded, opts ...pq.WriterOption) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := pq.NewGenericWriter[encoded](&buf, opts...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Pages of both versions, by each codec and encoding, small ones and one for all, are read
// as they were written; from each row on, too.
func TestPages(t *testing.T) {
	rows, want := encodedRows(1200)
	for _, version := range []int{1, 2} {
		for _, codec := range []compress.Codec{&pq.Uncompressed, &pq.Snappy, &pq.Gzip, &pq.Zstd, &pq.Brotli} {
			for _, size := range []int{300, 5000, 1 << 20} {
				file := encodedFile(t, rows, pq.DataPageVersion(version), pq.Compression(codec), pq.PageBufferSize(size))
				for _, skip := range []int64{0, 577, 1200} {
					got, _, err := read(spec(encodedSchema), file, skip)
					if err != nil {
						t.Fatalf("version %d, %s, pages of %d, from %d: %v", version, codec, size, skip, err)
					}
					same(t, got, want[skip:])
				}
			}
		}
	}
}

// A file with a byte that is wrong is an error or has other values; it is never a panic.
func TestBrokenPages(t *testing.T) {
	rows, _ := encodedRows(300)
	rng := rand.New(rand.NewPCG(2, 2))
	for _, version := range []int{1, 2} {
		for _, codec := range []compress.Codec{&pq.Uncompressed, &pq.Snappy} {
			file := encodedFile(t, rows, pq.DataPageVersion(version), pq.Compression(codec), pq.PageBufferSize(500))
			for range 300 {
				bad := slices.Clone(file)
				bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
				_, _, _ = read(spec(encodedSchema), bad, 0)
			}
		}
	}
}

func TestChecksum(t *testing.T) {
	s := types.Schema{col("s", types.TString.Nullable(false))}
	b := vec.NewBuilder(s[0].Type)
	for i := range 100 {
		b.Bytes(fmt.Append(nil, "text number ", i))
	}
	file := write(t, spec(s, "compression", "UNCOMPRESSED", "enable.dictionary", "false"), &vec.Batch{Rows: 100, Cols: []vec.Vector{b.Finish()}})
	at := bytes.Index(file, []byte("text number 57"))
	file[at] ^= 1
	if _, _, err := read(spec(s), file, 0); err == nil || !strings.Contains(err.Error(), "column 's': read a page: its checksum is not ") {
		t.Errorf("%v", err)
	}
}

// Batches of long texts have few rows, in whatever order long and short ones are.
func TestLongTexts(t *testing.T) {
	s := types.Schema{col("n", types.TBigInt), col("s", types.TString)}
	rng := rand.New(rand.NewPCG(3, 3))
	for _, size := range []func(i int) int{
		func(int) int { return 100_000 },
		func(int) int { return rng.IntN(30_000) },
		func(i int) int { return i / 100 % 2 * 60_000 },
		func(i int) int { return min(i, 1) * 3_000_000 * (1 - min(i/20, 1)) },
	} {
		var batches []*vec.Batch
		var want []string
		for from := 0; from < 400; from += 100 {
			n, x := vec.NewBuilder(s[0].Type), vec.NewBuilder(s[1].Type)
			for i := from; i < from+100; i++ {
				text := strings.Repeat(string(rune('a'+i%26)), size(i))
				n.Int(int64(i))
				x.Bytes([]byte(text))
				want = append(want, fmt.Sprintf("%d|%q", i, text))
			}
			batches = append(batches, &vec.Batch{Rows: 100, Cols: []vec.Vector{n.Finish(), x.Finish()}})
		}
		file := write(t, spec(s), batches...)
		got, _, err := read(spec(s), file, 0)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
		r, err := Open(spec(s), bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := r.Read(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, err := rows.Next()
			if err != nil {
				break
			}
			if texts, ok := b.Cols[1].(*vec.Bytes); ok && b.Rows > 1 && len(texts.Data) > 3*vec.BatchBytesMax {
				t.Errorf("%d rows of %d bytes", b.Rows, len(texts.Data))
			}
		}
		_ = rows.Close()
	}
}

func TestLevels(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 3000 {
		most := byte(1 + rng.IntN(20))
		want := make([]byte, rng.IntN(200))
		for i := range want {
			if i > 0 && rng.IntN(10) > 0 && most%2 == 0 {
				want[i] = want[i-1]
			} else {
				want[i] = byte(rng.IntN(int(most) + 1))
			}
		}
		width := 0
		for 1<<width <= int(most) {
			width++
		}
		b, err := (&rle.Encoding{BitWidth: width}).EncodeLevels(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeLevels(nil, b, len(want), most, pqf.RLE)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d: %v, %v, want %v", most, got, err, want)
		}
		for k := range b { // what is cut off is an error, unless nothing is missing
			if got, err := decodeLevels(nil, b[:k], len(want), most, pqf.RLE); err == nil && !bytes.Equal(got, want) {
				t.Fatalf("%v of %v", got, want)
			}
		}
		var high []byte // the highest bit first
		for i := range len(want) * width {
			if i%8 == 0 {
				high = append(high, 0)
			}
			high[i/8] |= want[i/width] >> (width - 1 - i%width) & 1 << (7 - i%8)
		}
		if got, err = decodeLevels(nil, high, len(want), most, pqf.BitPacked); err != nil || !bytes.Equal(got, want) { //nolint:staticcheck // older writers wrote it
			t.Fatalf("%d: %v, %v, want %v", most, got, err, want)
		}
	}
	if _, err := decodeLevels(nil, []byte{4, 3}, 2, 2, pqf.RLE); err == nil {
		t.Error("3 where 2 is the highest")
	}
}

func TestPlainTexts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 2000 {
		var page []byte
		var want []string
		for range rng.IntN(50) {
			text := strings.Repeat(string(rune('a'+rng.IntN(26))), rng.IntN(1+rng.IntN(100)))
			page = append(page, byte(len(text)), 0, 0, 0)
			page = append(page, text...)
			want = append(want, text)
		}
		l := &leaf{plain: true, text: page}
		c := colbuf.New(types.TString)
		var taken []string
		for at := 0; at < len(want); {
			from := min(len(want), at+rng.IntN(3))
			to := min(len(want), from+rng.IntN(20))
			if rng.IntN(4) == 0 && from < len(want) {
				if b, err := l.bytesAt(from); err != nil || string(b) != want[from] {
					t.Fatalf("%q %v, want %q", b, err, want[from])
				}
			}
			if err := byteArrays(c, l, from, to); err != nil {
				t.Fatal(err)
			}
			taken = append(taken, want[from:to]...)
			at = to
		}
		got := c.Finish().(*vec.Bytes)
		for i, s := range taken {
			if string(got.At(i)) != s {
				t.Fatalf("%d: %q, want %q", i, got.At(i), s)
			}
		}
		if len(want) > 0 {
			l = &leaf{plain: true, text: page[:rng.IntN(len(page))]}
			if err := byteArrays(colbuf.New(types.TString), l, 0, len(want)); err == nil {
				t.Fatal("texts that are cut off were read")
			}
		}
	}
}
