package exec

import (
	"fmt"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Stateful operator can say how its state reads as tables, when it is open. What is
// written in the store is known from the keyed.Shapes that it has asked for; this is
// what the words and rows mean.
type Stateful interface {
	Operator
	StateTables() []StateTable
}

// A StateTable is a table of an operator's state as users see it: rows with columns.
type StateTable struct {
	Name    string // what users call it
	Of      int    // the input's column that the name goes on with: "values of url"; -1
	Filters []int  // the columns by which those values are counted; -1: all of them
	Store   string // what the operator calls it in the store
	Side    bool   // it is not what the operator is about: asked for by name alone
	Columns []StateColumn
	// Version is of what its words and bytes mean. It is raised when that changes though
	// their names, number and types do not: then earlier checkpoints are refused.
	Version int
	// Lacks is how many of the last words may be missing in checkpoints that do not
	// record their layouts: earlier versions did not have them.
	Lacks int
	// Sealed says why the table cannot be written, "" if it can.
	Sealed string
	// one is the word of an entry that counts rows, plus 1, where no column says how
	// many there are: it is set to 1. 0: there is no such word.
	one int
	// most is how many rows a key may have; 0: any number.
	most int64
	// keys are the columns of the table's key; empty for the one key of a table without.
	keys []int
	// unfold makes rows of a chunk whose entries are not the rows.
	unfold func(*keyed.Chunk) (*stateRows, error)
	// derive sets the words that follow from a row: those that no column has.
	derive func(cols []vec.Vector, n int) [][]uint64
}

// A StateColumn is a column of a StateTable. Its name is Name, unless it is the column
// At of input Input, or the result of call At: those have names in the job.
type StateColumn struct {
	Kind  StateColumnKind
	Input int
	At    int
	Name  string // of a part of a call: behind the call's name and a dot
	Type  types.Type
	Key   bool // part of the key

	from  stateSource
	index int // of the key's column, the row's column, the word
	word  int // inImage: the word of the blob; inWord of a BOOLEAN: what is TRUE
	form  valueForm
	call  agg.Agg
	// atLeast is the least that may be written.
	atLeast int64
}

// A StateColumnKind is where the name of a column comes from.
type StateColumnKind uint8

// The kinds.
const (
	StateOwn   StateColumnKind = iota // Name
	StateInput                        // a column of an input
	StateCall                         // a call's result, or a part of its accumulator
)

// True is the word that a BOOLEAN column is TRUE for.
func (c *StateColumn) True() uint64 { return uint64(c.word) }

// Is says what a column is, whatever the job calls it: two programs that say the same of
// a job's column mean the same.
func (c *StateColumn) Is() string {
	switch c.Kind {
	case StateInput:
		return fmt.Sprintf("input %d.%d", c.Input, c.At)
	case StateCall:
		return fmt.Sprintf("call %d.%s", c.At, c.Name)
	}
	return c.Name
}

// A StatePlace is where a column lies in what is written to the store.
type StatePlace uint8

// The places.
const (
	InKey   StatePlace = iota
	InWord             // of an entry, or beside a row; a blob's word, too
	InRow              // column of a row
	InImage            // column of a row that is a blob
	InWhole            // what is written has to be read as a whole
	InNone             // it follows from others
)

// Place returns where a column lies, and its number there: of an image, that of the
// blob's word.
func (c *StateColumn) Place() (StatePlace, int) {
	switch c.from {
	case inKey:
		return InKey, c.index
	case inWord, inStamp, inBlob, inKind:
		return InWord, c.index
	case inRow, inSet:
		return InRow, c.index
	case inImage:
		return InImage, c.word
	case inMade:
		return InWhole, 0
	}
	return InNone, 0
}

// A stateSource is where the values of a column lie.
type stateSource uint8

const (
	inKey    stateSource = iota // of the table
	inRow                       // column of a Multi's row
	inWord                      // 64 bits of an entry, or beside a row
	inStamp                     // such that are processing time in milliseconds; 0 is NULL
	inBlob                      // bytes of an entry, the function's own
	inBucket                    // the bucket's time
	inResult                    // what a call makes of its words
	inImage                     // column of a row that an entry has as a blob
	inSet                       // a value of a set
	inKind                      // a word that is a kind of change
	inMade                      // unfold has made it
)

// PlainStateTable is a table that its operator says nothing of, with what its shape
// tells: what an operator keeps for itself.
func PlainStateTable(f keyed.Form, shape keyed.Shape) StateTable {
	t := StateTable{Name: shape.Name, Of: -1, Store: shape.Name, Side: true, Sealed: "it is what the operator keeps for itself"}
	add := func(name string, i int, c StateColumn) {
		c.Name = fmt.Sprintf("%s%d", name, i)
		t.Columns = append(t.Columns, c)
	}
	for i, typ := range shape.Key {
		add("key", i, StateColumn{Type: typ, Key: true, from: inKey, index: i})
	}
	if f.Timed() {
		t.Columns = append(t.Columns, StateColumn{Name: "bucket", Type: types.Type{Kind: types.Timestamp, Prec: 3}, Key: true, from: inBucket})
	}
	for i, typ := range shape.Row {
		add("column", i, StateColumn{Type: typ, from: inRow, index: i})
	}
	words := shape.Words
	if f.Rows() {
		words = shape.Extra
	}
	for w := range words {
		c := StateColumn{Type: types.TBigInt.Nullable(false), from: inWord, index: w}
		if slices.Contains(shape.Blobs, w) {
			c.Type, c.from = types.TBytes, inBlob
		}
		add("word", w, c)
	}
	return t
}

// stateRows are the rows of a chunk.
type stateRows struct {
	*keyed.Chunk
	table  *StateTable
	groups agg.Groups
	accs   []keyed.Slot // where the accumulators are
	made   []vec.Vector // inMade
	images []vec.Vector // inImage
}

// Read returns the columns of a chunk's rows, and how many there are.
func (t *StateTable) Read(c *keyed.Chunk) (cols []vec.Vector, n int, err error) {
	rows := &stateRows{Chunk: c, accs: c.Slots}
	if t.unfold != nil {
		if rows, err = t.unfold(c); err != nil {
			return nil, 0, err
		}
	} else if c.Multi == nil {
		rows.groups.On(c.Table)
	}
	rows.table = t
	keys := rows.Table.Keys(rows.Slots)
	for i := range t.Columns {
		v, err := rows.column(&t.Columns[i], keys)
		if err != nil {
			return nil, 0, err
		}
		cols = append(cols, v)
	}
	return cols, len(rows.Slots), nil
}

func (x *stateRows) column(c *StateColumn, keys []vec.Vector) (vec.Vector, error) {
	switch c.from {
	case inKey:
		return keys[c.index], nil
	case inRow:
		return x.Multi.Gather(x.Refs, c.index), nil
	case inWord:
		return c.wordColumn(x.words(c.index)), nil
	case inStamp:
		return stampColumn(x.words(c.index)), nil
	case inBlob:
		b := vec.NewBuilder(c.Type)
		for _, s := range x.Slots {
			b.Bytes(x.Table.Blob(s, c.index))
		}
		return b.Finish(), nil
	case inBucket:
		at := make([]int64, len(x.Slots))
		for i := range at {
			at[i] = x.Time
		}
		return &vec.Fixed[int64]{Vals: at}, nil
	case inResult:
		var out agg.Out
		c.call.Read(&x.groups, x.accs, &out)
		v := c.call.Finish(&out)
		return v, out.Err()
	case inImage:
		if x.images == nil {
			if err := x.readImages(); err != nil {
				return nil, err
			}
		}
		return x.images[c.index], nil
	case inSet:
		return setColumn(c.Type, c.form, x.Multi.Gather(x.Refs, 0)), nil
	case inKind:
		return kindColumn(x.words(c.index)), nil
	}
	return x.made[c.index], nil
}

// words returns a word of each entry, or beside each row.
func (x *stateRows) words(w int) []uint64 {
	out := make([]uint64, len(x.Slots))
	for i, s := range x.Slots {
		if x.Multi != nil {
			out[i] = x.Multi.Extra(x.Refs[i])[w]
		} else {
			out[i] = x.Table.Words(s)[w]
		}
	}
	return out
}

// readImages decodes the rows that the entries have as blobs.
func (x *stateRows) readImages() error {
	var ts []types.Type
	word := 0
	for _, c := range x.table.Columns {
		if c.from == inImage {
			ts, word = append(ts, c.Type), c.word
		}
	}
	bs := make([]*vec.Builder, len(ts))
	for i, t := range ts {
		bs[i] = vec.NewBuilder(t)
	}
	for _, s := range x.Slots {
		if _, err := keyenc.DecodeRow(x.Table.Blob(s, word), ts, bs); err != nil {
			return err
		}
	}
	for _, b := range bs {
		x.images = append(x.images, b.Finish())
	}
	return nil
}

// wordColumn makes a column of words.
func (c *StateColumn) wordColumn(words []uint64) vec.Vector {
	b := vec.NewBuilder(c.Type)
	for _, w := range words {
		switch {
		case c.Type.Kind == types.Boolean:
			b.Bool(w == uint64(c.word))
		case c.Type.Approx():
			b.Float(math.Float64frombits(w))
		default:
			b.Int(int64(w))
		}
	}
	return b.Finish()
}

// stampType is that of words that are processing time.
var stampType = types.Type{Kind: types.TimestampLTZ, Prec: 3}

func stampColumn(words []uint64) vec.Vector {
	b := vec.NewBuilder(stampType)
	for _, w := range words {
		if w == 0 {
			b.Null()
			continue
		}
		b.Int(int64(w) * 1000)
	}
	return b.Finish()
}

func kindColumn(words []uint64) vec.Vector {
	b := vec.NewBuilder(types.TString)
	for _, w := range words {
		if w == receiverHas {
			b.Null()
			continue
		}
		b.Bytes([]byte(vec.RowKind(w).String()))
	}
	return b.Finish()
}

// setColumn makes the values of a set of the column in which they are saved.
func setColumn(t types.Type, form valueForm, saved vec.Vector) vec.Vector {
	b := vec.NewBuilder(t)
	for i := range saved.Len() {
		switch s := saved.(type) {
		case *vec.Fixed[int64]:
			buildValue(b, form, t, uint64(s.Vals[i]), nil)
		case *vec.Bytes:
			buildValue(b, form, t, 0, s.At(i))
		}
	}
	return b.Finish()
}
