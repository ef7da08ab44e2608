// Package queries has the queries of the Nexmark benchmark in Flink SQL, q0 to q23,
// and the tables that they read.
//
// A query's file declares a blackhole table and inserts into it; it reads the
// tables person, auction and bid, which Tables declares. q10 writes files, and q13
// looks up a side table: both need a folder (In). Both Millrace and Apache Flink run
// them as they are, but for q6, which Flink runs in batch mode only, and q13, whose
// side table Flink's current file connector cannot look up.
package queries

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed *.sql
var files embed.FS

// A Query is one of the benchmark's.
type Query struct {
	Name  string   // q5
	Title string   // a sentence
	Setup []string // statements before the INSERT: views, the sink table
	Sink  string   // the table that the INSERT writes
	// Select is what the INSERT inserts.
	Select string
}

// Standard are the queries that a comparison runs unless it is told otherwise:
// those that every engine runs, and whose result the input determines.
var Standard = []string{"q0", "q1", "q2", "q3", "q4", "q5", "q7", "q8", "q9", "q14", "q15", "q16", "q17", "q18", "q19", "q20", "q21", "q22"}

// Names returns the names of all queries, in their order.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // of an embedded folder
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".sql"))
	}
	number := func(s string) int { n, _ := strconv.Atoi(s[1:]); return n }
	slices.SortFunc(out, func(a, b string) int { return number(a) - number(b) })
	return out
}

// Get returns a query by its name.
func Get(name string) (Query, error) {
	text, err := files.ReadFile(name + ".sql")
	if err != nil {
		return Query{}, fmt.Errorf("there is no query '%s', only %s", name, strings.Join(Names(), ", "))
	}
	title, rest, _ := strings.Cut(string(text), "\n")
	statements := strings.Split(strings.TrimSuffix(strings.TrimSpace(rest), ";"), ";\n")
	q := Query{Name: name, Title: strings.TrimPrefix(title, "-- "), Setup: statements[:len(statements)-1], Sink: name + "_sink"}
	q.Select = strings.TrimPrefix(statements[len(statements)-1], "INSERT INTO "+q.Sink+"\n")
	return q, nil
}

// folder stands for the folder that a query needs.
const folder = "${DIR}"

// NeedsFolder reports whether the query reads or writes files of its own.
func (q Query) NeedsFolder() bool { return strings.Contains(q.Script(), folder) }

// In returns the query with its files in a folder that exists. It writes those that
// the query reads.
func (q Query) In(dir string) (Query, error) {
	for i, s := range q.Setup {
		if strings.Contains(s, folder+"/side_input.csv") {
			if err := os.WriteFile(filepath.Join(dir, "side_input.csv"), sideInput(), 0o644); err != nil {
				return q, err
			}
		}
		q.Setup[i] = strings.ReplaceAll(s, folder, strings.ReplaceAll(dir, "'", "''"))
	}
	return q, nil
}

// sideInput is q13's side table: 10,000 lines i,i.
func sideInput() []byte {
	var out []byte
	for i := range 10_000 {
		out = fmt.Appendf(out, "%d,%d\n", i, i)
	}
	return out
}

// Insert is the statement that runs the query.
func (q Query) Insert() string { return "INSERT INTO " + q.Sink + "\n" + q.Select }

// Script is the whole query, each statement ended by a semicolon and a line end.
func (q Query) Script() string { return Script(append(slices.Clone(q.Setup), q.Insert())...) }

// Script joins statements.
func Script(statements ...string) string {
	return strings.Join(statements, ";\n") + ";\n"
}

// columns are those of the three tables, dateTime with a watermark 4 s behind.
var columns = []struct{ table, columns string }{
	{"person", "id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, `dateTime` TIMESTAMP(3), extra STRING"},
	{"auction", "id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING"},
	{"bid", "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING"},
}

// Tables returns the statements that declare person, auction and bid. Each is
// given its own options, as the text between the parentheses of WITH.
func Tables(with func(table string) string) []string {
	var out []string
	for _, t := range columns {
		out = append(out, fmt.Sprintf("CREATE TABLE %s (\n  %s,\n  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND\n) WITH (%s)",
			t.table, t.columns, with(t.table)))
	}
	return out
}

// Files declares the tables over files: path is the folder that has a file or
// folder for each, named by suffix, such as '.json.gz' or ”.
func Files(path, suffix, format string) []string {
	return Tables(func(table string) string {
		return fmt.Sprintf("'connector' = 'filesystem', 'path' = '%s/%s%s', 'format' = '%s'", strings.ReplaceAll(path, "'", "''"), table, suffix, format)
	})
}

// Generated declares the tables over Millrace's connector 'nexmark' with further
// options, such as "'events.num' = '1000000', 'event-span' = '10 s'".
func Generated(options string) []string {
	return Tables(func(table string) string {
		with := fmt.Sprintf("'connector' = 'nexmark', 'table' = '%s'", table)
		if options != "" {
			with += ", " + options
		}
		return with
	})
}
