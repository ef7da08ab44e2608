// Command record runs case files through a real Apache Flink, which it installs if
// it has to, and writes what Flink gave into them.
//
//	go run ./test/flink/record FILE|FOLDER…           writes the sections anew
//	go run ./test/flink/record -verify FILE|FOLDER…   compares them with a fresh run
//
// Every case runs twice, and what differs is not written: an expectation must not
// hang on chance.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/bench/flink"
	"github.com/millrace-io/millrace/test/flink/casefile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	verify := flag.Bool("verify", false, "compare with what is recorded, write nothing")
	runs := flag.Int("runs", 2, "how often each case runs when recording")
	missing := flag.Bool("missing", false, "only cases without recorded results")
	atOnce := flag.Int("j", 2, "how many cases run at once")
	dir := flag.String("flink", "", "where Flink is, or is put (default: the user's cache)")
	flag.Parse()
	files, err := caseFiles(flag.Args())
	if err != nil {
		return err
	}
	var cases []recording
	for _, file := range files {
		c, err := casefile.Read(file)
		if err != nil {
			return err
		}
		if !*missing || !c.Recorded() {
			cases = append(cases, recording{file: file, Case: c})
		}
	}
	if *dir == "" {
		if *dir, err = flink.CacheDir(); err != nil {
			return err
		}
	}
	dist, err := flink.Install(ctx, *dir, os.Stderr)
	if err != nil {
		return err
	}
	if *verify {
		*runs = 1
	}
	if err := runAll(ctx, dist, cases, *runs, *atOnce); err != nil {
		return err
	}
	return settle(cases, *verify)
}

// caseFiles are the files named and those in the folders named.
func caseFiles(args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("which cases? name files or folders")
	}
	var files []string
	for _, a := range args {
		if strings.HasSuffix(a, ".case") {
			files = append(files, a)
			continue
		}
		found, err := filepath.Glob(filepath.Join(a, "*.case"))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("no case files in %s: %w", a, err)
		}
		files = append(files, found...)
	}
	return files, nil
}

// settle writes what was recorded, or with verify tells what differs.
func settle(cases []recording, verify bool) error {
	bad := 0
	for _, r := range cases {
		if unstable := r.unstable(); len(unstable) > 0 {
			fmt.Printf("%s: two runs differ in %s, not written\n", r.file, strings.Join(unstable, ", "))
			bad++
			continue
		}
		if verify {
			if differ := r.differs(); len(differ) > 0 {
				fmt.Printf("%s: differs from Flink in %s\n", r.file, strings.Join(differ, ", "))
				bad++
			}
			continue
		}
		if err := r.write(); err != nil {
			return err
		}
	}
	fmt.Printf("%d cases, %d not as they should be\n", len(cases), bad)
	if bad > 0 {
		return fmt.Errorf("%d cases differ", bad)
	}
	return nil
}

// A recording is a case and what Flink gave for it, run by run.
type recording struct {
	file string
	*casefile.Case
	runs []map[string]string // sections
}

func (r *recording) unstable() []string {
	var out []string
	for _, s := range casefile.Results {
		if slices.ContainsFunc(r.runs, func(run map[string]string) bool { return run[s] != r.runs[0][s] }) {
			out = append(out, s)
		}
	}
	return out
}

func (r *recording) differs() []string {
	var out []string
	for _, s := range casefile.Results {
		was, recorded := r.Text[s]
		if is, given := r.runs[0][s]; was != is || recorded != given {
			out = append(out, s)
		}
	}
	return out
}

// write puts the results into the file, and in the flags where one mode refuses.
func (r *recording) write() error {
	for _, s := range casefile.Results {
		delete(r.Text, s)
		if text, ok := r.runs[0][s]; ok {
			r.Text[s] = text
		}
	}
	for mode, other := range map[string]string{"batch": "stream", "stream": "batch"} {
		_, fails := r.Text[mode+"-error"]
		_, runs := r.Text[other]
		switch {
		case fails && runs:
			r.SetFlag(mode, "unsupported")
		case r.Value(mode) == "unsupported":
			r.DropFlag(mode)
		}
	}
	return os.WriteFile(r.file, []byte(r.String()), 0o644)
}
