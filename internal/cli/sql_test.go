package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// piped runs a shell whose standard input is a pipe with a text.
func piped(t *testing.T, text string) (out, errs string, err error) {
	t.Helper()
	r, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		pw.WriteString(text)
		pw.Close()
	}()
	w, o, e := testWorld(t)
	w.in = r
	err = (&sqlCommand{}).Run(w)
	return o.String(), e.String(), err
}

func TestShellPipe(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "s.sql")
	if err := os.WriteFile(script, []byte("SELECT 7 AS seven;"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := `CREATE TABLE n (i BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '3',
  'fields.i.kind' = 'sequence', 'fields.i.start' = '1', 'fields.i.end' = '3');
CREATE TABLE f (i BIGINT) WITH ('connector' = 'filesystem', 'path' = '` + dir + `/out', 'format' = 'csv');
SELECT SUM(i) AS s FROM n;
source '` + script + `'
INSERT INTO f SELECT i FROM n; SELECT 'a;b' AS x`
	out, errs, err := piped(t, text)
	if err != nil {
		t.Fatal(err, errs)
	}
	if out != "s\n6\n\nseven\n7\n\nx\na;b\n" {
		t.Errorf("%q", out)
	}
	if data := readAll(t, dir+"/out"); data != "1\n2\n3\n" {
		t.Errorf("in the file: %q", data)
	}
}

func readAll(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")...)
	}
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

func TestShellPipeErrors(t *testing.T) {
	out, _, err := piped(t, "SELECT 1;\nSELECT x;\nSELECT 2;\n")
	if err == nil || out != "EXPR$0\n1\n" {
		t.Errorf("%q, error %v", out, err)
	}
	out, _, err = piped(t, "SELECT 1;\nQUIT;\nSELECT 2;\n")
	if err != nil || out != "EXPR$0\n1\n" {
		t.Errorf("%q, error %v", out, err)
	}
}

func testShell(t *testing.T, setup string) *shell {
	t.Helper()
	w, _, _ := testWorld(t)
	s, err := millrace.Open(millrace.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	sh := &shell{w: w, s: s, told: map[string]bool{}, mode: "table"}
	sh.run = &runner{w: w, s: s, format: "csv", header: true}
	if err := sh.script(context.Background(), "setup", setup); err != nil {
		t.Fatal(err)
	}
	return sh
}

const twoTables = `CREATE TABLE auction (id BIGINT, itemName STRING, seller BIGINT) WITH ('connector' = 'nexmark', 'table' = 'auction');
CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT) WITH ('connector' = 'nexmark', 'table' = 'bid');`

func TestComplete(t *testing.T) {
	sh := testShell(t, twoTables)
	for line, want := range map[string][]string{
		"SELECT * FROM b":       {"bid"},
		"SELECT * FROM ":        {"auction", "bid"},
		"SELECT pri|FROM bid":   {"price", "primary", "print", "printf"},
		"SELECT sel":            {"seller", "select"},
		"select b.p|FROM bid b": {"b.price"},
		"SELECT x.i|FROM bid AS b JOIN auction AS x": {"x.id", "x.itemName"},
		"SET 'table.exec.mini-batch.s":               {"table.exec.mini-batch.size"},
		"SELECT CHAR_LEN":                            {"CHAR_LENGTH"},
		"HEL":                                        {"HELP"},
		"zzz":                                        nil,
	} {
		before, after, _ := strings.Cut(line, "|")
		pos := len(before)
		if after != "" {
			after = " " + after
		}
		_, got, tail := sh.complete(before+after, pos)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || tail != after {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestUnderline(t *testing.T) {
	line, caret, ok := underline("SELECT a,\n\tprise FROM bid", 2, 2)
	if !ok || line != "\tprise FROM bid" || caret != "\t^^^^^" {
		t.Errorf("%q %q", line, caret)
	}
	if _, caret, ok = underline("SELECT 'é' +;", 1, 13); !ok || caret != "            ^" {
		t.Errorf("%q", caret)
	}
	if _, _, ok = underline("x", 3, 1); ok {
		t.Error("a line that is not there")
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT 1\n  AS a -- one\n;\n":    "SELECT 1 AS a;",
		"SELECT '--  x' /* c */, `a  b`;": "SELECT '--  x' /* c */, `a  b`;",
		"SELECT 'it''s  ', /* a\n b */ 2": "SELECT 'it''s  ', 2",
	} {
		if got := oneLine(in); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCells(t *testing.T) {
	for line, want := range map[string][]string{
		`1,a,`:               {"1", "a", "NULL"},
		`"","x,""y""",`:      {"", `x,"y"`, "NULL"},
		``:                   {"NULL"},
		`"a` + "\n" + `b",2`: {"a\nb", "2"},
	} {
		if got := cells([]byte(line)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestLiveTable(t *testing.T) {
	lt := newLiveTable(time.UTC)
	lt.setSchema(types.Schema{{Name: "k", Type: types.TString}, {Name: "n", Type: types.TBigInt}})
	step := func(kind vec.RowKind, line string) { lt.change(kind, []byte(line)) }
	step(vec.Insert, "a,1")
	step(vec.Insert, "b,1")
	step(vec.UpdateBefore, "a,1")
	step(vec.UpdateAfter, "a,2")
	step(vec.Insert, "c,1")
	step(vec.Delete, "b,1")
	step(vec.Delete, "never,1")
	var widths []int
	got := plainText(strings.Join(lt.tail(5, &widths), "\n"))
	if got != "k │ n\n─────\na │ 2\nc │ 1" || lt.live != 2 {
		t.Errorf("%s", got)
	}
	if got := lt.tail(1, &widths); !strings.Contains(got[2], "1 row above") {
		t.Errorf("%q", got)
	}
	if all := strings.Join(lt.render(), "\n"); !strings.Contains(all, "│ a │ 2 │") {
		t.Errorf("%s", all)
	}
	for i := range 5000 {
		step(vec.UpdateBefore, "a,2")
		step(vec.Insert, "x,1")
		step(vec.UpdateAfter, "a,2")
		step(vec.Delete, "x,1")
		if len(lt.rows) > 2048 {
			t.Fatalf("%d places for %d rows after %d rounds", len(lt.rows), lt.live, i)
		}
	}
}

func TestPager(t *testing.T) {
	p := &pager{lines: append([]string{"┌──┐", "│ a│", "├──┤"}, strings.Split(strings.Repeat("row\n", 99)+"last", "\n")...)}
	if v := p.view(20, 10); len(v) != 10 || v[1] != "│ a│" || !strings.Contains(plainText(v[9]), "lines 1–6 of 100") {
		t.Errorf("%q", v)
	}
	p.press("G", 20, 10)
	if v := p.view(20, 10); v[8] != "last" || v[0] != "┌──┐" {
		t.Errorf("%q", v)
	}
	for _, k := range []string{"b", "k", "j", " ", "\x1b[C", "g", "l"} {
		p.press(k, 20, 10)
		p.view(20, 10)
	}
	if p.top != 0 || p.left != 20 {
		t.Errorf("%+v", p)
	}
	if p.press("q", 20, 10); !p.over {
		t.Error("q does not leave")
	}
}

func TestClientCommands(t *testing.T) {
	for line, want := range map[string]string{"help": "HELP", " Quit ; ": "QUIT", "SOURCE 'a b.sql';": "SOURCE", "SOURCE": "", "HELP ME": "", "SELECT 1;": ""} {
		got := ""
		c, arg := clientCommand(line)
		if c != nil {
			got = c.name
		}
		if got != want || want == "SOURCE" && arg != "a b.sql" {
			t.Errorf("%s: %s %q", line, got, arg)
		}
	}
}

// TestCommandsInScripts: commands of the client may stand in a script.
func TestCommandsInScripts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	inner := write("inner.sql", "CREATE VIEW v AS SELECT 7 AS seven; CLEAR;")
	text := "SOURCE '" + inner + "'; SELECT * FROM v; QUIT; SELECT nope"
	for name, run := range map[string]func(*world) error{
		"run":       (&runCommand{scriptFlags: scriptFlags{Inline: text}}).Run,
		"run file":  (&runCommand{scriptFlags: scriptFlags{Path: write("outer.sql", text)}}).Run,
		"sql -i":    (&sqlCommand{Init: write("init.sql", text)}).Run,
		"quit in a": (&runCommand{scriptFlags: scriptFlags{Inline: "SOURCE '" + write("quit.sql", text) + "'; SELECT nope"}}).Run,
	} {
		w, out, errs := testWorld(t)
		if err := run(w); err != nil || out.String() != "seven\n7\n" {
			t.Errorf("%s: %v, %q %q", name, err, out, errs)
		}
	}
	self := filepath.Join(dir, "self.sql")
	write("self.sql", "SOURCE '"+self+"'")
	w, _, _ := testWorld(t)
	if err := (&runCommand{scriptFlags: scriptFlags{Path: self}}).Run(w); err == nil || !strings.Contains(err.Error(), "more than 20 deep") {
		t.Error(err)
	}
}
