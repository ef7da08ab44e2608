package statedata_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/testkit"
)

// TestRunning queries a job that runs and takes checkpoints all the time, of which it
// keeps two: each answer is that of one of them, and they do not go back.
func TestRunning(t *testing.T) {
	j := newJob(t, `CREATE TABLE o (usr STRING, cnt BIGINT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'blackhole');
	INSERT INTO o SELECT usr, COUNT(*) FROM bids GROUP BY usr;`)
	dir := filepath.Join(j.dir, "chk")
	s, err := millrace.Open(millrace.Config{CheckpointDir: dir, Options: map[string]string{
		"execution.checkpointing.interval": "10 ms", "execution.checkpointing.num-retained": "2", "parallelism.default": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer s.Wait(ctx)
	defer stop()
	for st, err := range s.Script("job.sql", j.script) {
		if err == nil {
			_, err = s.Execute(ctx, st, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	last := 0
	for i := 0; last < 5*len(bids); i++ {
		if i < 4 {
			whole := filepath.Join(j.dir, "whole.csv") // the job must not see half of it
			write(t, whole, strings.Join(bids, "\n")+"\n")
			if err := os.Rename(whole, filepath.Join(j.dir, "in", fmt.Sprintf("b%d.csv", i))); err != nil {
				t.Fatal(err)
			}
		}
		got := query(testkit.Batch, "SELECT SUM(cnt) AS n FROM state('"+dir+"', 'GroupAgg')")
		n, err := strconv.Atoi(got)
		if err != nil && got != "" {
			t.Fatal(got)
		}
		if n < last {
			t.Fatalf("%d rows behind %d", n, last)
		}
		last = n
		if ctx.Err() != nil {
			t.Fatalf("only %d rows were counted", last)
		}
	}
	stop()
	if err := s.Wait(ctx); err != nil && err != context.Canceled {
		t.Fatal(err)
	}
}

// TestMany writes and reads more rows than a chunk or a batch has.
func TestMany(t *testing.T) {
	const n = 30000
	c := stateOf(t, totals, 7)
	sp := filepath.Join(t.TempDir(), "sp")
	rows := fmt.Sprintf("CREATE TABLE g (i BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '%d', 'fields.i.kind' = 'sequence', 'fields.i.start' = '1', 'fields.i.end' = '%d');", n, n)
	for _, q := range []struct{ sql, want string }{
		{rows + "INSERT INTO state('" + c.Path + "', 'GroupAgg', 'accumulators') /*+ OPTIONS('sink.path' = '" + sp + "') */ SELECT CAST(i AS STRING), 1, i, 1, i, 1 FROM g", ""},
		{"SELECT COUNT(*), SUM(CAST(total AS BIGINT)) FROM state('" + sp + "', 'GroupAgg') WHERE usr NOT IN ('ann', 'bob', 'cid')", fmt.Sprintf("%d,%d", n, n*(n+1)/2)},
		{"SELECT total FROM state('" + sp + "', 'GroupAgg') WHERE usr = 'ann'", "45"},
		{rows + "INSERT OVERWRITE state('" + sp + "', 'Join', 'left') /*+ OPTIONS('sink.path' = '" + sp + "2') */ SELECT 'u', CAST(MOD(i, 3) AS INT) FROM g", ""},
		{"SELECT item, COUNT(*) FROM state('" + sp + "2', 'Join', 'left') GROUP BY item", fmt.Sprintf("0,%d\n1,%d\n2,%d", n/3, n/3, n/3)},
		{"SELECT COUNT(*) FROM state('" + sp + "2', 'GroupAgg')", fmt.Sprint(n + 3)},
	} {
		if got := query(testkit.Batch, q.sql); got != q.want {
			t.Fatalf("%s:\n%s\nwant\n%s", q.sql, got, q.want)
		}
	}
}
