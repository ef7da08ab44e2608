// Package random runs queries from a small grammar over tables that change, as a
// stream and as a batch, and compares: what the stream's changes add up to is the
// batch's result, and nothing is taken away that was not there.
package random

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/plan/rule"
	"github.com/millrace-io/millrace/internal/testkit"
)

var (
	seed  = flag.Uint64("seed", 0, "run the query of one seed; 0 runs the first ones")
	count = flag.Int("queries", 300, "how many seeds to run")
)

// TestQueries runs the queries of many seeds. A failure names its seed:
//
//	go test ./test/random -seed 17 -v
func TestQueries(t *testing.T) {
	from, to := uint64(1), uint64(*count)
	if testing.Short() {
		to = 60
	}
	if *seed > 0 {
		from, to = *seed, *seed
	}
	for s := from; s <= to; s++ {
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			t.Parallel()
			check(t, rand.New(rand.NewPCG(s, 1)))
		})
	}
}

func check(t *testing.T, r *rand.Rand) {
	dir := t.TempDir()
	tables := writeTables(t, r, dir)
	g := &grammar{r: r}
	query := g.relation(1 + r.IntN(4))
	text := tables + query + ";\n"
	batch, err := testkit.Script{File: "random.sql", Text: text, Mode: testkit.Batch, Parallelism: 1}.Run(t.Context())
	if err != nil {
		t.Fatalf("%s\nbatch: %v", query, err)
	}
	want, err := testkit.Fold(batch)
	if err != nil {
		t.Fatalf("%s\nbatch: %v", query, err)
	}
	slices.Sort(want)
	for range 2 {
		options := g.options()
		parallelism := 1 + r.IntN(3)
		changes, err := testkit.Script{File: "random.sql", Text: text, Mode: testkit.Stream, Parallelism: parallelism, Options: options}.Run(t.Context())
		if err != nil {
			t.Fatalf("%s\nstream at parallelism %d, %v: %v", query, parallelism, options, err)
		}
		got, err := testkit.Fold(changes)
		if err != nil {
			t.Fatalf("%s\nstream at parallelism %d, %v: %v\n%s", query, parallelism, options, err, strings.Join(testkit.Lines(changes), "\n"))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%s\nstream at parallelism %d, %v: %s", query, parallelism, options, (testkit.Comparison{}).Diff(got, want))
		}
	}
}

// TestVolatile has RAND() in a projection and in a filter over rows that change, below
// what takes -U. Its results are chance, but each row that is taken back must be one
// that was sent.
func TestVolatile(t *testing.T) {
	for s := uint64(1); s <= 60; s++ {
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(s, 2))
			g := &grammar{r: r}
			tables := writeTables(t, r, t.TempDir())
			query := "SELECT x, y, CAST(RAND() * 1000 AS INT) AS z FROM (" + g.relation(1+r.IntN(2)) + ")"
			if r.IntN(2) == 0 {
				query = "SELECT x, y, z FROM (" + query + ") WHERE RAND() < 0.7"
			}
			if r.IntN(2) == 0 {
				query = "SELECT x, COUNT(*) AS n, SUM(z) AS s, COUNT(DISTINCT z) AS d FROM (" + query + ") GROUP BY x"
			}
			parallelism := 1 + r.IntN(3)
			changes, err := testkit.Script{File: "random.sql", Text: tables + query + ";\n", Mode: testkit.Stream, Parallelism: parallelism}.Run(t.Context())
			if err == nil {
				_, err = testkit.Fold(changes)
			}
			if err != nil {
				t.Fatalf("%s\nstream at parallelism %d: %v\n%s", query, parallelism, err, strings.Join(testkit.Lines(changes), "\n"))
			}
		})
	}
}

// writeTables writes the files of two tables that change and one that grows, and
// returns their statements.
func writeTables(t *testing.T, r *rand.Rand, dir string) string {
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("u", changelog(r, 5+r.IntN(60)))
	put("w", changelog(r, 5+r.IntN(30)))
	var a strings.Builder
	for range 3 + r.IntN(30) {
		fmt.Fprintf(&a, "%d,%d,%s\n", r.IntN(5), r.IntN(8), number(r))
	}
	put("a", a.String())
	var out strings.Builder
	for _, name := range []string{"u", "w"} {
		fmt.Fprintf(&out, "CREATE TABLE %s (id INT PRIMARY KEY NOT ENFORCED, k INT, v INT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'debezium-json');\n", name, filepath.Join(dir, name))
	}
	fmt.Fprintf(&out, "CREATE TABLE a (id INT, k INT, v INT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv', 'csv.null-literal' = 'null');\n", filepath.Join(dir, "a"))
	return out.String()
}

func number(r *rand.Rand) string {
	if r.IntN(8) == 0 {
		return "null"
	}
	return fmt.Sprint(r.IntN(6))
}

// changelog is the history of a table by key, as Debezium writes it.
func changelog(r *rand.Rand, n int) string {
	var out strings.Builder
	rows := map[int]string{}
	for range n {
		id := r.IntN(8)
		after := fmt.Sprintf(`{"id":%d,"k":%d,"v":%s}`, id, r.IntN(4), number(r))
		switch before, there := rows[id]; {
		case !there:
			fmt.Fprintf(&out, `{"op":"c","before":null,"after":%s}`+"\n", after)
			rows[id] = after
		case r.IntN(3) == 0:
			fmt.Fprintf(&out, `{"op":"d","before":%s,"after":null}`+"\n", before)
			delete(rows, id)
		default:
			fmt.Fprintf(&out, `{"op":"u","before":%s,"after":%s}`+"\n", before, after)
			rows[id] = after
		}
	}
	return out.String()
}

// A grammar draws queries. Every relation has the INT columns x, y and z.
type grammar struct {
	r     *rand.Rand
	alias int
}

func (g *grammar) pick(words ...string) string { return words[g.r.IntN(len(words))] }

func (g *grammar) col() string { return g.pick("x", "y", "z") }

// relation draws a query of some depth.
func (g *grammar) relation(depth int) string {
	if depth == 0 {
		return "SELECT id AS x, k AS y, v AS z FROM " + g.pick("u", "u", "w", "a")
	}
	forms := []func(int) string{g.filter, g.project, g.aggregate, g.aggregate, g.join, g.join, g.star, g.exists, g.top, g.top, g.set, g.distinct}
	return forms[g.r.IntN(len(forms))](depth - 1)
}

// from draws an input with a name.
func (g *grammar) from(depth int) (text, name string) {
	g.alias++
	name = fmt.Sprintf("t%d", g.alias)
	return "(" + g.relation(depth) + ") AS " + name, name
}

func (g *grammar) condition() string {
	return fmt.Sprintf("%s %s %d", g.col(), g.pick("=", "<>", "<", ">="), g.r.IntN(6)) +
		g.pick("", "", fmt.Sprintf(" OR %s IS NULL", g.col()), fmt.Sprintf(" AND %s <> %s", g.col(), g.col()))
}

func (g *grammar) filter(depth int) string {
	in, _ := g.from(depth)
	return "SELECT x, y, z FROM " + in + " WHERE " + g.condition()
}

func (g *grammar) project(depth int) string {
	in, _ := g.from(depth)
	return fmt.Sprintf("SELECT %s AS x, %s AS y, %s AS z FROM %s", g.col(), g.pick("y", "x + 1", "y - x"), g.pick("z", "z * 2", "COALESCE(z, y)", "CASE WHEN z > 2 THEN y ELSE z END"), in)
}

func (g *grammar) call() string {
	c := g.col()
	call := g.pick("SUM("+c+")", "MAX("+c+")", "MIN("+c+")", "AVG("+c+")", "CAST(COUNT(*) AS INT)", "CAST(COUNT("+c+") AS INT)",
		"CAST(COUNT(DISTINCT "+c+") AS INT)", "SUM(DISTINCT "+c+")")
	if g.r.IntN(3) == 0 && !strings.HasPrefix(call, "CAST") {
		call += " FILTER (WHERE " + g.condition() + ")"
	}
	return call
}

func (g *grammar) aggregate(depth int) string {
	in, _ := g.from(depth)
	having := ""
	if g.r.IntN(4) == 0 {
		having = fmt.Sprintf(" HAVING COUNT(*) %s %d", g.pick("<", ">", "="), 1+g.r.IntN(3))
	}
	if g.r.IntN(3) == 0 {
		return fmt.Sprintf("SELECT x, y, %s AS z FROM %s GROUP BY x, y%s", g.call(), in, having)
	}
	return fmt.Sprintf("SELECT %s AS x, %s AS y, %s AS z FROM %s GROUP BY y%s", "y", g.call(), g.call(), in, having)
}

func (g *grammar) join(depth int) string {
	left, l := g.from(depth)
	right, r := g.from(depth / 2)
	on := fmt.Sprintf("%s.%s = %s.%s", l, g.col(), r, g.col())
	if g.r.IntN(3) == 0 {
		on += fmt.Sprintf(" AND %s.%s %s %s.%s", l, g.col(), g.pick("<", ">=", "<>"), r, g.col())
	}
	return fmt.Sprintf("SELECT %s.%s AS x, %s.%s AS y, %s.%s AS z FROM %s %s %s ON %s", l, g.col(), r, g.col(), g.pick(l, r), g.col(),
		left, g.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"), right, on)
}

// star joins several inputs, mostly by one key.
func (g *grammar) star(depth int) string {
	text, first := g.from(depth)
	names, keys := []string{first}, []string{first + "." + g.col()}
	for range 2 + g.r.IntN(2) {
		in, name := g.from(depth / 2)
		key := name + "." + g.col()
		text += fmt.Sprintf(" JOIN %s ON %s = %s", in, keys[g.r.IntN(len(keys))], key)
		if g.r.IntN(4) == 0 {
			text += fmt.Sprintf(" AND %s.%s %s %s.%s", g.pick(names...), g.col(), g.pick("<", ">=", "<>"), name, g.col())
		}
		names, keys = append(names, name), append(keys, key)
	}
	return fmt.Sprintf("SELECT %s.%s AS x, %s.%s AS y, %s.%s AS z FROM %s", g.pick(names...), g.col(), g.pick(names...), g.col(), g.pick(names...), g.col(), text)
}

func (g *grammar) exists(depth int) string {
	in, l := g.from(depth)
	if g.r.IntN(2) == 0 {
		return fmt.Sprintf("SELECT x, y, z FROM %s WHERE %s IN (SELECT %s FROM (%s) AS s%d)", in, g.col(), g.col(), g.relation(depth/2), g.alias)
	}
	sub, s := g.from(depth / 2)
	return fmt.Sprintf("SELECT x, y, z FROM %s WHERE %s EXISTS (SELECT 1 FROM %s WHERE %s.%s = %s.%s)", in, g.pick("", "NOT"), sub, s, g.col(), l, g.col())
}

// top orders by all columns, so that rows that tie are equal.
func (g *grammar) top(depth int) string {
	in, _ := g.from(depth)
	order := g.pick("z DESC, x, y", "z, x DESC, y", "y DESC, z, x", "x, y, z")
	n := 1 + g.r.IntN(3)
	z := g.pick("z", "z", "CAST(rn AS INT)")
	partition := g.pick("PARTITION BY y ", "PARTITION BY x ", "")
	return fmt.Sprintf("SELECT x, y, %s AS z FROM (SELECT x, y, z, ROW_NUMBER() OVER (%sORDER BY %s) AS rn FROM %s) WHERE rn <= %d", z, partition, order, in, n)
}

func (g *grammar) set(depth int) string {
	return fmt.Sprintf("(%s) %s (%s)", g.relation(depth), g.pick("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"), g.relation(depth/2))
}

func (g *grammar) distinct(depth int) string {
	in, _ := g.from(depth)
	return fmt.Sprintf("SELECT DISTINCT x, %s AS y, z FROM %s", g.col(), in)
}

// options are what must make no difference.
func (g *grammar) options() map[string]string {
	o := map[string]string{}
	if g.r.IntN(3) == 0 {
		o["table.exec.mini-batch.enabled"] = "true"
		o["table.exec.mini-batch.allow-latency"] = "1 s"
		o["table.exec.mini-batch.size"] = fmt.Sprint(1 + g.r.IntN(20))
		o["table.optimizer.agg-phase-strategy"] = g.pick("AUTO", "ONE_PHASE", "TWO_PHASE")
	}
	if g.r.IntN(3) == 0 {
		o["table.exec.source.cdc-events-duplicate"] = "true"
	}
	if g.r.IntN(3) == 0 {
		o["table.optimizer.reuse-sub-plan-enabled"] = "false"
	}
	if g.r.IntN(2) == 0 {
		o["table.optimizer.multi-join.enabled"] = "true"
	}
	if g.r.IntN(2) == 0 {
		o["millrace.optimizer.disabled-rules"] = g.pick(rule.Names()...)
	}
	return o
}
