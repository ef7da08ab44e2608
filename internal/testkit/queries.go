package testkit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// QueryFiles runs the query files that a pattern names, or with rewrite writes the
// results into them. A file is blocks:
//
//	data NAME      lines of a file, which tables find at ${DATA}/NAME
//	tables         statements that come before each query from here on
//	query [serial] a query, "----" and its rows, with the marks "stream" and "batch"
//	               where the modes differ, up to an empty line
//
// A query may have statements before it; ${OUT} is an empty folder. It runs in both
// modes, at parallelism 1 and 2, which have to agree; serial ones, with late rows,
// run at 1. "#" begins a comment.
func QueryFiles(t *testing.T, pattern string, rewrite bool) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test"), func(t *testing.T) { runQueryFile(t, file, rewrite) })
	}
}

func runQueryFile(t *testing.T, file string, rewrite bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	var out strings.Builder
	tables := ""
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i := 0; i < len(lines); {
		start := i + 1
		head := lines[i]
		i++
		out.WriteString(head + "\n")
		if head == "" || strings.HasPrefix(head, "#") {
			continue
		}
		block := lines[i:]
		if end := slices.Index(block, ""); end >= 0 {
			block = block[:end]
		}
		i += len(block)
		cut := slices.Index(block, "----")
		word, rest, _ := strings.Cut(head, " ")
		body := block
		if cut >= 0 {
			body = block[:cut]
		}
		in := strings.Join(body, "\n") + "\n"
		out.WriteString(in)
		switch word {
		case "data":
			if err := os.WriteFile(filepath.Join(data, rest), []byte(in), 0o644); err != nil {
				t.Fatal(err)
			}
		case "tables":
			tables = strings.ReplaceAll(in, "${DATA}", data)
		case "query":
			want := strings.Join(block[len(body):], "\n")
			got := "----\n" + strings.Join(runQuery(t, tables+in, rest == "serial"), "\n")
			got = strings.TrimSuffix(got, "\n")
			out.WriteString(got + "\n")
			if !rewrite && got != want {
				t.Errorf("%s:%d:\n%s%s\nwant\n%s", file, start, in, got, want)
			}
		default:
			t.Fatalf("%s:%d: no block is called %q", file, start, word)
		}
	}
	if rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runQuery returns the rows of a query, by mode if they differ.
func runQuery(t *testing.T, text string, serial bool) []string {
	t.Helper()
	results := map[string][]string{}
	for _, mode := range []string{Stream, Batch} {
		for _, parallelism := range []int{1, 2} {
			if parallelism > 1 && serial {
				continue
			}
			text := strings.ReplaceAll(text, "${OUT}", t.TempDir())
			changes, err := Script{File: "q", Text: text, Mode: mode, Parallelism: parallelism}.Run(t.Context())
			rows, wrong := Fold(changes)
			switch {
			case err != nil:
				rows = []string{"error: " + err.Error()}
			case wrong != nil:
				t.Errorf("%s, parallelism %d: %v\n%s", mode, parallelism, wrong, text)
			}
			if parallelism > 1 && !slices.Equal(rows, results[mode]) {
				t.Errorf("%s: parallelism %d gives %s\nnot %s\n%s", mode, parallelism, strings.Join(rows, "\n"), strings.Join(results[mode], "\n"), text)
			}
			results[mode] = rows
		}
	}
	if slices.Equal(results[Stream], results[Batch]) {
		return results[Batch]
	}
	return slices.Concat([]string{Stream}, results[Stream], []string{Batch}, results[Batch])
}
