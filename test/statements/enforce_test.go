package statements_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a source lets through although its type does not is written as it is, made to
// fit or refused, at the columns themselves and, when asked for, inside of them.
func TestSinkConstraints(t *testing.T) {
	const (
		lengths = "table.exec.sink.type-length-enforcer"
		nested  = "table.exec.sink.nested-constraint-enforcer"
		nulls   = "table.exec.sink.not-null-enforcer"
		columns = `v VARCHAR(3), c CHAR(3), b BINARY(2), r ROW<c CHAR(2), n INT NOT NULL>, l ARRAY<VARCHAR(1) NOT NULL>, m MAP<VARCHAR(2), BINARY(1)>, s STRING`
		long    = `{"v":"äöüß","c":"äöüß","b":"AQID","r":{"c":"xyz","n":1},"l":["pq","r"],"m":{"key":"AQI="},"s":"any length"}`
		short   = `{"v":"a","c":"a","b":"AQ==","r":{"c":"x","n":1},"l":[],"m":{},"s":null}`
		fits    = `{"v":"aaa","c":"aaa","b":"AQI=","r":{"c":"xy","n":1},"l":["p"],"m":{"k":"AQ=="},"s":"x"}`
		empty   = `{"v":null,"c":null,"b":null,"r":null,"l":null,"m":null,"s":null}`
		noField = `{"v":"aaa","c":"aaa","b":"AQI=","r":{"c":"xy","n":null},"l":["p"],"m":null,"s":"x"}`
		noElem  = `{"v":"aaa","c":"aaa","b":"AQI=","r":null,"l":["p",null],"m":null,"s":"x"}`
	)
	for _, c := range []struct {
		options []string // key, value …
		in      string
		want    string // rows, or an error
	}{
		{nil, long + short + empty, long + short + empty},
		{[]string{lengths, "TRIM_PAD"}, long + short + empty,
			`{"v":"äöü","c":"äöü","b":"AQI=","r":{"c":"xyz","n":1},"l":["pq","r"],"m":{"key":"AQI="},"s":"any length"}` +
				`{"v":"a","c":"a  ","b":"AQA=","r":{"c":"x","n":1},"l":[],"m":{},"s":null}` + empty},
		{[]string{lengths, "TRIM_PAD", nested, "ROWS"}, long + short,
			`{"v":"äöü","c":"äöü","b":"AQI=","r":{"c":"xy","n":1},"l":["pq","r"],"m":{"key":"AQI="},"s":"any length"}` +
				`{"v":"a","c":"a  ","b":"AQA=","r":{"c":"x ","n":1},"l":[],"m":{},"s":null}`},
		{[]string{lengths, "TRIM_PAD", nested, "ROWS_AND_COLLECTIONS"}, long,
			`{"v":"äöü","c":"äöü","b":"AQI=","r":{"c":"xy","n":1},"l":["p","r"],"m":{"ke":"AQ=="},"s":"any length"}`},
		{[]string{lengths, "ERROR", nested, "ROWS_AND_COLLECTIONS"}, fits + empty, fits + empty},
		{[]string{lengths, "ERROR"}, fits + long, "column 'v' of default_catalog.default_database.out_t is VARCHAR(3), but a value of length 4 was to be written"},
		{[]string{lengths, "ERROR"}, strings.Replace(fits, "aaa", "a", 1), strings.Replace(fits, "aaa", "a", 1)},
		{[]string{lengths, "ERROR"}, strings.Replace(fits, `"c":"aaa"`, `"c":"a"`, 1), "column 'c' of default_catalog.default_database.out_t is CHAR(3), but a value of length 1 was to be written"},
		{[]string{lengths, "ERROR"}, strings.Replace(fits, "AQI=", "AQID", 1), "column 'b' of default_catalog.default_database.out_t is BINARY(2), but a value of length 3 was to be written"},
		{[]string{lengths, "ERROR"}, strings.Replace(fits, "xy", "x", 1), strings.Replace(fits, "xy", "x", 1)},
		{[]string{lengths, "ERROR", nested, "ROWS"}, strings.Replace(fits, "xy", "x", 1), "column 'r.c' of default_catalog.default_database.out_t is CHAR(2), but a value of length 1 was to be written"},
		{[]string{lengths, "ERROR", nested, "ROWS"}, strings.Replace(fits, `["p"]`, `["p","pq"]`, 1), strings.Replace(fits, `["p"]`, `["p","pq"]`, 1)},
		{[]string{lengths, "ERROR", nested, "ROWS_AND_COLLECTIONS"}, strings.Replace(fits, `["p"]`, `["p","pq"]`, 1), "column 'l[1]' of default_catalog.default_database.out_t is VARCHAR(1), but a value of length 2 was to be written"},
		{[]string{lengths, "ERROR", nested, "ROWS_AND_COLLECTIONS"}, strings.Replace(fits, `"k":`, `"key":`, 1), "column 'm[key]' of default_catalog.default_database.out_t is VARCHAR(2), but a value of length 3 was to be written"},
		{[]string{nested, "ROWS"}, fits + noField, "column 'r.n' of default_catalog.default_database.out_t is NOT NULL, but a NULL was to be written"},
		{[]string{nested, "ROWS", nulls, "DROP"}, noField + fits + noField + empty, fits + empty},
		{[]string{nested, "ROWS_AND_COLLECTIONS"}, fits + noElem, "column 'l[1]' of default_catalog.default_database.out_t is NOT NULL, but a NULL was to be written"},
		{[]string{nested, "ROWS_AND_COLLECTIONS", nulls, "DROP"}, noElem + fits + noField, fits},
	} {
		t.Run(strings.Join(c.options, ","), func(t *testing.T) {
			t.Chdir(t.TempDir())
			s := session(t, nil)
			lines := strings.ReplaceAll(c.in, "}{\"v\"", "}\n{\"v\"") + "\n"
			if err := os.WriteFile("in.json", []byte(lines), 0o600); err != nil {
				t.Fatal(err)
			}
			must(t, s, "CREATE TABLE in_t ("+columns+") WITH ('connector' = 'filesystem', 'path' = 'in.json', 'format' = 'json')")
			must(t, s, "CREATE TABLE out_t ("+columns+") WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json')")
			for i := 0; i < len(c.options); i += 2 {
				must(t, s, "SET '"+c.options[i]+"' = '"+c.options[i+1]+"'")
			}
			const insert = "INSERT INTO out_t SELECT * FROM in_t"
			if !strings.HasPrefix(c.want, "{") {
				refused(t, s, insert, c.want)
				return
			}
			must(t, s, insert)
			var got string
			files, _ := filepath.Glob("out/*")
			for _, f := range files {
				data, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				got += strings.ReplaceAll(string(data), "\n", "")
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// The cast of an INSERT makes values fit before anything is enforced.
func TestSinkCastTrims(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, nil)
	must(t, s, "CREATE TABLE out_t (v VARCHAR(3)) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv')")
	must(t, s, "SET 'table.exec.sink.type-length-enforcer' = 'ERROR'")
	must(t, s, "INSERT INTO out_t SELECT CAST(x AS STRING) FROM (VALUES ('abcdef')) AS t (x)")
	same(t, must(t, s, "SELECT v FROM out_t"), "v", "abc")
	refused(t, s, "SET 'table.exec.sink.type-length-enforcer' = 'TRIM'", "type-length-enforcer")
}
