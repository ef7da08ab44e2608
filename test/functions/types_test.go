package functions

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/testkit"
)

// TestTypes takes VARIANT, BITMAP and MULTISET columns through files, state,
// exchanges, joins and aggregates, in both modes and with two subtasks.
func TestTypes(t *testing.T) {
	dir := t.TempDir()
	const rows = `{"id":1,"v":{"b":[1,2,{"c":"x"}],"a":null},"m":{"x":2,"y":1}}
{"id":2,"v":"text","m":{}}
{"id":3,"v":null,"m":null}
{"id":1,"v":[1.50],"m":{"x":1}}
`
	if err := os.WriteFile(filepath.Join(dir, "in.json"), []byte(rows), 0o644); err != nil {
		t.Fatal(err)
	}
	source := "CREATE TABLE src (id INT, v VARIANT, m MULTISET<STRING>) WITH ('connector'='filesystem','path'='" + filepath.Join(dir, "in.json") + "','format'='json');\n"
	back := "CREATE TABLE back WITH ('connector'='filesystem','path'='" + filepath.Join(dir, "$out") + "','format'='json') AS SELECT id, v, m FROM src;\n"
	const sets = "(SELECT id, CAST(COUNT(*) AS INT) AS c, BITMAP_BUILD_AGG(id) AS b FROM src GROUP BY id) "
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"SELECT id, v, m, CARDINALITY(m) FROM src WHERE id < 3",
			[]string{`1,"{""a"":null,""b"":[1,2,{""c"":""x""}]}","{x=2, y=1}",2`, `1,[1.50],{x=1},1`, `2,"""text""",{},0`}},
		{"SELECT v['b'][3]['c'], v['none'] FROM src WHERE JSON_STRING(v) LIKE '{%'", []string{`"""x""",`}},
		{"SELECT id, LAST_VALUE(v) FROM src WHERE id > 1 GROUP BY id", []string{`2,"""text"""`, `3,`}},
		{"SELECT a.id, b.v FROM src a JOIN src b ON a.id = b.id WHERE a.id = 1 AND b.m IS NOT NULL",
			[]string{`1,"{""a"":null,""b"":[1,2,{""c"":""x""}]}"`, `1,"{""a"":null,""b"":[1,2,{""c"":""x""}]}"`, `1,[1.50]`, `1,[1.50]`}},
		{"SELECT DISTINCT v FROM src WHERE id = 1", []string{`"{""a"":null,""b"":[1,2,{""c"":""x""}]}"`, `[1.50]`}},
		{"SELECT x FROM src CROSS JOIN UNNEST(m) AS u(x)", []string{"x", "x", "x", "y"}},
		{"SELECT 1, BITMAP_BUILD_AGG(c), BITMAP_BUILD_CARDINALITY_AGG(c), BITMAP_OR_AGG(b), BITMAP_AND_CARDINALITY_AGG(b), BITMAP_XOR_AGG(b) FROM " + sets,
			[]string{`1,"{1,2}",2,"{1,2,3}",0,"{1,2,3}"`}},
		{"SELECT b, COUNT(*) FROM " + sets + "GROUP BY b", []string{"{1},1", "{2},1", "{3},1"}},
		{"SELECT x.id, y.c FROM " + sets + "AS x JOIN " + sets + "AS y ON x.b = y.b", []string{"1,2", "2,1", "3,1"}},
		{back + "SELECT id, v, m FROM back WHERE id = 1", []string{`1,"{""a"":null,""b"":[1,2,{""c"":""x""}]}","{x=2, y=1}"`, `1,[1.50],{x=1}`}},
	} {
		for i, mode := range []string{testkit.Batch, testkit.Stream, testkit.Batch, testkit.Stream} {
			text := source + strings.ReplaceAll(c.query, "$out", strings.Repeat("o", i+1))
			changes, err := testkit.Script{File: "types.sql", Text: text, Mode: mode, Parallelism: 1 + i/2}.Run(t.Context())
			if err != nil {
				t.Errorf("%s, %s: %v", mode, c.query, err)
				continue
			}
			rows, err := testkit.Fold(changes)
			if err != nil || !slices.Equal(rows, c.want) {
				t.Errorf("%s at parallelism %d, %s: %v\n got %q\nwant %q", mode, 1+i/2, c.query, err, rows, c.want)
			}
		}
	}
}

// TestTypeErrors: what is refused of these types, in one sentence.
func TestTypeErrors(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT CAST(PARSE_JSON('1') AS INT)":      "cannot cast VARIANT to INT",
		"SELECT CAST('1' AS VARIANT)":              "cannot cast CHAR(1) to VARIANT",
		"SELECT PARSE_JSON('{')":                   `cannot read JSON from "{"`,
		"SELECT PARSE_JSON('{\"a\":1,\"a\":2}')":   `the field "a" is there twice`,
		"SELECT PARSE_JSON('[1]')['a']":            `the field "a" is asked of a VARIANT that is no object: [1]`,
		"SELECT PARSE_JSON('{}')[1]":               "element 1 is asked of a VARIANT that is no array: {}",
		"SELECT PARSE_JSON('{}')[TRUE]":            "a part of a VARIANT is taken by the name of a field or by an integer, not by BOOLEAN",
		"SELECT PARSE_JSON('1') < PARSE_JSON('2')": "values of type VARIANT have no order",
		"SELECT BITMAP_FROM_BYTES(x'00')":          "cannot read a bitmap from 1 bytes",
		"SELECT BITMAP_BUILD(ARRAY['a'])":          "BITMAP_BUILD takes (ARRAY<INT>)",
		"SELECT MAX(PARSE_JSON('1'))":              "MAX takes a value that can be ordered, not VARIANT",
		"CREATE TABLE t (b BITMAP) WITH ('connector'='filesystem','path'='x','format'='json'); SELECT * FROM t": "BITMAP is not supported; BITMAP_TO_BYTES(b)",
		"CREATE TABLE t (v VARIANT) WITH ('connector'='filesystem','path'='x','format'='csv'); SELECT * FROM t": "column 'v': VARIANT is not supported",
	} {
		_, err := testkit.Script{File: "types.sql", Text: query, Mode: testkit.Batch}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", query, err, want)
		}
	}
}
