package parquet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	pq "github.com/parquet-go/parquet-go"
	pqf "github.com/parquet-go/parquet-go/format"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func TestInvalid(t *testing.T) {
	long := strings.Repeat("plain ", 20)
	for _, c := range []struct {
		texts []string
		want  int
	}{
		{nil, -1},
		{[]string{"", ""}, -1},
		{[]string{"a", "é", "€", "😀", long}, -1},
		{[]string{long, "\xff"}, 1},
		{[]string{"\xc3", "\xa9"}, 0},                  // together they are é
		{[]string{"a", "", "\xf0\x9f", "\x98\x80"}, 2}, // and these one of four bytes
		{[]string{"é", "a\xa9"}, 1},
		{[]string{long, "\xed\xa0\x80", "é"}, 1}, // a surrogate
		{[]string{"\xc0\x80"}, 0},                // two bytes for NUL
		{[]string{"é", long + "\xe2\x82"}, 1},    // cut off
	} {
		data, offs := joined("before", c.texts)
		if got := invalid(data, offs, offs[0]); got != c.want {
			t.Errorf("%q: %d, want %d", c.texts, got, c.want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	pieces := []string{"a", "é", "€", "😀", long, "\xc3", "\xa9", "\xf0\x9f", "\x98\x80", ""}
	for range 5000 {
		var texts []string
		want := -1
		for i := range rng.IntN(6) {
			text := pieces[rng.IntN(len(pieces))] + pieces[rng.IntN(5+rng.IntN(6))]
			if texts = append(texts, text); want < 0 && !utf8.ValidString(text) {
				want = i
			}
		}
		data, offs := joined("", texts)
		if got := invalid(data, offs, 0); got != want {
			t.Fatalf("%q: %d, want %d", texts, got, want)
		}
	}
}

func joined(before string, texts []string) (data []byte, offs []uint32) {
	data = []byte(before)
	offs = []uint32{uint32(len(data))}
	for _, s := range texts {
		data = append(data, s...)
		offs = append(offs, uint32(len(data)))
	}
	return data, offs
}

// bytesFile has rows of a number and of bytes, of which those of row bad are no text.
func bytesFile(t *testing.T, n, bad int) []byte {
	s := types.Schema{col("i", types.TBigInt.Nullable(false)), col("s", types.TBytes.Nullable(false))}
	sp := spec(s, "page.size", "4096")
	var batches []*vec.Batch
	for from := 0; from < n; from += 1000 {
		i, text := vec.NewBuilder(s[0].Type), vec.NewBuilder(s[1].Type)
		for k := from; k < from+1000; k++ {
			i.Int(int64(k))
			if k == bad {
				text.Bytes([]byte("a\xffb"))
			} else {
				text.Bytes(fmt.Append(nil, "tëxt ", k))
			}
		}
		batches = append(batches, &vec.Batch{Rows: 1000, Cols: []vec.Vector{i.Finish(), text.Finish()}})
	}
	return write(t, sp, batches...)
}

func TestTextsAreUTF8(t *testing.T) {
	text := types.Schema{col("i", types.TBigInt.Nullable(false)), col("s", types.TString.Nullable(false))}
	for _, bad := range []int{0, 999, 4095, 4096, 7777} {
		file := bytesFile(t, 8000, bad)
		_, _, err := read(spec(text), file, 0)
		want := fmt.Sprintf(`column 's': row %d of the row group: "a\xffb" is not UTF-8; a column of BYTES reads it as it is`, bad+1)
		if err == nil || err.Error() != want {
			t.Errorf("row %d: %v, want %s", bad, err, want)
		}
		// what is skipped is not read
		if _, _, err := read(spec(text), file, int64(bad)+1); bad < 4095 && err != nil {
			t.Errorf("behind row %d: %v", bad, err)
		}
		raw := types.Schema{text[0], col("s", types.TBytes)}
		if got, _, err := read(spec(raw), file, 0); err != nil || len(got) != 8000 {
			t.Errorf("as bytes: %d rows, %v", len(got), err)
		}
		// a row that is read for its key alone
		keys := connect.NewKeySet(0, 8000, 8000)
		keys.Add(int64(bad))
		keys.Add(int64(bad + 1))
		one := spec(text)
		one.Filters, one.LeavesOut = []format.KeyFilter{{Column: 0, Keys: keys}}, true
		if _, _, err := read(one, file, 0); err == nil || err.Error() != want {
			t.Errorf("row %d by its key: %v, want %s", bad, err, want)
		}
	}
}

func TestWordsAreUTF8(t *testing.T) {
	type row struct {
		S string `parquet:"s,dict"`
	}
	for _, distinct := range []int{3, 2000} { // as codes, and where they do not pay
		var buf bytes.Buffer
		w := pq.NewGenericWriter[row](&buf)
		for i := range 4000 {
			s := fmt.Sprint("word ", i%distinct)
			if i%distinct == 2 {
				s = "wörd\xc3"
			}
			if _, err := w.Write([]row{{s}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, _, err := read(spec(types.Schema{col("s", types.TString)}), buf.Bytes(), 0)
		if want := `column 's': a word of its dictionary: "wörd\xc3" is not UTF-8`; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%d words: %v", distinct, err)
		}
	}
}

// A dictionary ends when its words have a page's bytes, however few rows that are.
func TestDictionaryBytes(t *testing.T) {
	sp := spec(types.Schema{col("s", types.TString)}, "page.size", "65536", "compression", "UNCOMPRESSED")
	for _, c := range []struct {
		distinct int
		plain    bool
	}{{2000, true}, {5, false}} {
		var batches []*vec.Batch
		for from := 0; from < 2000; from += 100 {
			s := vec.NewBuilder(types.TString)
			for k := from; k < from+100; k++ {
				s.String(fmt.Sprint(k%c.distinct, strings.Repeat("x", 1000)))
			}
			batches = append(batches, &vec.Batch{Rows: 100, Cols: []vec.Vector{s.Finish()}})
		}
		file := write(t, sp, batches...)
		r, err := Open(sp, bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		m := &r.file.Metadata().RowGroups[0].Columns[0].MetaData
		plain := false
		for _, s := range m.EncodingStats {
			plain = plain || s.PageType == pqf.DataPage && s.Encoding == pqf.Plain
		}
		if words, _ := dictionarySize(bytes.NewReader(file), m); plain != c.plain || words > 200 {
			t.Errorf("%d distinct strings: a dictionary of %v words, pages without one: %v", c.distinct, words, plain)
		}
		if got, _, err := read(sp, file, 0); err != nil || len(got) != 2000 {
			t.Errorf("%d rows, %v", len(got), err)
		}
	}
}

// The first rows tell which columns are written by dictionary: those whose values repeat,
// but for what Flink does not read then.
func TestCodedColumns(t *testing.T) {
	s := types.Schema{col("few", types.TBigInt), col("own", types.TBigInt), col("sorted", types.TInt), col("short", types.DecimalOf(5, 2)), col("long", types.DecimalOf(30, 2)),
		col("stamp", types.TimestampOf(3)), col("flag", types.TBoolean), col("word", types.TString), col("text", types.TString), col("null", types.TInt)}
	for _, c := range []struct {
		rows   int
		option string
		want   string
	}{
		{20_000, "true", "few sorted long stamp word"},
		{300, "true", "few sorted long stamp word"},
		{1, "true", ""},
		{0, "true", ""},
		{20_000, "false", ""},
	} {
		var batches []*vec.Batch
		for from := 0; from < c.rows; from += 1000 {
			b := make([]*vec.Builder, len(s))
			for i := range b {
				b[i] = vec.NewBuilder(s[i].Type)
			}
			n := min(1000, c.rows-from)
			for k := from; k < from+n; k++ {
				b[0].Int(int64(k % 50))
				b[1].Int(int64(k) * 1_000_003)
				b[2].Int(int64(k / 400))
				b[3].Int(int64(k % 7))
				b[4].Int128(types.Int128Of(int64(k % 7)))
				b[5].Int(int64(k%90) * 1000)
				b[6].Bool(k%2 == 0)
				b[7].String(fmt.Sprint("word ", k%30))
				b[8].String(fmt.Sprint("text ", k))
				b[9].Null()
			}
			x := &vec.Batch{Rows: n}
			for i := range b {
				x.Cols = append(x.Cols, b[i].Finish())
			}
			batches = append(batches, x)
		}
		sp := spec(s, "enable.dictionary", c.option)
		file := write(t, sp, batches...)
		r, err := Open(sp, bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		coded := map[string]bool{}
		for _, g := range r.file.Metadata().RowGroups {
			for _, m := range g.Columns {
				for _, e := range m.MetaData.EncodingStats {
					if e.PageType == pqf.DictionaryPage {
						coded[m.MetaData.PathInSchema[0]] = true
					}
				}
			}
		}
		var got []string
		for _, f := range s {
			if coded[f.Name] {
				got = append(got, f.Name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%d rows, %s: %v, want %s", c.rows, c.option, got, c.want)
		}
		if rows, _, err := read(sp, file, 0); err != nil || len(rows) != c.rows {
			t.Errorf("%d rows: %d rows, %v", c.rows, len(rows), err)
		}
	}
}

func BenchmarkInvalid(b *testing.B) {
	for _, c := range []struct{ name, text string }{{"ascii", "requests sleep blithely"}, {"accents", "requêtes dorment gaiement"}, {"characters", "请求安然入睡"}} {
		var texts []string
		for range 4096 {
			texts = append(texts, c.text)
		}
		data, offs := joined("", texts)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if invalid(data, offs, 0) >= 0 {
					b.Fatal("invalid")
				}
			}
		})
	}
}
