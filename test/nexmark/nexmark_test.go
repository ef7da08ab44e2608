package nexmark

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/bench/queries"
	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/internal/testkit"
)

var update = flag.Bool("update", false, "write pending.txt anew")

// TestQueries runs every query over both sets of events, in both modes, at
// parallelism 1 and 2. Where a result is recorded, each of the four runs has to give
// it; where none is, the four have to agree.
func TestQueries(t *testing.T) {
	pending, err := testkit.ReadPending("pending.txt")
	if err != nil {
		t.Fatal(err)
	}
	pending.Update = *update
	t.Run("queries", func(t *testing.T) {
		for _, set := range []string{"main", "mix"} {
			for _, name := range append([]string{"q6", "q10", "q11", "q13", "q14-function", "q23"}, queries.Standard...) {
				id := set + "/" + name
				t.Run(id, func(t *testing.T) {
					t.Parallel()
					pending.Check(t, id, check(t, set, name))
				})
			}
		}
	})
	if *update {
		if err := pending.Rewrite(); err != nil {
			t.Error(err)
		}
	}
}

// query returns a query by name. q14-function is q14 as the benchmark has it, with a
// function of its own.
func query(name string) (queries.Query, error) {
	if name != "q14-function" {
		return queries.Get(name)
	}
	q, err := queries.Get("q14")
	const counts = "CHAR_LENGTH(extra) - CHAR_LENGTH(REPLACE(extra, 'c', ''))"
	if err == nil && !strings.Contains(q.Select, counts) {
		err = errors.New("q14 counts characters in another way than it did")
	}
	q.Setup = []string{"CREATE FUNCTION count_char AS 'com.github.nexmark.flink.udf.CountChar'"}
	q.Select = strings.Replace(q.Select, counts, "count_char(extra, 'c')", 1)
	return q, err
}

// check returns "" when the four runs of a query are right.
func check(t *testing.T, set, name string) string {
	q, err := query(name)
	if err != nil {
		return err.Error()
	}
	data, err := filepath.Abs(filepath.Join("data", set))
	if err != nil {
		return err.Error()
	}
	want, err := recorded(set, strings.TrimSuffix(name, "-function"))
	if err != nil {
		return err.Error()
	}
	if q.NeedsFolder() {
		if q, err = q.In(t.TempDir()); err != nil {
			return err.Error()
		}
	}
	text := queries.Script(slices.Concat(queries.Files(data, ".json.gz", "json"), q.Setup, []string{q.Select})...)
	modes := []string{testkit.Batch, testkit.Stream}
	for _, mode := range modes {
		for _, parallelism := range []int{1, 2} {
			changes, err := testkit.Script{File: name, Text: text, Mode: mode, Parallelism: parallelism}.Run(t.Context())
			var rows []string
			if err == nil {
				rows, err = testkit.Fold(changes)
			}
			problem := ""
			switch {
			case err != nil:
				problem = err.Error()
			case want == nil:
				want = &result{rows: rows, by: fmt.Sprintf("%s, parallelism %d", mode, parallelism)}
			default:
				problem = want.diff(rows)
			}
			if problem != "" {
				return fmt.Sprintf("%s, parallelism %d: %s", mode, parallelism, problem)
			}
		}
	}
	return ""
}

// A result is what a query has to give: its rows, sorted, or a digest of them.
type result struct {
	by     string
	rows   []string
	digest *digest
}

// recorded reads the result of a query, nil when none is recorded.
func recorded(set, name string) (*result, error) {
	switch {
	case set != "main":
		name = set + "_" + name
	case name == "q6":
		name = "q6.batch"
	}
	data, err := os.ReadFile(filepath.Join("results", name+".csv"))
	if err == nil {
		text := strings.TrimSuffix(string(data), "\n")
		if text == "" {
			return &result{by: "Flink"}, nil
		}
		return &result{by: "Flink", rows: strings.Split(text, "\n")}, nil
	}
	data, err = os.ReadFile(filepath.Join("results", name+".digest"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, err := parseDigest(string(data))
	return &result{by: "Flink", digest: d}, err
}

func (r *result) diff(rows []string) string {
	if r.digest != nil {
		return r.digest.diff(rows)
	}
	if d := (testkit.Comparison{}).Diff(rows, r.rows); d != "" {
		return "not as " + r.by + ": " + d
	}
	return ""
}

// A digest stands for many rows: their number and hash, and the hash of each column.
type digest struct {
	count   int
	sum     string
	columns []column
}

type column struct{ name, sum string }

func parseDigest(text string) (*digest, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 3 {
		return nil, errors.New("a digest has three lines or more")
	}
	d := &digest{sum: field(lines[1], -1)}
	var err error
	if d.count, err = strconv.Atoi(field(lines[0], -1)); err != nil {
		return nil, fmt.Errorf("read digest: %w", err)
	}
	for _, l := range lines[2:] {
		if strings.HasPrefix(l, "first ") {
			break
		}
		d.columns = append(d.columns, column{field(l, 2), field(l, -1)})
	}
	return d, nil
}

// field returns a word of a line, from the end when at is negative.
func field(line string, at int) string {
	words := strings.Fields(line)
	if at < 0 {
		at += len(words)
	}
	if at < 0 || at >= len(words) {
		return ""
	}
	return words[at]
}

func (d *digest) diff(rows []string) string {
	if sum(rows) == d.sum {
		return ""
	}
	problem := fmt.Sprintf("not as Flink: %d rows, want %d", len(rows), d.count)
	cells := make([][]string, len(d.columns))
	for _, r := range rows {
		for i, c := range rowtext.Parse(r) {
			text := ""
			if !c.Null {
				text = string(rowtext.AppendCell(nil, []byte(c.Text)))
			}
			if i < len(cells) {
				cells[i] = append(cells[i], text)
			}
		}
	}
	for i, c := range d.columns {
		slices.Sort(cells[i])
		if sum(cells[i]) != c.sum {
			problem += ", other values of " + c.name
		}
	}
	if len(rows) > 0 {
		problem += "; first row " + rows[0]
	}
	return problem
}

// sum is the SHA-256 of lines, each with its line break.
func sum(lines []string) string {
	h := sha256.New()
	for _, l := range lines {
		fmt.Fprintln(h, l)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
