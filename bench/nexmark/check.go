package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/millrace-io/millrace/bench/queries"
)

// facts are the row counts over test/nexmark/data/main, from its nexmark.md.
var facts = map[string]string{
	"q0": "27600", "q1": "27600", "q2": "114", "q3": "83", "q4": "5", "q5": "155", "q6": "1667", "q7": "31", "q8": "55", "q9": "1667",
	"q11": "2926", "q14": "7907", "q15": "2", "q16": "9974", "q17": "1887", "q18": "7791", "q19": "13015", "q20": "6680",
	"q21": "26275", "q22": "27600", "q23": "0",
}

// check has Flink count the rows of every query over the reference data: in batch
// mode, but for sessions, which it has in streaming mode only. It runs the INSERTs
// too, for their types.
func (c config) check(ctx context.Context) error {
	data, err := filepath.Abs("test/nexmark/data/main")
	if err != nil {
		return err
	}
	cluster, err := c.cluster(ctx)
	if err != nil {
		return err
	}
	defer cluster.Stop()
	wrong := 0
	for _, mode := range []string{"batch", "streaming"} {
		script := append(session(mode, cluster.CheckpointDir()), queries.Files(data, ".json.gz", "json")...)
		var asked []string
		for _, name := range queries.Names() {
			q, err := queries.Get(name)
			if err != nil {
				return err
			}
			if (name == "q11") != (mode == "streaming") || facts[name] == "" {
				continue
			}
			asked = append(asked, name)
			script = append(script, q.Setup...)
			script = append(script, "EXPLAIN "+q.Insert(), "SELECT COUNT(*) AS rows_of_"+name+" FROM (\n"+q.Select+"\n)")
		}
		out, err := cluster.Query(ctx, queries.Script(script...))
		if err != nil {
			return err
		}
		for _, name := range asked {
			got := lastCount(out, name)
			fmt.Printf("%s\t%s rows in %s mode\n", name, got, mode)
			if got != facts[name] {
				fmt.Printf("\twant %s\n", facts[name])
				wrong++
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d queries give other row counts than the facts", wrong)
	}
	return nil
}

var countLine = regexp.MustCompile(`(?m)^\|[^|]*?(?:\+[IU] \|)?\s*(\d+) \|$`)

// lastCount returns the last number in the table that has the query's count.
func lastCount(out, name string) string {
	_, table, ok := strings.Cut(out, " rows_of_"+name+" |")
	if !ok {
		return "no"
	}
	if next := strings.Index(table, "rows_of_"); next >= 0 {
		table = table[:next]
	}
	if m := countLine.FindAllStringSubmatch(table, -1); m != nil {
		return m[len(m)-1][1]
	}
	return "no"
}
