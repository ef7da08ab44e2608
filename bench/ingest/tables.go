package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A column of a table.
type column struct {
	Name, Type string
}

// A table is made as CSV, row by row; Millrace writes the other formats.
type table struct {
	name    string
	columns []column
	two     [2]int // columns that are read alone
	rows    int64
	splits  int64 // that it is also read in; 0: not
	row     func(dst []byte, rng *rand.Rand, n int64) []byte
}

func (t table) few() []column { return []column{t.columns[t.two[0]], t.columns[t.two[1]]} }

// tables are the tables, each of about so many bytes as CSV.
func tables(size int64) []table {
	return []table{
		{name: "bid", columns: bidColumns, two: [2]int{0, 2}, rows: size / 200, splits: 1000, row: bid},
		{name: "lineitem", columns: lineitemColumns, two: [2]int{4, 10}, rows: size / 125, row: lineitem},
		{name: "wide", columns: wideColumns(), two: [2]int{7, 450}, rows: size / (5 * wideCount), row: wide},
		{name: "long", columns: []column{{"id", "BIGINT"}, {"n", "INT"}, {"doc", "STRING"}}, two: [2]int{0, 1}, rows: max(2, size>>20), row: long},
	}
}

// bidColumns are those of Nexmark: few and long.
var bidColumns = []column{{"auction", "BIGINT"}, {"bidder", "BIGINT"}, {"price", "BIGINT"}, {"channel", "STRING"}, {"url", "STRING"}, {"dateTime", "TIMESTAMP(3)"}, {"extra", "STRING"}}

func letters(dst []byte, rng *rand.Rand, n int) []byte {
	for range n {
		dst = append(dst, byte('a'+rng.IntN(26)))
	}
	return dst
}

func bid(dst []byte, rng *rand.Rand, n int64) []byte {
	dst = fmt.Appendf(dst, "%d,%d,%d,channel-%d,\"https://www.nexmark.com/", 1000+rng.IntN(1_000_000), 1000+rng.IntN(1_000_000), 100+rng.IntN(10_000_000), rng.IntN(10_000))
	dst = append(letters(dst, rng, 4), '/')
	dst = append(letters(dst, rng, 4), '/')
	dst = fmt.Appendf(letters(dst, rng, 4), "/item.htm?query=1&channel_id=%d\",", rng.IntN(1<<30))
	dst = time.UnixMilli(1_772_409_443_480+10*n).UTC().AppendFormat(dst, "2006-01-02 15:04:05.000,\"")
	return append(letters(dst, rng, 54+rng.IntN(27)), '"', '\n')
}

// lineitemColumns are those of TPC-H: many and short.
var lineitemColumns = []column{{"l_orderkey", "BIGINT"}, {"l_partkey", "BIGINT"}, {"l_suppkey", "BIGINT"}, {"l_linenumber", "INT"},
	{"l_quantity", "DECIMAL(15, 2)"}, {"l_extendedprice", "DECIMAL(15, 2)"}, {"l_discount", "DECIMAL(15, 2)"}, {"l_tax", "DECIMAL(15, 2)"},
	{"l_returnflag", "STRING"}, {"l_linestatus", "STRING"}, {"l_shipdate", "DATE"}, {"l_commitdate", "DATE"}, {"l_receiptdate", "DATE"},
	{"l_shipinstruct", "STRING"}, {"l_shipmode", "STRING"}, {"l_comment", "STRING"}}

var (
	instructions = strings.Split("DELIVER IN PERSON,COLLECT COD,NONE,TAKE BACK RETURN", ",")
	modes        = strings.Split("REG AIR,AIR,RAIL,SHIP,TRUCK,MAIL,FOB", ",")
	words        = strings.Fields("furiously carefully slyly blithely final regular express ironic pending special requests deposits packages accounts theodolites foxes ideas platelets sleep haggle nag cajole above the according to among")
)

func lineitem(dst []byte, rng *rand.Rand, n int64) []byte {
	quantity := 1 + rng.IntN(50)
	price := quantity * (90_000 + rng.IntN(11_000))
	dst = fmt.Appendf(dst, "%d,%d,%d,%d,%d.00,%d.%02d,0.%02d,0.%02d,%c,%c", n/4*7+1, 1+rng.IntN(200_000), 1+rng.IntN(10_000), n%4+1, quantity, price/100, price%100, rng.IntN(11), rng.IntN(9), "RAN"[rng.IntN(3)], "OF"[rng.IntN(2)])
	ship := time.Date(1992, 1, 2+rng.IntN(2526), 0, 0, 0, 0, time.UTC)
	for _, day := range []time.Time{ship, ship.AddDate(0, 0, rng.IntN(90)-30), ship.AddDate(0, 0, 1+rng.IntN(30))} {
		dst = day.AppendFormat(dst, ",2006-01-02")
	}
	dst = fmt.Appendf(dst, ",%s,%s,", instructions[rng.IntN(len(instructions))], modes[rng.IntN(len(modes))])
	for end := len(dst) + 10 + rng.IntN(28); ; dst = append(dst, ' ') {
		if dst = append(dst, words[rng.IntN(len(words))]...); len(dst) >= end {
			return append(dst, '\n')
		}
	}
}

// wide has as many columns as tables have that were made by programs.
const wideCount = 500

func wideColumns() (out []column) {
	for i := range wideCount {
		out = append(out, column{fmt.Sprintf("column_%d", i), "BIGINT"})
	}
	return out
}

func wide(dst []byte, rng *rand.Rand, _ int64) []byte {
	for range wideCount {
		dst = append(fmt.Appendf(dst, "%d", rng.IntN(9000)), ',')
	}
	dst[len(dst)-1] = '\n'
	return dst
}

// long has rows of 1 MB.
func long(dst []byte, rng *rand.Rand, n int64) []byte {
	dst = fmt.Appendf(dst, "%d,%d,\"", n, rng.IntN(1000))
	for end := len(dst) + 1<<20; len(dst) < end; {
		dst = append(append(dst, words[rng.IntN(len(words))]...), ' ')
	}
	return append(dst, '"', '\n')
}

func names(cols []column) string {
	var all []string
	for _, c := range cols {
		all = append(all, "`"+c.Name+"`")
	}
	return strings.Join(all, ", ")
}

func schema(cols []column) string {
	var all []string
	for _, c := range cols {
		all = append(all, "`"+c.Name+"` "+c.Type)
	}
	return strings.Join(all, ", ")
}

func (t table) declare(as, dir, format, options string) string {
	return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = '%s'%s);\n",
		as, schema(t.columns), strings.ReplaceAll(filepath.Join(dir, format), "'", "''"), format, options)
}

func blackhole(cols []column) string {
	return fmt.Sprintf("CREATE TABLE o (%s) WITH ('connector' = 'blackhole');\n", schema(cols))
}

// made is what was written of a table.
type made struct {
	dir   string // a folder for each format
	rows  int64
	bytes map[string]int64 // of the files, by format
	// strings are the bytes of a string column's texts, by its name.
	strings map[string]int64
}

// decoded is what columns take in memory.
func (m made) decoded(cols []column) (n int64) {
	for _, c := range cols {
		switch c.Type {
		case "STRING":
			n += m.strings[c.Name] + 4*m.rows
		case "INT", "DATE":
			n += 4 * m.rows
		default:
			n += 8 * m.rows
		}
	}
	return n
}

// write makes the files of a table, unless they are there.
func (c config) write(ctx context.Context, t table) (made, error) {
	m := made{dir: filepath.Join(c.work, fmt.Sprintf("%s-%d", t.name, t.rows)), rows: t.rows, bytes: map[string]int64{}, strings: map[string]int64{}}
	note := filepath.Join(m.dir, "strings.json")
	text, err := os.ReadFile(note)
	if err != nil {
		if err := c.make(ctx, t, m); err != nil {
			return m, err
		}
		if text, err = json.Marshal(m.strings); err != nil {
			return m, err
		}
		if err := os.WriteFile(note, text, 0o644); err != nil {
			return m, err
		}
	}
	if err := json.Unmarshal(text, &m.strings); err != nil {
		return m, err
	}
	for _, format := range []string{"csv", "json", "parquet"} {
		files, err := filepath.Glob(filepath.Join(m.dir, format, "*"))
		if err != nil {
			return m, err
		}
		for _, name := range files {
			info, err := os.Stat(name)
			if err != nil {
				return m, err
			}
			m.bytes[format] += info.Size()
		}
	}
	return m, nil
}

func (c config) make(ctx context.Context, t table, m made) error {
	if err := os.MkdirAll(filepath.Join(m.dir, "csv"), 0o755); err != nil {
		return err
	}
	if err := t.writeCSV(filepath.Join(m.dir, "csv", "data.csv"), m.strings); err != nil {
		return err
	}
	for _, format := range []string{"json", "parquet"} {
		script := t.declare("t", m.dir, "csv", "") + t.declare("o", m.dir, format, "") + "INSERT INTO o SELECT * FROM t;\n"
		if _, err := c.query(ctx, t.name+"-write-"+format, script); err != nil {
			return err
		}
	}
	return nil
}

func (t table) writeCSV(name string, sizes map[string]int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	rng := rand.New(rand.NewPCG(1, uint64(len(t.columns))))
	var row []byte
	for n := range t.rows {
		row = t.row(row[:0], rng, n)
		// no text here holds a comma, and only their ends are quotes
		for i, cell := range strings.Split(string(row[:len(row)-1]), ",") {
			if t.columns[i].Type == "STRING" {
				sizes[t.columns[i].Name] += int64(len(strings.Trim(cell, `"`)))
			}
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
