package physical_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/physical"
	"github.com/millrace-io/millrace/internal/plan/rule"
	"github.com/millrace-io/millrace/internal/sql/parse"
)

const probeTables = `
CREATE TABLE T (id BIGINT, k STRING, v DOUBLE, cnt INT, arr ARRAY<INT>, mp MAP<STRING, INT>, js STRING, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'append');
CREATE TABLE B (id BIGINT, k STRING, v DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'append');
CREATE TABLE U (id BIGINT PRIMARY KEY NOT ENFORCED, k STRING, v DOUBLE, cnt INT, arr ARRAY<INT>, mp MAP<STRING, INT>, js STRING, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'cdc');
CREATE TABLE V (id BIGINT PRIMARY KEY NOT ENFORCED, v DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'cdc');
CREATE TABLE L (id BIGINT PRIMARY KEY NOT ENFORCED, name STRING) WITH ('connector' = 'append');
CREATE VIEW VV AS SELECT id, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS rn FROM B) WHERE rn = 1;
CREATE TABLE S (c BIGINT) WITH ('connector' = 'append');
CREATE TABLE SU (id BIGINT PRIMARY KEY NOT ENFORCED) WITH ('connector' = 'upsert');
`

// TestProbe compares the kinds of change of a query's root with what Flink 2.3.0
// infers. testdata/probe.tsv has a query a line: name, SQL, Flink's answer for a
// stream of inserts, for a stream of changes and for a batch, then ours where it
// is another.
func TestProbe(t *testing.T) {
	const file = "testdata/probe.tsv"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession()
	list, err := parse.Script(probeTables)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range list {
		if _, err := s.statement(st); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		f := strings.Split(line, "\t")
		got := f[:5]
		for i, c := range []struct {
			table string
			batch bool
		}{{"T", false}, {"U", false}, {"T", true}} {
			flink := f[2+i]
			ours := s.probe(strings.ReplaceAll(f[1], "{T}", c.table), c.batch)
			if flink == "n/a" {
				ours = flink
			}
			if strings.HasPrefix(flink, "ERR") && strings.HasPrefix(ours, "ERR") {
				ours = flink
			}
			if ours == flink {
				ours = "="
			}
			got = append(got, ours)
		}
		out.WriteString(strings.Join(got, "\t") + "\n")
	}
	if *rewrite {
		err = os.WriteFile(file, []byte(out.String()), 0o644)
	} else if out.String() != string(data) {
		got, want := strings.Split(out.String(), "\n"), strings.Split(string(data), "\n")
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("\n got %s\nwant %s", got[i], want[i])
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// probe returns OK[kinds] of a query's root, which nobody reads, or ERR and why.
func (s *session) probe(sql string, batch bool) (answer string) {
	defer func() {
		if p := recover(); p != nil {
			answer = fmt.Sprint("PANIC ", p)
		}
	}()
	st, err := parse.Statement(sql)
	if err != nil {
		return "ERR " + err.Error()
	}
	job, err := s.statement(st)
	if err != nil {
		return "ERR " + err.Error()
	}
	if _, err := physical.Compile(job, physical.Options{Batch: batch, SourceKinds: sourceKinds}); err != nil {
		return "ERR " + err.Error()
	}
	c, ok := job.Roots[0].(*logical.Collect)
	if !ok {
		return "OK"
	}
	bare := &logical.Job{Roots: []logical.Node{c.Input}}
	after, err := rule.Optimize(bare, rule.Options{Batch: batch, Reuse: true, Zone: "UTC"})
	if err != nil {
		return "ERR " + err.Error()
	}
	p, err := changelog.Infer(after, changelog.Options{Batch: batch, SourceKinds: sourceKinds})
	if err != nil {
		return "ERR " + err.Error()
	}
	return "OK[" + p.Info(after.Roots[0]).Kinds.String() + "]"
}
