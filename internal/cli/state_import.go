package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/statedata"
)

type stateImportCommand struct {
	stateFlags
	Operator string `arg:"" help:"The operator: its id, or a part of its name that no other one has."`
	File     string `arg:"" help:"The rows: .csv, whose first line names the columns, .json (a row a line) or .parquet."`
	Table    string `arg:"" optional:"" help:"The table, where the operator has several; state ls lists them."`
	Output   string `short:"o" required:"" placeholder:"FOLDER" help:"The folder of the savepoint that is made; what it is made of stays as it is."`
	Upsert   bool   `help:"Keep the rows with other keys than those of the file; without it the file has all rows of the table."`
}

// Run makes a savepoint with the rows of a file.
func (c *stateImportCommand) Run(w *world) error {
	kind, err := formatOf(c.File)
	if err != nil {
		return err
	}
	v, err := (&tableFlags{c.stateFlags, c.Operator, c.Table}).pin()
	if err != nil {
		return err
	}
	columns, err := c.columns(v, kind)
	if err == nil {
		err = wrongName(v.Table.Writable(columns))
	}
	script := c.script(v, kind, columns)
	if err = errors.Join(err, v.Close()); err != nil {
		return err
	}
	rows, err := runBatch(w, script)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.err, "%s of table '%s'\n", count(rows, "row"), v.Table.Name)
	fmt.Fprintln(w.out, c.Output)
	return nil
}

// columns are the table's columns that the file has: those that CSV names, else all.
func (c *stateImportCommand) columns(v *statedata.View, kind string) ([]int, error) {
	names := v.Table.Columns.Names()
	if kind == "csv" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close()
		names, err = csv.NewReader(f).Read()
		if errors.Is(err, io.EOF) {
			return nil, usageError{fmt.Errorf("%s is empty: its first line names the columns", c.File)}
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", c.File, err)}
		}
	} else if _, err := os.Stat(c.File); err != nil {
		return nil, usageError{err}
	}
	var out []int
	for _, name := range names {
		i := v.Table.Columns.Index(name)
		if i < 0 {
			all := v.Table.Columns.Names()
			err := fmt.Sprintf("%s: table '%s' has no column '%s'", c.File, v.Table.Name, name)
			if near := connect.Near(name, all); near != "" {
				return nil, usageError{fmt.Errorf("%s; did you mean '%s'?", err, near)}
			}
			return nil, usageError{fmt.Errorf("%s; it has %s", err, strings.Join(all, ", "))}
		}
		out = append(out, i)
	}
	return out, nil
}

// script is the job that copies the file into the table.
func (c *stateImportCommand) script(v *statedata.View, kind string, columns []int) string {
	var typed, names []string
	for _, i := range columns {
		f := v.Table.Columns[i]
		names = append(names, ident(f.Name))
		typed = append(typed, ident(f.Name)+" "+f.Type.Nullable(true).Name())
	}
	from := map[string]string{"connector": "filesystem", "path": c.File, "format": kind}
	if abs, err := filepath.Abs(c.File); err == nil {
		from["path"] = abs
	}
	if kind == "csv" {
		from["csv.ignore-first-line"], from["csv.null-literal"] = "true", ""
	}
	to := map[string]string{"connector": statedata.Connector, "path": v.Path, "operator": c.Operator, "sink.path": c.Output}
	if c.Table != "" {
		to["table"] = c.Table
	}
	verb := "OVERWRITE"
	if c.Upsert {
		verb = "INTO"
	}
	list := strings.Join(names, ", ")
	return fmt.Sprintf("CREATE TABLE file (%s) WITH (%s);\nCREATE TABLE state WITH (%s);\nINSERT %s state (%s) SELECT %s FROM file;\n",
		strings.Join(typed, ", "), with(from), with(to), verb, list, list)
}

func ident(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func with(options map[string]string) string {
	quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	var out []string
	for _, k := range slices.Sorted(maps.Keys(options)) {
		out = append(out, quoted(k)+" = "+quoted(options[k]))
	}
	return strings.Join(out, ", ")
}

// runBatch runs a script as a batch and returns how many rows its job has written.
func runBatch(w *world, script string) (rows int64, err error) {
	s, err := millrace.Open(millrace.Config{Options: map[string]string{bind.OptMode: "batch", "parallelism.default": "1"}})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	for st, err := range s.Script("", script) {
		if err == nil {
			_, err = s.Execute(ctx, st, nil)
		}
		if err != nil {
			return 0, err
		}
	}
	if err := s.Wait(ctx); err != nil {
		return 0, err
	}
	for _, j := range s.Jobs() {
		rows += j.Status().SinkRows
	}
	return rows, nil
}
