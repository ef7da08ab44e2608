package keyed_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// chunkRows is how many entries a chunk of Scan has at most.
const chunkRows = 2048

// contents are the entries that Scan finds, as text, and how many the largest chunk had.
func contents(t *testing.T, s state.Store, form keyed.Form, shape keyed.Shape) (out []string, most int) {
	t.Helper()
	err := keyed.Scan(s, form, shape, func(c *keyed.Chunk) error {
		most = max(most, c.Len())
		keys := c.Table.Keys(c.Slots)
		for i, slot := range c.Slots {
			line := fmt.Sprint(c.Time, " ", string(keys[0].(*vec.Bytes).At(i)))
			if c.Multi != nil {
				v := c.Multi.Gather(c.Refs[i:i+1], 0).(*vec.Fixed[int64])
				line += fmt.Sprint(" row ", v.Vals[0], " ", c.Multi.Extra(c.Refs[i])[0])
			} else {
				line += fmt.Sprint(" ", c.Table.Words(slot)[0], " ", string(c.Table.Blob(slot, 1)))
			}
			out = append(out, line)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, most
}

// TestFillAndScan fills tables of each form with more than one chunk holds, replaces
// some of it, and reads it.
func TestFillAndScan(t *testing.T) {
	const n = 5000
	for _, form := range []keyed.Form{keyed.Entries, keyed.EntryBuckets, keyed.Lists, keyed.ListBuckets} {
		shape := keyed.Shape{Name: "t", Key: []types.Type{types.TString}, Words: 2, Blobs: []int{1}, Row: []types.Type{types.TBigInt}, Extra: 1, Groups: 16}
		if form.Rows() {
			shape.Words, shape.Blobs = 0, nil
		}
		s, err := lsm.Backend{}.Open("t", base.Range{Hi: 16}, nil, &statetest.Files{})
		if err != nil {
			t.Fatal(err)
		}
		f := keyed.NewFiller(s, form, shape)
		want := map[string]bool{}
		put := func(from, to int, tag string) {
			if err := fill(f, form, from, to, tag, func(line string) { want[line] = true }); err != nil {
				t.Fatal(form, err)
			}
		}
		put(0, n/2, "a")
		put(n/2, n, "a")
		for line := range want {
			var at, k int
			if fmt.Sscanf(line, "%d key%d", &at, &k); k < 100 {
				delete(want, line)
			}
		}
		for i := range 100 {
			k := keysOf(i, i+1)
			if err := f.Remove(timeOf(form, i), k); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Resume(); err != nil {
			t.Fatal(err)
		}
		put(0, 50, "b")
		f.Close()
		got, most := contents(t, s, form, shape)
		if len(got) != len(want) || most > chunkRows || most < 100 {
			t.Errorf("form %d: %d entries, want %d; the largest chunk has %d", form, len(got), len(want), most)
		}
		for _, line := range got {
			if !want[line] {
				t.Fatalf("form %d: %q", form, line)
			}
		}
		f = keyed.NewFiller(s, form, shape)
		if err := f.Wipe(); err != nil {
			t.Fatal(err)
		}
		if got, _ := contents(t, s, form, shape); len(got) > 0 {
			t.Errorf("form %d: %d entries are left", form, len(got))
		}
	}
}

// timeOf is the bucket of the i'th key.
func timeOf(form keyed.Form, i int) int64 {
	if form.Timed() {
		return int64(i % 2)
	}
	return 0
}

func keysOf(which ...int) *keyed.Keys {
	b := vec.NewBuilder(types.TString)
	n := 0
	for i := which[0]; i < which[1]; i++ {
		b.String(fmt.Sprintf("key%d", i))
		n++
	}
	k := &keyed.Keys{}
	k.Prepare([]types.Type{types.TString}, []vec.Vector{b.Finish()}, nil, n)
	return k
}

// fill adds entries for keys, one at a time where they lie in buckets.
func fill(f *keyed.Filler, form keyed.Form, from, to int, tag string, each func(string)) error {
	step := to - from
	if form.Timed() {
		step = 1
	}
	for i := from; i < to; i += step {
		vals := make([]int64, step)
		for j := range vals {
			vals[j] = int64(i + j)
		}
		var row []vec.Vector
		if form.Rows() {
			row = []vec.Vector{&vec.Fixed[int64]{Vals: vals}}
		}
		c, taken, err := f.Begin(timeOf(form, i), keysOf(i, i+step), row)
		if err != nil || taken >= 0 {
			return fmt.Errorf("taken %d, %w", taken, err)
		}
		for j := range step {
			line := fmt.Sprintf("%d key%d", timeOf(form, i), i+j)
			if form.Rows() {
				c.Multi.Extra(c.Refs[j])[0] = uint64(len(tag) + i + j)
				line += fmt.Sprintf(" row %d %d", i+j, len(tag)+i+j)
			} else {
				c.Table.Words(c.Slots[j])[0] = uint64(i + j)
				c.Table.SetBlob(c.Slots[j], 1, []byte(tag))
				line += fmt.Sprintf(" %d %s", i+j, tag)
			}
			each(line)
		}
		if err := f.End(); err != nil {
			return err
		}
	}
	return nil
}

// TestFillTaken shows that a key has one entry.
func TestFillTaken(t *testing.T) {
	s, err := lsm.Backend{}.Open("t", base.Range{Hi: 16}, nil, &statetest.Files{})
	if err != nil {
		t.Fatal(err)
	}
	f := keyed.NewFiller(s, keyed.Entries, keyed.Shape{Name: "t", Key: []types.Type{types.TString}, Words: 2, Blobs: []int{1}, Groups: 16})
	if err := fill(f, keyed.Entries, 0, 10, "a", func(string) {}); err != nil {
		t.Fatal(err)
	}
	if _, taken, err := f.Begin(0, keysOf(8, 12), nil); err != nil || taken != 0 && taken != 1 {
		t.Errorf("of keys 8 to 11, 8 and 9 are there: taken %d, %v", taken, err)
	}
	if err := f.End(); err != nil {
		t.Fatal(err)
	}
	b := vec.NewBuilder(types.TString)
	for _, k := range slices.Repeat([]string{"x", "y"}, 2) {
		b.String(k)
	}
	k := &keyed.Keys{}
	k.Prepare([]types.Type{types.TString}, []vec.Vector{b.Finish()}, nil, 4)
	if _, taken, err := f.Begin(0, k, nil); err != nil || taken != 2 {
		t.Errorf("x, y, x, y: taken %d, %v", taken, err)
	}
}
