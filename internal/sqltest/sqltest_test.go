package sqltest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const orders = `# Orders are counted by shop.
-- table orders (id INT, shop STRING)
1,a
2,b
3,a
`

func write(t *testing.T, text string) *File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.test")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// problem runs a text of one test.
func problem(t *testing.T, text string) string {
	t.Helper()
	results, err := write(t, text).Run(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0].Problem
}

func TestExpectations(t *testing.T) {
	count := orders + "-- sql\nSELECT shop, COUNT(*) FROM orders GROUP BY shop;\n"
	for _, c := range []struct {
		name, text string
		want       []string // of the problem; none: it passes
	}{
		{"rows in any order", count + "-- expect\nb,1\na,2\n", nil},
		{"a row is missing, one too much", count + "-- expect\nb,1\na,3\n", []string{"stream:", "batch:", "- a,3", "+ a,2"}},
		{"no rows", count + "-- expect\n", []string{"2 rows, want 0"}},
		{"a changelog", count + "-- expect changelog\n+I,a,1\n+I,b,1\n-U,a,1\n+U,a,2\n", nil},
		{"a change is missing", count + "-- expect changelog\n+I,a,1\n-U,a,1\n+U,a,2\n", []string{"stream:", "+ +I,b,1", "batch:"}},
		{"one mode says otherwise", count + "-- expect stream\na,2\nb,1\n-- expect batch\na,2\n", []string{"batch:", "+ b,1"}},
		{"one mode has no expectation", count + "-- expect stream\na,2\nb,1\n", []string{"batch: nothing is expected"}},
		{"the order counts in a batch", orders + "-- sql\nSELECT id FROM orders ORDER BY id DESC LIMIT 2;\n-- expect ordered\n2\n3\n", []string{"batch:", "- 2", "+ 2"}},
		{"an error is expected", orders + "-- sql\nSELECT x FROM orders;\n-- expect error\nunknown column 'x'\n", nil},
		{"an error that comes not", orders + "-- sql\nSELECT id FROM orders;\n-- expect error\nunknown\n", []string{"no error", "want the error: unknown"}},
		{"another error", orders + "-- sql\nSELECT x FROM orders;\n-- expect error\nunknown table\n", []string{"it does not say: unknown table"}},
		{"an error that is not expected", orders + "-- sql\nSELECT x FROM orders;\n-- expect\n", []string{":7:8: unknown column 'x'"}},
		{"NULL alone", "# t\n-- sql\nSELECT CAST(NULL AS INT);\n-- expect\n(null)\n", nil},
		{"a cell over two lines", "# t\n-- table t (a STRING, b INT)\n\"x\ny\",1\n-- sql\nSELECT b, a FROM t;\n-- expect\n1,\"x\ny\"\n", nil},
		{"rows as JSON", "# t\n-- table t (a ARRAY<INT>, b INT)\n{\"a\": [1, 2], \"b\": 3}\n-- sql\nSELECT b, a[2] FROM t;\n-- expect\n3,2\n", nil},
		{"changes as rows", "# t\n-- table t (a STRING, b INT)\n+I,x,1\n+I,y,2\n-D,x,1\n-- sql\nSELECT SUM(b) FROM t;\n-- expect\n2\n", nil},
		{"the clock stands still", "# t\n-- clock 2024-02-29 12:00:00\n-- sql\nSET 'table.local-time-zone' = 'UTC'; SELECT CAST(CURRENT_TIMESTAMP AS STRING);\n-- expect\n2024-02-29 12:00:00.000\n", nil},
		{"what is written is there", orders + "-- table n (shop STRING, n BIGINT, PRIMARY KEY (shop) NOT ENFORCED)\n-- sql\nINSERT INTO n SELECT shop, COUNT(*) FROM orders GROUP BY shop; SELECT * FROM n;\n-- expect\na,2\nb,1\n", nil},
		{"an updating query into a table without a key", orders + "-- table n (n BIGINT)\n-- sql\nINSERT INTO n SELECT COUNT(*) FROM orders; SELECT * FROM n;\n-- expect\n3\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := problem(t, c.text)
			if len(c.want) == 0 && got != "" {
				t.Error(got)
			}
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is not in\n%s", w, got)
				}
			}
		})
	}
}

func TestWrongFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SELECT 1", "x.test:1: the first line says what the file shows"},
		{"# t\nSELECT 1", `x.test:2: "SELECT 1" is in no section`},
		{"# t\n-- table orders", "x.test:2: -- table is followed by a name and columns"},
		{"# t\n-- table orders (a INT", "a parenthesis of the table is not closed"},
		{"# t\n-- expect\n1", "x.test:2: -- expect follows an -- sql"},
		{"# t\n-- flags strem", "unknown flag 'strem'"},
		{"# t\n-- clock noon", `x.test:2: "noon" is no time`},
		{"# t\n-- advance 1 min", "x.test:2: the clock is moved, but it is the machine's; set it with '-- clock"},
		{"# t\n-- clock 2024-02-29\n-- advance soon", "x.test:3: 'soon' is not a duration"},
		{"# t\n-- table t (a INT)\n1\nadvance 1 min\n2", "x.test:2: line 4: the clock is moved, but it is the machine's"},
		{"# t\n-- table t (a INT)\n1\nclock 2024-02-29", "x.test:2: line 4: the clock is moved, but it is the machine's"},
		{"# t\n-- clock 2024-02-29\n-- table t (a INT)\n1\nadvance soon", "x.test:3: line 5: 'soon' is not a duration"},
		{"# t\n-- clock 2024-02-29\n-- table t (a INT)\n1\nclock noon", `x.test:3: line 5: "noon" is no time`},
		{"# t\n-- sql\nSELECT 1\n-- expect rows", "x.test:4: unknown word 'rows'"},
	} {
		if _, err := parseFile("x.test", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
	for _, c := range []struct{ rows, want string }{
		{"1,a\nx,b", "x.test:4: column 'id'"},
		{"1,a\n2", "x.test:4: 1 cells for the 2 columns"},
		{"watermark soon", `x.test:3: "soon" is no time`},
	} {
		got := problem(t, "# t\n-- table orders (id INT, shop STRING)\n"+c.rows+"\n-- sql\nSELECT * FROM orders;\n-- expect\n")
		if !strings.Contains(got, c.want) {
			t.Errorf("%q: got %s, want %s", c.rows, got, c.want)
		}
	}
}

func TestRewrite(t *testing.T) {
	f := write(t, orders+`
-- sql counts
SELECT shop, COUNT(*) FROM orders GROUP BY shop;
-- expect changelog

# a comment between
-- sql wrong
SELECT x FROM orders;
-- expect
1
`)
	if _, err := f.Run(t.Context(), Options{Rewrite: true}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.Name)
	if err != nil {
		t.Fatal(err)
	}
	want := orders + `
-- sql counts
SELECT shop, COUNT(*) FROM orders GROUP BY shop;
-- expect changelog
+I,a,1
+I,b,1
-U,a,1
+U,a,2

# a comment between
-- sql wrong
SELECT x FROM orders;
-- expect error
unknown column 'x' in table 'orders'
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	again, err := ReadFile(f.Name)
	if err != nil {
		t.Fatal(err)
	}
	results, err := again.Run(t.Context(), Options{Run: regexp.MustCompile("/counts$")})
	if err != nil || len(results) != 1 || results[0].Problem != "" || results[0].Name != "counts" {
		t.Errorf("what was rewritten: %+v, %v", results, err)
	}
}

func TestJUnit(t *testing.T) {
	var out bytes.Buffer
	err := WriteJUnit(&out, []Result{{File: "a.test", Name: "1", Line: 3}, {File: "a.test", Name: "two", Problem: "1 < 2"}, {File: "b.test", Name: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<testsuites tests="3" failures="1">`, `<testsuite name="a.test" tests="2" failures="1"`, `<testcase name="two" classname="a.test" file="a.test"`, `1 &lt; 2</failure>`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
}
