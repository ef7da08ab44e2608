package kernel

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/expr/variant"
)

// TestVariantJSON: what JSON becomes when it has been a VARIANT.
func TestVariantJSON(t *testing.T) {
	var j JSON
	var b variant.Builder
	for _, c := range [][2]string{
		{`null`, `null`}, {`true`, `true`}, {` -128 `, `-128`}, {`32767`, `32767`}, {`2147483648`, `2147483648`},
		{`9223372036854775807`, `9223372036854775807`}, {`9223372036854775808`, `9223372036854775808`},
		{`99999999999999999999999999999999999999`, `99999999999999999999999999999999999999`},
		{`999999999999999999999999999999999999999`, `1.0E39`},
		{`1.50`, `1.50`}, {`-0.001`, `-0.001`}, {`1e3`, `1000.0`}, {`123456789.123456789`, `123456789.123456789`},
		{`"a\u00e9\n\"\u0001"`, `"aé\n\"\u0001"`}, {`"` + strings.Repeat("x", 100) + `"`, `"` + strings.Repeat("x", 100) + `"`},
		{`[]`, `[]`}, {`{}`, `{}`}, {`[1, [2, "3"], {"b": [], "a": {}}]`, `[1,[2,"3"],{"a":{},"b":[]}]`},
		{`{"z": 1, "a": {"z": 2}}`, `{"a":{"z":2},"z":1}`},
	} {
		cell, err := j.Variant(nil, &b, c[0], false)
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if got := string(variant.Of(cell).AppendJSON(nil)); got != c[1] {
			t.Errorf("%s is %s, want %s", c[0], got, c[1])
		}
	}
	for _, bad := range []string{"", "{", "[1,]", `{"a":1} x`, "01", "'a'", `{"a":1,"a":2}`} {
		if _, err := j.Variant(nil, &b, bad, false); err == nil {
			t.Errorf("%q is a VARIANT", bad)
		}
	}
}

// TestVariantBytes: the bytes are those of the specification of Parquet's variants.
func TestVariantBytes(t *testing.T) {
	var j JSON
	var b variant.Builder
	for _, c := range [][2]string{
		{`1`, "010000" + "0c01"},
		{`"hi"`, "010000" + "096869"},
		{`{"b":true,"a":[1]}`, "0102000102" + "6261" + "02" + "02" + "0100" + "0100" + "07" + "04" + "03" + "01" + "0002" + "0c01"},
	} {
		cell, err := j.Variant(nil, &b, c[0], false)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(cell); got != c[1] {
			t.Errorf("%s is %s, want %s", c[0], got, c[1])
		}
	}
}

// TestVariantRandom: random documents, wide and deep, give the same document back,
// and each field and element is found.
func TestVariantRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var j JSON
	var b variant.Builder
	for i := range 100 {
		doc := randomDoc(rng, 0, i%7 == 0)
		text, _ := json.Marshal(doc)
		cell, err := j.Variant([]byte("before"), &b, string(text), false)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		compareDoc(t, variant.Of(cell[len("before"):]), doc)
	}
}

func compareDoc(t *testing.T, v variant.Value, doc any) {
	t.Helper()
	want, _ := json.Marshal(doc)
	own := variant.Of(v.Append(nil)) // a part stands on its own
	if got := own.AppendJSON(nil); !bytes.Equal(got, want) {
		t.Fatalf("%.300s, want %.300s", got, want)
	}
	switch doc := doc.(type) {
	case []any:
		for i := range doc {
			e, ok := own.Elem(i)
			if !ok {
				t.Fatalf("no element %d of %s", i, want)
			}
			compareDoc(t, e, doc[i])
		}
		if _, ok := own.Elem(len(doc)); ok {
			t.Fatalf("an element behind %s", want)
		}
	case map[string]any:
		for k := range doc {
			e, ok := own.Field([]byte(k))
			if !ok {
				t.Fatalf("no field %s of %s", k, want)
			}
			compareDoc(t, e, doc[k])
		}
		if _, ok := own.Field([]byte("none")); ok {
			t.Fatalf("a field that is not in %s", want)
		}
	}
}

func randomDoc(rng *rand.Rand, depth int, wide bool) any {
	n := rng.IntN(5)
	if wide && depth == 0 {
		n = 200 + rng.IntN(400)
	}
	switch k := rng.IntN(6); {
	case k < 2 && depth < 4 || wide && depth == 0 && k < 3:
		list := make([]any, n)
		for i := range list {
			list[i] = randomDoc(rng, depth+1, wide)
		}
		return list
	case k < 4 && depth < 4 || wide && depth == 0:
		object := map[string]any{}
		for range n {
			object[fmt.Sprint("k", rng.IntN(1000))] = randomDoc(rng, depth+1, wide)
		}
		return object
	case k == 4:
		return strings.Repeat("é", rng.IntN(100))
	}
	return rng.Int64() >> rng.IntN(64)
}

// FuzzVariant: no bytes make reading fail.
func FuzzVariant(f *testing.F) {
	var j JSON
	var b variant.Builder
	for _, s := range []string{`1`, `"x"`, `{"a":[1,{"b":2.5}]}`} {
		cell, _ := j.Variant(nil, &b, s, false)
		f.Add(cell)
	}
	f.Fuzz(func(t *testing.T, cell []byte) {
		v := variant.Of(cell)
		if v.Kind() != variant.Array && v.Kind() != variant.Object { // they may hold themselves
			v.AppendJSON(nil)
		}
		v.Field([]byte("a"))
		v.Elem(0)
	})
}
