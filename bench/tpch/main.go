// Command tpch measures the 22 queries of TPC-H beside DuckDB: the same Parquet
// files, the same text, one process each, as a batch and as a stream of inserts.
//
//	go run ./bench/tpch                               # scale factor 1, all queries, both modes
//	go run ./bench/tpch -scale 0.1 -q q1,q6 -mode streaming
//	go run ./bench/tpch -kind answers -scale 0.01     # record test/tpch/answers again
//
// The first run installs tpchgen-cli and DuckDB with pip into the user's cache folder
// and generates the tables there. Each of Millrace's results is compared with
// DuckDB's; a query whose rows differ is reported as failed. The table goes to stdout
// as Markdown, a JSON line to bench/history/tpch.jsonl.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/bench/queries/tpch"
)

type config struct {
	kind    string
	scale   string
	modes   []string
	threads int
	runs    int
	limit   time.Duration
	memory  string
	binary  string
	history string
	queries []tpch.Query
}

func main() { measure.Main("tpch", run) }

func run(ctx context.Context, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("find cache folder: %w", err)
	}
	k, err := install(ctx, filepath.Join(cache, "millrace"), os.Stderr)
	if err != nil {
		return err
	}
	if c.kind == "answers" {
		_, err := k.duckdb(ctx, c, filepath.Join("test", "tpch", "data"), filepath.Join("test", "tpch", "answers"))
		return err
	}
	data, err := k.data(ctx, c.scale)
	if err != nil {
		return err
	}
	return c.compare(ctx, k, data)
}

func parse(args []string) (config, error) {
	var c config
	var names, mode string
	f := flag.NewFlagSet("tpch", flag.ContinueOnError)
	f.StringVar(&c.kind, "kind", "compare", "compare, or answers: record DuckDB's over the files of test/tpch/data")
	f.StringVar(&c.scale, "scale", "1", "scale factor")
	f.StringVar(&mode, "mode", "both", "batch, streaming or both")
	f.StringVar(&names, "q", "", "queries, such as q1,q6; all if empty")
	f.IntVar(&c.threads, "threads", 2, "threads of DuckDB, and Millrace's parallelism")
	f.IntVar(&c.runs, "runs", 1, "runs of each query, of which the median counts")
	f.DurationVar(&c.limit, "limit", 5*time.Minute, "how long a query may take")
	f.StringVar(&c.memory, "memory", "", "memory.size of Millrace, such as 4g; its default if empty")
	f.StringVar(&c.binary, "millrace", "", "the binary; built if empty")
	f.StringVar(&c.history, "history", "bench/history", "folder for the JSON line; empty for none")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	scale, err := strconv.ParseFloat(c.scale, 64)
	if err != nil || scale <= 0 {
		return c, fmt.Errorf("-scale %s: it must be a positive number", c.scale)
	}
	switch mode {
	case "both":
		c.modes = []string{"batch", "streaming"}
	case "batch", "streaming":
		c.modes = []string{mode}
	}
	if c.kind != "compare" && c.kind != "answers" || c.modes == nil || c.runs < 1 || c.threads < 1 || c.limit <= 0 || f.NArg() > 0 {
		return c, fmt.Errorf("-kind is compare or answers, -mode batch, streaming or both, -runs, -threads and -limit are positive, and there are no arguments")
	}
	if names == "" {
		c.queries = tpch.Queries(scale)
		return c, nil
	}
	all := tpch.Queries(scale)
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(q tpch.Query) bool { return q.Name == name })
		if i < 0 {
			return c, fmt.Errorf("-q %s: there are q1 to q%d", name, tpch.Count)
		}
		c.queries = append(c.queries, all[i])
	}
	return c, nil
}
