// Package tpch has the 22 queries of TPC-H in Flink SQL, with the parameters of the
// specification's validation runs, and the tables that they read.
//
// A query orders its rows in the end. A stream has no end at which all rows could be
// put in order: Stream is the query without an ORDER BY that has no LIMIT, and adds
// up to the same rows.
package tpch

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed *.sql
var files embed.FS

// Count is the number of queries.
const Count = 22

// A Query is one of the 22.
type Query struct {
	Name  string // q5
	Title string // a sentence
	Batch string // the SELECT, ordered
	// Stream is Batch without an order that only a whole result can have.
	Stream string
}

// Queries returns all queries in their order. scale is the scale factor of the data,
// which q11 depends on.
func Queries(scale float64) []Query {
	var list []Query
	for i := range Count {
		name := "q" + strconv.Itoa(i+1)
		text, err := files.ReadFile(name + ".sql")
		if err != nil {
			panic(err) // of an embedded folder
		}
		title, sql, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		sql = strings.ReplaceAll(sql, "${FRACTION}", strconv.FormatFloat(0.0001/scale, 'f', -1, 64))
		q := Query{Name: name, Title: strings.TrimPrefix(title, "-- "), Batch: sql, Stream: sql}
		if at := strings.LastIndex(sql, "\nORDER BY "); at >= 0 && !strings.Contains(sql[at:], "\nLIMIT ") {
			q.Stream = sql[:at]
		}
		list = append(list, q)
	}
	return list
}

// A Table is one of the eight.
type Table struct {
	Name, Columns string
}

// Tables are the eight tables with the columns that tpchgen-cli writes.
var Tables = []Table{
	{"region", "r_regionkey BIGINT, r_name STRING, r_comment STRING"},
	{"nation", "n_nationkey BIGINT, n_name STRING, n_regionkey BIGINT, n_comment STRING"},
	{"supplier", "s_suppkey BIGINT, s_name STRING, s_address STRING, s_nationkey BIGINT, s_phone STRING, s_acctbal DECIMAL(15, 2), s_comment STRING"},
	{"customer", "c_custkey BIGINT, c_name STRING, c_address STRING, c_nationkey BIGINT, c_phone STRING, c_acctbal DECIMAL(15, 2), c_mktsegment STRING, c_comment STRING"},
	{"part", "p_partkey BIGINT, p_name STRING, p_mfgr STRING, p_brand STRING, p_type STRING, p_size INT, p_container STRING, p_retailprice DECIMAL(15, 2), p_comment STRING"},
	{"partsupp", "ps_partkey BIGINT, ps_suppkey BIGINT, ps_availqty INT, ps_supplycost DECIMAL(15, 2), ps_comment STRING"},
	{"orders", "o_orderkey BIGINT, o_custkey BIGINT, o_orderstatus STRING, o_totalprice DECIMAL(15, 2), o_orderdate DATE, o_orderpriority STRING, o_clerk STRING, o_shippriority INT, o_comment STRING"},
	{"lineitem", "l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber INT, l_quantity DECIMAL(15, 2), l_extendedprice DECIMAL(15, 2), l_discount DECIMAL(15, 2), l_tax DECIMAL(15, 2), " +
		"l_returnflag STRING, l_linestatus STRING, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, l_shipinstruct STRING, l_shipmode STRING, l_comment STRING"},
}

// Declare returns the statements that declare the tables over the Parquet files of a
// folder, each ended by a semicolon and a line end.
func Declare(dir string) string {
	var out strings.Builder
	for _, t := range Tables {
		fmt.Fprintf(&out, "CREATE TABLE %s (%s) WITH ('connector' = 'filesystem', 'path' = '%s/%s.parquet', 'format' = 'parquet');\n",
			t.Name, t.Columns, strings.ReplaceAll(dir, "'", "''"), t.Name)
	}
	return out.String()
}
