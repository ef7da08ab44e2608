package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/cluster"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/vec"
)

// scriptFlags say which text a command works on.
type scriptFlags struct {
	Path   string `arg:"" optional:"" name:"file" help:"Script file; - is standard input."`
	File   string `short:"f" help:"Script file."`
	Inline string `short:"e" name:"execute" help:"Script text."`
}

// text returns the script and its name for errors.
func (f *scriptFlags) text(w *world) (name, text string, err error) {
	given := 0
	for _, s := range []string{f.Path, f.File, f.Inline} {
		if s != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return "", "", usageError{errors.New("give one script: FILE, -f FILE or -e SQL")}
	case f.Inline != "":
		return "-e", f.Inline, nil
	case given == 0:
		return "", "", usageError{errors.New("no script: give FILE, -f FILE or -e SQL")}
	}
	if name = f.Path + f.File; name == "-" {
		data, err := io.ReadAll(w.in)
		return "stdin", string(data), err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", "", usageError{err}
	}
	return name, string(data), nil
}

// jobFlags steer how jobs run.
type jobFlags struct {
	Mode                  string            `enum:"streaming,batch," default:"" help:"streaming or batch."`
	Set                   map[string]string `help:"Options: KEY=VALUE, as SET has them; they win over SET." mapsep:"none"`
	Parallelism           int               `help:"Subtasks of each operator; the number of cores by default."`
	CheckpointDir         string            `help:"Folder for checkpoints."`
	Restore               string            `help:"Start from a savepoint or checkpoint: its path, or latest."`
	ClaimMode             string            `enum:"NO_CLAIM,CLAIM,LEGACY," default:"" help:"Whose that is then: NO_CLAIM copies it, CLAIM moves it into the job's folder."`
	AllowNonRestoredState bool              `help:"Leave out state of operators that the job does not have."`
	Quiet                 bool              `help:"Only errors on standard error."`
}

func (f *jobFlags) config(w *world) (millrace.Config, error) {
	cfg := millrace.Config{Options: maps.Clone(f.Set), CheckpointDir: f.CheckpointDir, Restore: f.Restore, Control: true}
	if cfg.Options == nil {
		cfg.Options = map[string]string{}
	}
	if f.Mode != "" {
		cfg.Options[bind.OptMode] = f.Mode
	}
	if f.ClaimMode != "" {
		cfg.Options["execution.state-recovery.claim-mode"] = f.ClaimMode
	}
	if f.AllowNonRestoredState {
		cfg.Options["execution.state-recovery.ignore-unclaimed-state"] = "true"
	}
	if f.Parallelism < 0 {
		return cfg, usageError{fmt.Errorf("--parallelism %d: it must be positive", f.Parallelism)}
	}
	if f.Parallelism > 0 {
		cfg.Options["parallelism.default"] = strconv.Itoa(f.Parallelism)
	}
	if !f.Quiet {
		cfg.Log = func(line string) { fmt.Fprintln(w.err, line) }
	}
	var err error
	cfg.Defaults, err = configFile()
	return cfg, err
}

// configFile reads millrace.yaml in the current folder or the user's configuration
// folder: option keys with values, flat or nested.
func configFile() (map[string]string, error) {
	names := []string{"millrace.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		names = append(names, filepath.Join(dir, "millrace", "millrace.yaml"))
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, usageError{err}
		}
		var tree map[string]any
		if err := yaml.Unmarshal(data, &tree); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", name, err)}
		}
		out := map[string]string{}
		flatten("", tree, out)
		return out, nil
	}
	return nil, nil
}

func flatten(prefix string, tree map[string]any, out map[string]string) {
	for k, v := range tree {
		if sub, ok := v.(map[string]any); ok {
			flatten(prefix+k+".", sub, out)
			continue
		}
		out[bind.NameOfOption(prefix+k)] = fmt.Sprint(v)
	}
}

type runCommand struct {
	scriptFlags
	jobFlags
	Format   string `enum:"table,csv,json,changelog," default:"" help:"table, csv, json or changelog; table on a terminal, csv elsewhere."`
	NoHeader bool   `help:"No header line."`
	Verbose  bool   `help:"Say in the end, on standard error, what state each operator keeps."`
	// ProgressJSON is for programs that watch a run, as demo does: how often it is told.
	ProgressJSON time.Duration `name:"progress-json" hidden:""`
}

// Run runs a script.
func (c *runCommand) Run(w *world) error {
	name, text, err := c.text(w)
	if err != nil {
		return err
	}
	cfg, err := c.config(w)
	if err != nil {
		return err
	}
	s, err := millrace.Open(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	r := &runner{w: w, s: s, format: c.Format, header: !c.NoHeader, quiet: c.Quiet, watched: c.ProgressJSON, verbose: c.Verbose}
	if r.format == "" {
		if r.format = "csv"; w.outTTY {
			r.format = "table"
		}
	}
	return r.script(w.ctx, name, text)
}

// A runner executes the statements of a script and shows their results.
type runner struct {
	w       *world
	s       *millrace.Session
	format  string
	header  bool
	quiet   bool
	verbose bool
	watched time.Duration // how often progress is written as a line of JSON; 0: never
	sources int           // scripts that have called each other by SOURCE
	printed bool          // a result is out: the next is preceded by an empty line
}

func (r *runner) script(ctx context.Context, name, text string) error {
	stop := r.progress()
	defer func() {
		stop()
		r.lateRows()
		r.state()
	}()
	if err := r.statements(ctx, name, text); err != nil && !errors.Is(err, errQuit) {
		for _, j := range r.s.Jobs() {
			j.Cancel()
		}
		r.s.Wait(ctx)
		return err
	}
	return r.s.Wait(ctx)
}

// statements executes a text's statements; errQuit says that one of them was QUIT.
func (r *runner) statements(ctx context.Context, name, text string) error {
	for st, err := range r.s.Script(name, text) {
		if err == nil && ctx.Err() == nil {
			err = r.statement(ctx, st)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sourcesMax is how deep scripts may call each other by SOURCE.
const sourcesMax = 20

// client carries out the client's commands in a script.
func (r *runner) client(ctx context.Context, c *ast.Client) error {
	switch c.Kind {
	case ast.ClientQuit:
		return errQuit
	case ast.ClientClear:
		if r.w.outTTY {
			fmt.Fprint(r.w.out, clearScreen)
		}
		return nil
	case ast.ClientSource:
		data, err := os.ReadFile(c.Arg)
		if err != nil {
			return usageError{err}
		}
		if r.sources++; r.sources > sourcesMax {
			return usageError{fmt.Errorf("SOURCE '%s': scripts call each other more than %d deep", c.Arg, sourcesMax)}
		}
		defer func() { r.sources-- }()
		return r.statements(ctx, c.Arg, string(data))
	}
	return help(r.w.out)
}

// lateRows says on standard error how many rows came too late for their windows.
func (r *runner) lateRows() {
	var late int64
	for _, j := range r.s.Jobs() {
		late += j.Status().LateDropped
	}
	if late > 0 && !r.quiet && r.watched == 0 {
		fmt.Fprintf(r.w.err, "%s, not in the results: they came behind the watermark\n", plural(int(late), "late row"))
	}
}

// state says on standard error what state the operators keep.
func (r *runner) state() {
	if !r.verbose {
		return
	}
	for _, j := range r.s.Jobs() {
		lines := stateLines(j.Status())
		if len(lines) > 0 {
			fmt.Fprintf(r.w.err, "%s keeps:\n%s\n", j.ID, strings.Join(lines, "\n"))
		}
	}
}

// stateLines tells what state the operators of a job keep, a line each.
func stateLines(s cluster.Status) (out []string) {
	for _, o := range s.Operators {
		parts := []string{size(o.Memory) + " in memory"}
		if o.Files > 0 {
			parts = append(parts, size(o.Files)+" in files")
		}
		if o.Entries > 0 {
			parts = append(parts, "about "+grouped(o.Entries)+" entries")
		}
		out = append(out, fmt.Sprintf("  %s %s: %s", o.ID, o.Name, strings.Join(parts, ", ")))
	}
	return out
}

// statement executes one statement; a SELECT to its end.
func (r *runner) statement(ctx context.Context, st millrace.Statement) error {
	if c, ok := st.AST.(*ast.Client); ok {
		return r.client(ctx, c)
	}
	out := &result{r: r}
	res, err := r.s.Execute(ctx, st, out.batch)
	if err != nil {
		return err
	}
	switch res.Kind {
	case millrace.Plan:
		return r.text(res)
	case millrace.Listing:
		for _, b := range res.Rows {
			if err := out.batch(res.Schema, b); err != nil {
				return err
			}
		}
		return out.end(res.Schema)
	case millrace.Query:
		if err := res.Job.Wait(ctx); err != nil {
			return err
		}
		return out.end(res.Schema)
	}
	return nil
}

func (r *runner) text(res *millrace.Result) error {
	r.separate()
	for _, b := range res.Rows {
		for i := range b.Rows {
			fmt.Fprintln(r.w.out, strings.TrimRight(string(b.Cols[0].(*vec.Bytes).At(i)), "\n"))
		}
	}
	return nil
}

func (r *runner) separate() {
	if r.printed {
		fmt.Fprintln(r.w.out)
	}
	r.printed = true
}
