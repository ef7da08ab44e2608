package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const tables = `CREATE TABLE src (k INT, v INT) WITH ('connector' = 'datagen');
CREATE TABLE totals (k INT, n BIGINT) WITH ('connector' = 'blackhole');
`
	old := write("old.sql", tables+"INSERT INTO totals SELECT k, COUNT(*) FROM src GROUP BY k;")
	for _, c := range []struct{ name, now, want string }{
		{"more", tables + "INSERT INTO totals SELECT k, COUNT(*) + MAX(v) FROM src GROUP BY k;", `job totals
  kept      source    default_catalog.default_database.src
  migrated  operator  GroupAggregate(groupBy=[k], select=[k, COUNT(*), MAX(v)])
            MAX(src.v) is new: it begins empty, and knows rows from now on
  kept      sink      default_catalog.default_database.totals
`},
		{"other", tables + "INSERT INTO totals SELECT MAX(k), COUNT(*) FROM src GROUP BY v;", `job totals
  kept      source    default_catalog.default_database.src
  new       operator  GroupAggregate(groupBy=[v], select=[v, MAX(k) AS k, COUNT(*) AS n])
            it begins empty, and sees what is read from now on
  lost      operator  GroupAggregate(groupBy=[k], select=[k, COUNT(*) AS n])
            the new job has no such operator, by its kind and its keys
  kept      sink      default_catalog.default_database.totals
`},
	} {
		var out strings.Builder
		w := &world{ctx: t.Context(), out: &out, err: os.Stderr}
		err := (&diffCommand{Old: old, New: write(c.name+".sql", c.now)}).Run(w)
		if out.String() != c.want {
			t.Errorf("%s:\n%s", c.name, out.String())
		}
		if lost := strings.Contains(c.want, "lost"); lost != (err != nil) {
			t.Errorf("%s: the error is %v", c.name, err)
		}
	}
	var out strings.Builder
	w := &world{ctx: t.Context(), out: &out, err: os.Stderr}
	for _, c := range []struct {
		d    diffCommand
		want string
	}{
		{diffCommand{Old: old}, "two scripts are compared"},
		{diffCommand{Old: old, New: write("none.sql", "SELECT 1;")}, "has no INSERT"},
		{diffCommand{Old: old, Checkpoint: dir}, "no checkpoint"},
		{diffCommand{Old: write("bad.sql", "INSERT INTO nowhere SELECT 1;"), New: old}, "bad.sql:1:"},
	} {
		if err := c.d.Run(w); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, not %q", err, c.want)
		}
	}
}

// TestDiffTop has a Top-N that is to tell more rows than the state has.
func TestDiffTop(t *testing.T) {
	dir := t.TempDir()
	write := func(name, n string) string {
		file := filepath.Join(dir, name)
		const text = `CREATE TABLE src (k INT, v INT) WITH ('connector' = 'datagen');
CREATE TABLE tops (k INT, v INT) WITH ('connector' = 'blackhole');
INSERT INTO tops SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS rn FROM src) WHERE rn <= `
		if err := os.WriteFile(file, []byte(text+n), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, c := range []struct{ n, want string }{
		{"5", "kept      operator  Rank("},
		{"5", "the state has the first 3 rows of a partition and no more: those behind them are rows that come from now on"},
		{"2", "refused   operator  Rank("},
		{"2", "it told the rows numbered 1 to 3, and is to tell those numbered 1 to 2"},
	} {
		var out strings.Builder
		w := &world{ctx: t.Context(), out: &out, err: os.Stderr}
		err := (&diffCommand{Old: write("old.sql", "3"), New: write("new.sql", c.n)}).Run(w)
		if !strings.Contains(out.String(), c.want) || (err != nil) != (c.n == "2") {
			t.Errorf("%v\n%s", err, out.String())
		}
	}
}
