package parse

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

var rewrite = flag.Bool("rewrite", false, "write the results into testdata")

// TestCorpus reads every script of testdata/corpus.
func TestCorpus(t *testing.T) {
	for name, src := range corpus(t) {
		n := 0
		for s, err := range Statements(src) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			n++
			start, end := s.Span()
			text := src[start:end]
			if strings.TrimSpace(text) != text || strings.HasSuffix(text, ";") || text == "" {
				t.Errorf("%s: span of a statement is %q", name, text)
			}
			if !Complete(text+";") || Complete(text) {
				t.Errorf("%s: Complete is wrong about %q", name, text)
			}
		}
		if n < 50 {
			t.Errorf("%s: only %d statements", name, n)
		}
	}
}

func corpus(t testing.TB) map[string]string {
	files, err := filepath.Glob("testdata/corpus/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("find corpus: %v, %d files", err, len(files))
	}
	m := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(f)] = string(b)
	}
	return m
}

// TestErrors runs testdata/errors/*.txt: SQL, a line of four dashes, the
// message of each statement that does not parse, an empty line.
func TestErrors(t *testing.T) {
	files, _ := filepath.Glob("testdata/errors/*.txt")
	if len(files) == 0 {
		t.Fatal("no files in testdata/errors")
	}
	for _, f := range files {
		want, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got := runErrors(string(want))
		if *rewrite {
			if err := os.WriteFile(f, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is\n%s", f, diff(string(want), string(got)))
		}
	}
}

func runErrors(file string) []byte {
	var out bytes.Buffer
	head, rest, _ := strings.Cut(file, "\n\n")
	out.WriteString(head + "\n")
	for _, block := range strings.Split(strings.TrimSpace(rest), "\n\n") {
		sql, _, _ := strings.Cut(block, "\n----")
		out.WriteString("\n" + sql + "\n----\n")
		n := 0
		for _, err := range Statements(sql) {
			if err != nil {
				out.WriteString(err.Error() + "\n")
				n++
			}
		}
		if n == 0 {
			out.WriteString("ok\n")
		}
	}
	return out.Bytes()
}

// diff returns the lines of got that differ from want's.
func diff(want, got string) string {
	var b strings.Builder
	w := strings.Split(want, "\n")
	for i, g := range strings.Split(got, "\n") {
		if i >= len(w) || w[i] != g {
			b.WriteString(g + "\n")
		}
	}
	return b.String()
}

func TestErrorFields(t *testing.T) {
	_, err := Script("SELECT name\nFORM emp")
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	want := Error{
		Pos: ast.Pos{Line: 2, Col: 1, Offset: 12}, Word: "FORM",
		Msg: "unexpected 'FORM' before 'emp'", Hint: "did you mean FROM?",
	}
	if *e != want {
		t.Errorf("got %+v", *e)
	}
}

func TestComplete(t *testing.T) {
	for src, want := range map[string]bool{
		"":                    true,
		"-- nothing":          true,
		"SELECT 1":            false,
		"SELECT 1;":           true,
		"SELECT 1; -- x":      true,
		"SELECT 1; SELECT":    false,
		"SELECT ';":           false,
		"SELECT ';';":         true,
		"SELECT `;":           false,
		"SELECT /* ;":         false,
		"SELECT /* ; */ 1;":   true,
		"SELECT -- ;":         false,
		"nonsense \";\" 1.2;": true,
		"EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1;":                      false,
		"EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1; END":                  false,
		"EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1; END;":                 true,
		"EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT CASE WHEN a THEN b END;": false,
		"begin statement set;":                                                             false,
		"begin statement set; insert into t select 1;":                                     false,
		"begin statement set; insert into t select 1; end;":                                true,
		"EXPLAIN STATEMENT SET BEGIN INSERT INTO t SELECT 1; INSERT INTO t SELECT 1; END;": true,
		"SET 'a' = 'b';": true,
	} {
		if got := Complete(src); got != want {
			t.Errorf("Complete(%q) = %v", src, got)
		}
	}
}

func TestStatementsGoOnAfterAnError(t *testing.T) {
	var got []string
	for s, err := range Statements("SELECT 1; SELCT 2; BEGIN STATEMENT SET; SELECT 1; END; SELECT 3") {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		start, end := s.Span()
		got = append(got, "SELECT 1; SELCT 2; BEGIN STATEMENT SET; SELECT 1; END; SELECT 3"[start:end])
	}
	want := []string{
		"SELECT 1",
		"1:11: unexpected 'SELCT'; did you mean SELECT?",
		"1:41: unexpected 'SELECT'; expected INSERT",
		"SELECT 3",
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q", got)
	}
}

// TestLimits checks that deep and long texts end in an error, not in a crash.
func TestLimits(t *testing.T) {
	n := 50_000
	for _, c := range []struct{ head, part, tail string }{
		{"SELECT ", "(", ""},
		{"SELECT ", "NOT ", "1"},
		{"SELECT ", "- ", "1"},
		{"SELECT 1", " + 1", ""},
		{"SELECT a", "[1]", ""},
		{"SELECT a", " IS NULL", ""},
		{"SELECT a", " AT LOCAL", ""},
		{"SELECT ", "f(", ""},
		{"SELECT ", "CASE WHEN ", ""},
		{"SELECT ", "f(a => ", ""},
		{"SELECT ", "x -> ", "x"},
		{"SELECT f(", "x -> ", "x"},
		{"SELECT 1", " UNION SELECT 1", ""},
		{"", "(", "SELECT 1"},
		{"SELECT * FROM ", "(", "SELECT 1"},
		{"SELECT * FROM a", ", a", ""},
		{"SELECT * FROM a", " JOIN a ON x", ""},
		{"SELECT * FROM a", " PIVOT (SUM(x) FOR y IN (1))", ""},
		{"SELECT * FROM t MATCH_RECOGNIZE (PATTERN (", "(", ""},
		{"SELECT 1 GROUP BY ", "ROLLUP (", ""},
		{"SELECT CAST(a AS ", "ARRAY<", ""},
		{"SELECT CAST(a AS INT", " ARRAY", ")"},
		{"", "EXPLAIN ", "SELECT 1"},
		{"SELECT 1 FROM t WHERE a IN ", "(SELECT a FROM t WHERE a IN ", ""},
	} {
		src := c.head + strings.Repeat(c.part, n) + c.tail
		if _, err := Script(src); err == nil {
			t.Errorf("no error for many %q", c.part)
		} else if len(err.Error()) > 300 {
			t.Errorf("long message for many %q: %d bytes", c.part, len(err.Error()))
		}
	}
	// Many are fine where they do not nest.
	src := "INSERT INTO t VALUES (1 + 1, -2)" + strings.Repeat(", (1 + 1, -2)", n)
	if _, err := Script(src); err != nil {
		t.Error(err)
	}
}

func TestPositions(t *testing.T) {
	q, err := Query("SELECT 'ä',\n  größe + `b``c`")
	if err != nil {
		t.Fatal(err)
	}
	x := q.Body.(*ast.Select).Items[1].X.(*ast.Binary)
	for _, c := range []struct {
		n    ast.Node
		want ast.Pos
	}{
		{x.L, ast.Pos{Line: 2, Col: 3, Offset: 15}},
		{x, ast.Pos{Line: 2, Col: 9, Offset: 23}},
		{x.R, ast.Pos{Line: 2, Col: 11, Offset: 25}},
	} {
		if got := c.n.Position(); got != c.want {
			t.Errorf("position of %T is %+v, want %+v", c.n, got, c.want)
		}
	}
	if got := x.R.(*ast.Ident).Path.String(); got != "b`c" {
		t.Errorf("quoted name is %q", got)
	}
}

func FuzzScript(f *testing.F) {
	for _, src := range corpus(f) {
		for s, err := range Statements(src) {
			if err == nil {
				start, end := s.Span()
				f.Add(src[start:end])
			}
		}
	}
	files, _ := filepath.Glob("testdata/errors/*.txt")
	for _, name := range files {
		b, _ := os.ReadFile(name)
		for _, block := range strings.Split(string(b), "\n\n") {
			sql, _, _ := strings.Cut(block, "\n----")
			f.Add(sql)
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		Complete(src)
		_, err := Script(src)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Msg == "" || e.Pos.Line < 1 || e.Pos.Offset > len(src)) {
			t.Fatalf("error %#v", err)
		}
	})
}

// BenchmarkScript reads a script of about 200 lines.
func BenchmarkScript(b *testing.B) {
	lines := strings.SplitAfter(corpus(b)["conformance.sql"], "\n")
	src := strings.Join(lines[:200], "")
	if i := strings.LastIndex(src, ";"); i > 0 {
		src = src[:i+1]
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Script(src); err != nil {
			b.Fatal(err)
		}
	}
}
