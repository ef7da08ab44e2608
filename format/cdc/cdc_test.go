package cdc_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/canaljson"
	"github.com/millrace-io/millrace/format/debeziumjson"
	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/format/maxwelljson"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func col(name string, t types.Type) types.Field { return types.Field{Name: name, Type: t} }

var spec = formattest.Spec

// meta makes the columns of a spec that are named after a key metadata columns.
func meta(name string, s format.Spec) format.Spec {
	s.Metadata = map[int]string{}
	for i, f := range s.Schema {
		if _, ok := format.Lookup(name).Metadata[f.Name]; ok {
			s.Metadata[i] = f.Name
		}
	}
	return s
}

func rowsOf(b *vec.Batch) []string {
	rows := formattest.Rows(b)
	for i, r := range rows {
		rows[i] = b.Kind(b.Row(i)).String() + " " + r
	}
	return rows
}

func decode(t *testing.T, name string, sp format.Spec, text string, piece int) (rows []string, skipped int64, err error) {
	t.Helper()
	d, err := format.Lookup(name).Decoder(sp)
	if err != nil {
		return nil, 0, err
	}
	return formattest.Decode(t, d, text, piece, rowsOf)
}

var (
	two   = types.Schema{col("id", types.TInt), col("v", types.TString)}
	three = types.Schema{col("id", types.TInt), col("v", types.TString), col("n", types.DecimalOf(8, 2))}
	ltz   = types.LTZOf(3)
	texts = types.MapOf(types.TString, types.TString)
	dbz   = debeziumjson.Name
	canal = canaljson.Name
	maxw  = maxwelljson.Name
	skip  = []string{"ignore-parse-errors", "true"}
)

const nullBefore = `message is null, if you are using Debezium Postgres Connector, please check the Postgres table has been set REPLICA IDENTITY to FULL level`

func TestDecode(t *testing.T) {
	source := `"source":{"version":"1.9","ts_ms":1589355504100,"db":"inventory","schema":"pub\"lic","table":"products","gtid":null,"pos":{"a":1},"ok":true}`
	debeziumMeta := types.Schema{col("id", types.TInt), col("source.timestamp", ltz), col("source.database", types.TString), col("source.schema", types.TString),
		col("source.table", types.TString), col("ingestion-timestamp", ltz), col("source.properties", texts), col("schema", types.TString)}
	canalMeta := types.Schema{col("id", types.TInt), col("database", types.TString), col("table", types.TString), col("sql-type", types.MapOf(types.TString, types.TInt)),
		col("pk-names", types.ArrayOf(types.TString)), col("ingestion-timestamp", ltz), col("event-timestamp", types.LTZOf(9))}
	maxwellMeta := types.Schema{col("id", types.TInt), col("database", types.TString), col("table", types.TString), col("primary-key-columns", types.ArrayOf(types.TString)), col("ingestion-timestamp", ltz)}
	for _, c := range []struct {
		name   string
		format string
		schema types.Schema
		opts   []string
		text   string
		want   []string // rows, or the error behind "!"
	}{
		{"all operations", dbz, two, nil,
			`{"before":null,"after":{"id":1,"v":"a"},"op":"c"}` + "\n\n" +
				`{"before":null,"after":{"id":2,"v":"b"},"op":"r","ts_ms":1}` + "\r\n" +
				`{"before":{"id":1,"v":"a"},"after":{"id":1,"v":"A"},"op":"u"}` + "\n" +
				`{"before":{"id":2,"v":"b"},"after":null,"op":"d"}`,
			[]string{`+I 1|"a"`, `+I 2|"b"`, `-U 1|"a"`, `+U 1|"A"`, `-D 2|"b"`}},
		{"any order, other fields, blanks", dbz, two, nil,
			` { "op" : "u" , "transaction":null, "after" : {"v":"A","id":1} , ` + source + `, "before" : { "id" : 1 , "x":[{}] } } ` + "\n", []string{`-U 1|NULL`, `+U 1|"A"`}},
		{"what does not count", dbz, two, nil,
			`{"before":{"id":7},"after":{"id":1},"op":"c"}` + "\n" + `{"before":{"id":1},"after":{"id":8},"op":"d"}` + "\n", []string{`+I 1|NULL`, `-D 1|NULL`}},
		{"a field twice", dbz, two, nil, `{"after":{"id":1},"op":"x","after":{"id":2},"op":"c"}` + "\n", []string{`+I 2|NULL`}},
		{"escaped names", dbz, two, nil, `{"\u0061fter":{"\u0069d":1},"op":"\u0063"}` + "\n", []string{`+I 1|NULL`}},
		{"schema", dbz, two, []string{"schema-include", "true"},
			`{"schema":{"type":"struct","op":"z"},"payload":{"before":null,"after":{"id":1,"v":"a"},"op":"c"}}` + "\n", []string{`+I 1|"a"`}},
		{"no payload", dbz, two, []string{"schema-include", "true"}, `{"before":null,"after":{"id":1,"v":"a"},"op":"c"}` + "\n",
			[]string{`!the record has no field "payload"`}},
		{"update without before", dbz, two, nil, `{"after":{"id":1},"op":"u"}` + "\n", []string{`!the "before" field of UPDATE ` + nullBefore}},
		{"delete without before", dbz, two, nil, `{"before":null,"after":null,"op":"d"}` + "\n", []string{`!the "before" field of DELETE ` + nullBefore}},
		{"create without after", dbz, two, nil, `{"before":null,"after":null,"op":"c"}` + "\n", []string{`!the record has no row in "after"`}},
		{"unknown operation", dbz, two, nil, `{"before":null,"after":null,"op":"t"}` + "\n", []string{`!unknown "op" value "t"`}},
		{"long operation", dbz, two, nil, `{"op":"create"}` + "\n", []string{`!unknown "op" value "create"`}},
		{"no operation", dbz, two, nil, `{"before":null,"after":{"id":1}}` + "\n", []string{`!the record has no field "op" that is a string`}},
		{"operation is a number", dbz, two, nil, `{"op":1}` + "\n", []string{`!the record has no field "op" that is a string`}},
		{"row is no object", dbz, two, nil, `{"after":[1],"op":"c"}` + "\n", []string{`!the value is not a JSON object`}},
		{"bad column", dbz, two, nil, `{"after":{"id":1},"op":"c"}` + "\n" + `{"after":{"id":"x"},"op":"c"}` + "\n", []string{`+I 1|NULL`, `!column 'id': 'x' is not a valid INT`}},
		{"not JSON", dbz, two, nil, `{"after":{"id":1},"op":"c"` + "\n", []string{`!the line is not valid JSON`}},
		{"an array", dbz, two, nil, `[{"after":{"id":1},"op":"c"}]` + "\n", []string{`!the line is not a JSON object`}},
		{"null", dbz, two, nil, "null\n", []string{`!the line is not a JSON object`}},
		{"errors ignored", dbz, two, skip,
			`{"after":{"id":"x","v":"a"},"op":"c"}` + "\n" + `{"op":"t"}` + "\nnull\n" + `{"before":{"id":1},"after":7,"op":"u"}` + "\n" + `{"after":{"id":2},"op":"r"}` + "\n",
			[]string{`+I NULL|"a"`, `+I 2|NULL`, "skipped 3"}},
		{"metadata", dbz, debeziumMeta, nil,
			`{"before":{"id":1},"after":{"id":2},` + source + `,"op":"u","ts_ms":1589355606100,"schema":"s"}` + "\n" + `{"after":{"id":3},"op":"c"}` + "\n" + `{"after":{"id":4},"op":"c","source":null}` + "\n",
			[]string{
				`-U 1|1589355504100000|"inventory"|"pub\"lic"|"products"|1589355606100000|{"version"="1.9","ts_ms"="1589355504100","db"="inventory","schema"="pub\"lic","table"="products","gtid"=NULL,"pos"="{\"a\":1}","ok"="true"}|"s"`,
				`+U 2|1589355504100000|"inventory"|"pub\"lic"|"products"|1589355606100000|{"version"="1.9","ts_ms"="1589355504100","db"="inventory","schema"="pub\"lic","table"="products","gtid"=NULL,"pos"="{\"a\":1}","ok"="true"}|"s"`,
				`+I 3|NULL|NULL|NULL|NULL|NULL|NULL|NULL`, `+I 4|NULL|NULL|NULL|NULL|NULL|NULL|NULL`}},
		{"metadata with schema", dbz, types.Schema{col("id", types.TInt), col("schema", types.TString), col("source.table", types.TString)}, []string{"schema-include", "true"},
			`{"schema":{"a": 1},"payload":{"after":{"id":1},"op":"c","source":{"table":"t"}}}` + "\n", []string{`+I 1|"{\"a\":1}"|"t"`}},
		{"bad time", dbz, types.Schema{col("ingestion-timestamp", ltz)}, nil, `{"after":{},"op":"c","ts_ms":"soon"}` + "\n", []string{`!column 'ingestion-timestamp': 'soon' is not a time since 1970`}},
		{"bad time ignored", dbz, types.Schema{col("ingestion-timestamp", ltz)}, skip, `{"after":{},"op":"c","ts_ms":"soon"}` + "\n" + `{"after":{},"op":"c","ts_ms":" -1500 "}` + "\n", []string{`+I NULL`, `+I -1500000`, "skipped 0"}},

		{"all types", canal, two, nil,
			`{"data":[{"id":"1","v":"a"},{"id":"2","v":"b"}],"old":null,"type":"INSERT"}` + "\n" +
				`{"data":[{"id":"1","v":"A"},{"id":"2","v":null}],"old":[{"v":"a"},{"v":"b","x":1}],"type":"UPDATE"}` + "\n" +
				`{"data":null,"type":"CREATE","isDdl":true}` + "\n" +
				`{"data":[],"type":"INSERT"}` + "\n" +
				`{"type":"DELETE","data":[{"id":"2","v":null}]}` + "\n",
			[]string{`+I 1|"a"`, `+I 2|"b"`, `-U 1|"a"`, `+U 1|"A"`, `-U 2|"b"`, `+U 2|NULL`, `-D 2|NULL`}},
		{"old is NULL or missing", canal, three, nil,
			`{"data":[{"id":1,"v":"x","n":1.5},{"id":2,"v":"y","n":2.5}],"old":[{"v":null,"n":0.5},{"id":9}],"type":"UPDATE"}` + "\n",
			[]string{`-U 1|NULL|50`, `+U 1|"x"|150`, `-U 9|"y"|250`, `+U 2|"y"|250`}},
		{"filters", canal, two, []string{"database.include", "my.*", "table.include", "a|b"},
			`{"data":[{"id":1}],"type":"INSERT","database":"mydb","table":"a"}` + "\n" + `{"data":[{"id":2}],"type":"INSERT","database":"mydb","table":"ab"}` + "\n" +
				`{"data":[{"id":"bad"}],"type":"INSERT","database":"yours","table":"a"}` + "\n" + `{"data":[{"id":4}],"type":"INSERT","database":"my","table":"b"}` + "\n",
			[]string{`+I 1|NULL`, `+I 4|NULL`}},
		{"filter without the field", canal, two, []string{"table.include", "a"}, `{"data":[{"id":1}],"type":"INSERT"}` + "\n", []string{`!the record has no field "table" that is a string, which the option 'table.include' looks at`}},
		{"unknown type", canal, two, nil, `{"data":null,"type":"ALTER"}` + "\n", []string{`!unknown "type" value "ALTER"`}},
		{"no data", canal, two, nil, `{"data":null,"type":"INSERT"}` + "\n", []string{`!the record has no array of rows in "data"`}},
		{"no old", canal, two, nil, `{"data":[{"id":1}],"type":"UPDATE"}` + "\n", []string{`!the record has no array of rows in "old"`}},
		{"too few old", canal, two, nil, `{"data":[{"id":1},{"id":2}],"old":[{}],"type":"UPDATE"}` + "\n", []string{`!"old" has 1 rows, "data" 2`}},
		{"a row that is null", canal, two, nil, `{"data":[{"id":1},null],"type":"DELETE"}` + "\n", []string{`!the value is not a JSON object`}},
		{"bad column in the second row", canal, two, nil, `{"data":[{"id":1},{"id":[]}],"type":"INSERT"}` + "\n", []string{`!column 'id': a JSON object or array is not a valid INT`}},
		{"nothing of a bad record stays", canal, two, skip, `{"data":[{"id":1},null],"type":"INSERT"}` + "\n" + `{"data":[{"id":2,"v":"b"}],"type":"INSERT"}` + "\n", []string{`+I 2|"b"`, "skipped 1"}},
		{"metadata", canal, canalMeta, nil,
			`{"data":[{"id":1},{"id":2}],"type":"DELETE","database":"db","table":"t","sqlType":{"id":4},"pkNames":["id"],"ts":1589373515477,"es":"1589373515000"}` + "\n" + `{"data":[{"id":3}],"type":"INSERT"}` + "\n",
			[]string{`-D 1|"db"|"t"|{"id"=4}|["id"]|1589373515477000|1589373515000000000`, `-D 2|"db"|"t"|{"id"=4}|["id"]|1589373515477000|1589373515000000000`, `+I 3|NULL|NULL|NULL|NULL|NULL|NULL`}},

		{"all types", maxw, three, nil,
			`{"database":"d","table":"t","type":"insert","ts":1,"data":{"id":1,"v":"a","n":1}}` + "\n" +
				`{"type":"update","data":{"id":1,"v":null,"n":2},"old":{"v":"a"}}` + "\n" +
				`{"type":"update","data":{"id":1,"v":"b","n":2},"old":{"v":null}}` + "\n" +
				`{"type":"delete","data":{"id":1,"v":"b","n":2}}` + "\n",
			[]string{`+I 1|"a"|100`, `-U 1|"a"|200`, `+U 1|NULL|200`, `-U 1|NULL|200`, `+U 1|"b"|200`, `-D 1|"b"|200`}},
		{"unknown type", maxw, two, nil, `{"type":"bootstrap-start","data":{}}` + "\n", []string{`!unknown "type" value "bootstrap-start"`}},
		{"no old", maxw, two, nil, `{"type":"update","data":{"id":1}}` + "\n", []string{`!the record has no row in "old"`}},
		{"no data", maxw, two, nil, `{"type":"insert"}` + "\n", []string{`!the record has no row in "data"`}},
		{"bad old", maxw, two, nil, `{"type":"update","data":{"id":1},"old":{"id":"x"}}` + "\n", []string{`!column 'id': 'x' is not a valid INT`}},
		{"bad old ignored", maxw, two, skip, `{"type":"update","data":{"id":1},"old":{"id":"x"}}` + "\n", []string{`-U NULL|NULL`, `+U 1|NULL`, "skipped 0"}},
		{"metadata", maxw, maxwellMeta, nil, `{"type":"update","data":{"id":1},"old":{"id":2},"database":"d","table":"t","primary_key_columns":["id","x"],"ts":1596684904}` + "\n",
			[]string{`-U 2|"d"|"t"|["id","x"]|1596684904000000`, `+U 1|"d"|"t"|["id","x"]|1596684904000000`}},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			rows, skipped, err := decode(t, c.format, meta(c.format, spec(c.schema, c.opts...)), c.text, piece)
			if len(c.opts) > 0 && c.opts[0] == skip[0] {
				rows = append(rows, fmt.Sprint("skipped ", skipped))
			}
			if err != nil {
				rows = append(rows, "!"+err.Error())
			}
			ok := len(rows) == len(c.want)
			for i := 0; ok && i < len(rows); i++ {
				ok = rows[i] == c.want[i] || strings.HasPrefix(c.want[i], "!") && strings.HasPrefix(rows[i], c.want[i])
			}
			if !ok {
				t.Fatalf("%s, %s, pieces of %d:\n got %s\nwant %s", c.format, c.name, piece, strings.Join(rows, "\n     "), strings.Join(c.want, "\n     "))
			}
		}
	}
}

// Errors say which record is wrong.
func TestRecordError(t *testing.T) {
	text := `{"after":{"id":1},"op":"c"}` + "\n"
	d, _ := format.Lookup(dbz).Decoder(spec(two))
	data := []byte(text + text + `{"after":{"id":true},"op":"c"}` + "\n")
	b, n, err := d.Decode(data, false)
	if err != nil || b.Rows != 2 || n != 2*len(text) {
		t.Fatal(b, n, err)
	}
	_, _, err = d.Decode(data[n:], false)
	var re *format.RecordError
	if !errors.As(err, &re) || re.Column != "id" || re.Record != `{"after":{"id":true},"op":"c"}` {
		t.Fatalf("%#v", err)
	}
}

func TestBadSpecs(t *testing.T) {
	for _, c := range []struct {
		format string
		write  bool
		spec   format.Spec
		want   string
	}{
		{dbz, true, spec(two, "schema-include", "true"), "format debezium-json: with option 'schema-include' a table cannot be written"},
		{dbz, false, spec(two, "schema-include", "maybe"), "format debezium-json: option 'schema-include': 'maybe' is not true or false"},
		{canal, false, spec(two, "table.include", "("), "format canal-json: option 'table.include': error parsing regexp"},
		{maxw, false, spec(two, "timestamp-format.standard", "US"), "format maxwell-json: format json: option 'timestamp-format.standard'"},
		{maxw, false, format.Spec{Schema: two, Columns: []int{0}, Metadata: map[int]string{1: "sql"}}, "format maxwell-json: column 'v': there is no metadata 'sql'"},
		{canal, false, meta(canal, spec(types.Schema{col("pk-names", types.TString)})), "format canal-json: column 'pk-names': metadata 'value.pk-names' is ARRAY<STRING>, which is not read as STRING"},
		{canal, false, meta(canal, spec(types.Schema{col("pk-names", types.ArrayOf(types.TInt))})), "format canal-json: column 'pk-names': metadata 'value.pk-names' is ARRAY<STRING>, which is not read as ARRAY<INT>"},
	} {
		var err error
		if f := format.Lookup(c.format); c.write {
			_, err = f.Encoder(c.spec)
		} else {
			_, err = f.Decoder(c.spec)
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.format, err, c.want)
		}
	}
}

// A batch of changes; every second row counts.
func changes(s types.Schema, n int, seed uint64) *vec.Batch {
	b := formattest.Random(s, n, seed)
	rng := rand.New(rand.NewPCG(seed, 9))
	for i := range n {
		b.Kinds = append(b.Kinds, vec.RowKind(rng.IntN(4)))
		if i%2 == 0 {
			b.Sel = append(b.Sel, int32(i))
		}
	}
	return b
}

func TestEncode(t *testing.T) {
	id, v := vec.NewBuilder(types.TInt), vec.NewBuilder(types.TString)
	for i, s := range []string{"a", "b\n", "c", "d"} {
		id.Int(int64(i))
		if i == 2 {
			v.Null()
		} else {
			v.String(s)
		}
	}
	b := &vec.Batch{Cols: []vec.Vector{id.Finish(), v.Finish()}, Rows: 4, Kinds: []vec.RowKind{vec.Insert, vec.UpdateBefore, vec.UpdateAfter, vec.Delete}}
	bare := []string{"encode.ignore-null-fields", "true"}
	for _, c := range []struct {
		format string
		opts   []string
		want   string
	}{
		{dbz, nil, `{"before":null,"after":{"id":0,"v":"a"},"op":"c"}
{"before":{"id":1,"v":"b\n"},"after":null,"op":"d"}
{"before":null,"after":{"id":2,"v":null},"op":"c"}
{"before":{"id":3,"v":"d"},"after":null,"op":"d"}
`},
		{dbz, bare, `{"after":{"id":0,"v":"a"},"op":"c"}
{"before":{"id":1,"v":"b\n"},"op":"d"}
{"after":{"id":2},"op":"c"}
{"before":{"id":3,"v":"d"},"op":"d"}
`},
		{canal, nil, `{"data":[{"id":0,"v":"a"}],"type":"INSERT"}
{"data":[{"id":1,"v":"b\n"}],"type":"DELETE"}
{"data":[{"id":2,"v":null}],"type":"INSERT"}
{"data":[{"id":3,"v":"d"}],"type":"DELETE"}
`},
		{maxw, nil, `{"data":{"id":0,"v":"a"},"type":"insert"}
{"data":{"id":1,"v":"b\n"},"type":"delete"}
{"data":{"id":2,"v":null},"type":"insert"}
{"data":{"id":3,"v":"d"},"type":"delete"}
`},
	} {
		e, err := format.Lookup(c.format).Encoder(spec(two, c.opts...))
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Encode(nil, b)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s", c.format, err, got)
		}
	}
}

// What is written is read as the same rows that come and go.
func TestRoundTrip(t *testing.T) {
	// JSON has TIMEs to the millisecond, and no floats that are not numbers
	schema := slices.Concat(formattest.All, formattest.Nested, formattest.Deep)
	for _, name := range []string{dbz, canal, maxw} {
		for seed := range uint64(20) {
			b := changes(schema, 50, seed)
			e, err := format.Lookup(name).Encoder(spec(schema))
			if err != nil {
				t.Fatal(err)
			}
			text, err := e.Encode(nil, b)
			if err != nil {
				t.Fatal(err)
			}
			rows, _, err := decode(t, name, spec(schema), string(text), 1<<20)
			if err != nil {
				t.Fatal(name, seed, err)
			}
			want := rowsOf(b)
			for i, w := range want {
				w = strings.Replace(strings.Replace(w, "-U", "-D", 1), "+U", "+I", 1)
				if rows[i] != w {
					t.Fatalf("%s, seed %d, row %d:\n got %s\nwant %s", name, seed, i, rows[i], w)
				}
			}
			if len(rows) != len(want) {
				t.Fatal(len(rows), len(want))
			}
		}
	}
}

// records are of every shape.
var records = map[string][]string{
	dbz: {
		`{"before":null,"after":{"id":1,"v":"a\u00e9","n":1.25},"op":"c","source":{"ts_ms":1,"db":"d","table":"t"},"ts_ms":12}`,
		`{"before":{"id":1,"v":"a","n":-1e2},"after":{"id":1,"v":"b","n":null},"op":"u","source":{"db":"d"},"ts_ms":"13"}`,
		`{"before":{"id":1,"v":"b"},"after":null,"op":"d"}`,
	},
	canal: {
		`{"data":[{"id":"1","v":"a"},{"id":"2"}],"type":"INSERT","database":"d","table":"t","pkNames":["id"],"sqlType":{"id":4},"ts":1,"es":2}`,
		`{"data":[{"id":"1","v":"b"},{"id":"2","n":"7"}],"old":[{"v":"a"},{"n":null}],"type":"UPDATE"}`,
		`{"data":[{"id":"1","v":"b"}],"old":null,"type":"DELETE"}`,
	},
	maxw: {
		`{"database":"d","table":"t","type":"insert","ts":1,"primary_key_columns":["id"],"data":{"id":1,"v":"a","n":7}}`,
		`{"type":"update","data":{"id":1,"v":"b","n":7},"old":{"v":"a","n":null}}`,
		`{"type":"delete","data":{"id":1,"v":"b","n":7}}`,
	},
}

// everything is a spec that reads all columns and metadata.
func everything(name string, opts ...string) format.Spec {
	s := slices.Clone(three)
	for _, k := range []string{"schema", "source.database", "source.table", "source.properties", "source.timestamp", "ingestion-timestamp", "event-timestamp", "database", "table", "pk-names", "primary-key-columns", "sql-type"} {
		if sql, ok := format.Lookup(name).Metadata[k]; ok {
			t := map[string]types.Type{"STRING": types.TString, ltz.Name(): ltz, texts.Name(): texts, "ARRAY<STRING>": types.ArrayOf(types.TString), "MAP<STRING, INT>": types.MapOf(types.TString, types.TInt)}[sql]
			s = append(s, col(k, t))
		}
	}
	return meta(name, spec(s, opts...))
}

// Records that are cut off or damaged give an error or other rows; with
// ignore-parse-errors never an error, and the records beside them are read.
func TestGarbage(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, list := range records {
		for _, rec := range list {
			var bad []string
			for k := range rec {
				bad = append(bad, rec[:k])
			}
			for range 3000 {
				b := []byte(rec)
				for range 1 + rng.IntN(3) {
					b[rng.IntN(len(b))] = `{}[]",:0e-.\ntu x`[rng.IntN(16)]
				}
				if !bytes.ContainsAny(b, "\n") {
					bad = append(bad, string(b))
				}
			}
			for _, b := range bad {
				_, _, _ = decode(t, name, everything(name), b, 1<<20)
				text := rec + "\n" + b + "\n" + rec + "\n"
				rows, _, err := decode(t, name, everything(name, skip...), text, 1<<20)
				if err != nil {
					t.Fatalf("%s: %q: %v", name, b, err)
				}
				good, _, _ := decode(t, name, everything(name), rec, 1<<20)
				if n := len(good); len(rows) < 2*n || !slices.Equal(rows[:n], good) || !slices.Equal(rows[len(rows)-n:], good) {
					t.Fatalf("%s: %q spoils its neighbours: %q", name, b, rows)
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, list := range records {
		for _, r := range list {
			f.Add([]byte(r))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for name := range records {
			for _, opts := range [][]string{nil, skip} {
				d, err := format.Lookup(name).Decoder(everything(name, opts...))
				if err != nil {
					t.Fatal(err)
				}
				b, n, err := d.Decode(data, true)
				if err != nil && opts != nil {
					t.Fatal(err)
				}
				if err == nil && (n == 0 && len(data) > 0 || b.Check() != nil) {
					t.Fatal(n, b.Check())
				}
			}
		}
	})
}

// The change files of the conformance cases are read whole.
func TestConformanceFiles(t *testing.T) {
	for _, c := range []struct {
		format string
		schema types.Schema
		file   string
		want   []string
	}{
		{dbz, types.Schema{col("sku", types.TString), col("name", types.TString), col("qty", types.TInt), col("price", types.DecimalOf(8, 2))}, "stock_cdc.json",
			[]string{`+I "p1"|"pen"|10|150`, `+I "p2"|"ink"|4|725`, `+I "p3"|"pad"|0|210`, `-U "p1"|"pen"|10|150`, `+U "p1"|"pen"|7|150`, `-D "p3"|"pad"|0|210`,
				`+I "p4"|"cap"|3|999`, `-U "p2"|"ink"|4|725`, `+U "p2"|"ink"|4|675`, `-U "p4"|"cap"|3|999`, `+U "p4"|"cap"|NULL|949`}},
		{canal, two, "canal.json", []string{`+I 1|"a"`, `+I 2|"b"`, `-U 1|"a"`, `+U 1|"a2"`, `-D 2|"b"`, `+I 3|NULL`}},
	} {
		text, err := os.ReadFile(filepath.Join("../../test/flink/data", c.file))
		if err != nil {
			t.Fatal(err)
		}
		rows, _, err := decode(t, c.format, spec(c.schema), string(text), 1<<20)
		if err != nil || !slices.Equal(rows, c.want) {
			t.Errorf("%s: %v\n%s", c.file, err, strings.Join(rows, "\n"))
		}
	}
}

// large returns n records of Nexmark's bids: insertions, updates and deletions.
func large(name string, n int) []byte {
	bids := formattest.Bids(n, false)
	e, _ := format.Lookup("json").Encoder(spec(formattest.Bid))
	rows, _ := e.Encode(nil, bids)
	var out bytes.Buffer
	for i, r := range bytes.Split(bytes.TrimSpace(rows), []byte("\n")) {
		row, old := string(r), strings.Replace(string(r), `"price":`, `"price":1`, 1)
		source := fmt.Sprintf(`"source":{"version":"1.9.7.Final","connector":"mysql","name":"dbserver1","ts_ms":%d,"snapshot":"false","db":"inventory","sequence":null,"table":"products","server_id":223344,"gtid":null,"file":"mysql-bin.000003","pos":%d,"row":0,"thread":7,"query":null}`, 1589355504100+i, 154+i)
		switch {
		case name == dbz && i%2 == 0:
			fmt.Fprintf(&out, `{"before":null,"after":%s,%s,"op":"c","ts_ms":%d,"transaction":null}`+"\n", row, source, 1589355606100+i)
		case name == dbz:
			fmt.Fprintf(&out, `{"before":%s,"after":%s,%s,"op":"u","ts_ms":%d,"transaction":null}`+"\n", old, row, source, 1589355606100+i)
		case name == canal && i%2 == 0:
			fmt.Fprintf(&out, `{"data":[%s],"database":"inventory","es":1589373515000,"id":3,"isDdl":false,"old":null,"pkNames":["auction"],"table":"bids","ts":1589373515477,"type":"INSERT"}`+"\n", row)
		case name == canal:
			fmt.Fprintf(&out, `{"data":[%s],"database":"inventory","es":1589373515000,"id":3,"isDdl":false,"old":[{"price":1}],"pkNames":["auction"],"table":"bids","ts":1589373515477,"type":"UPDATE"}`+"\n", row)
		case i%2 == 0:
			fmt.Fprintf(&out, `{"database":"inventory","table":"bids","type":"insert","ts":1596684904,"xid":7201,"commit":true,"data":%s}`+"\n", row)
		default:
			fmt.Fprintf(&out, `{"database":"inventory","table":"bids","type":"update","ts":1596684904,"xid":7201,"commit":true,"data":%s,"old":{"price":1}}`+"\n", row)
		}
	}
	return out.Bytes()
}

// Decoding and encoding allocate for batches, not for rows.
func TestAllocations(t *testing.T) {
	for _, name := range []string{dbz, canal, maxw} {
		data := large(name, 2000)
		d, err := format.Lookup(name).Decoder(spec(formattest.Bid))
		if err != nil {
			t.Fatal(err)
		}
		rows, batches := 0, 0
		got := testing.AllocsPerRun(3, func() {
			rows, batches = 0, 0
			for at := 0; at < len(data); {
				b, n, err := d.Decode(data[at:], false)
				if err != nil || n == 0 {
					t.Fatal(n, err)
				}
				rows, batches, at = rows+b.Rows, batches+1, at+n
			}
		})
		if rows != 3000 || got > float64(100*batches) {
			t.Errorf("%s: %v allocations for %d rows in %d batches", name, got, rows, batches)
		}
		b := changes(formattest.Bid, 2000, 1)
		e, _ := format.Lookup(name).Encoder(spec(formattest.Bid))
		buf, _ := e.Encode(nil, b)
		if got := testing.AllocsPerRun(3, func() { buf, _ = e.Encode(buf[:0], b) }); got > 2 {
			t.Errorf("%s: encoding allocates %v times", name, got)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"json", dbz, canal, maxw} {
		b.Run(name, func(b *testing.B) {
			data := large(name, 20000)
			if name == "json" {
				e, _ := format.Lookup(name).Encoder(spec(formattest.Bid))
				data, _ = e.Encode(nil, formattest.Bids(20000, false))
			}
			d, _ := format.Lookup(name).Decoder(spec(formattest.Bid))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				for at := 0; at < len(data); {
					batch, n, err := d.Decode(data[at:], false)
					if err != nil {
						b.Fatal(err)
					}
					at, rows = at+n, rows+batch.Rows
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"json", dbz, canal, maxw} {
		b.Run(name, func(b *testing.B) {
			e, _ := format.Lookup(name).Encoder(spec(formattest.Bid))
			bids := formattest.Bids(4096, false)
			var dst []byte
			for b.Loop() {
				dst, _ = e.Encode(dst[:0], bids)
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}
