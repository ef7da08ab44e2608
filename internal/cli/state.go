package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/statedata"
)

type stateCommand struct {
	Ls     stateLsCommand     `cmd:"" help:"List the operators and sources of a checkpoint."`
	Show   stateShowCommand   `cmd:"" help:"Show a table of an operator's state."`
	Export stateExportCommand `cmd:"" help:"Write a table of an operator's state to a file."`
	Import stateImportCommand `cmd:"" help:"Make a savepoint in which a table has the rows of a file."`
}

// stateFlags name a checkpoint.
type stateFlags struct {
	From string `arg:"" name:"checkpoint" help:"A checkpoint chk-N.json, a savepoint, or a job: its folder, or its id or pipeline.name with --checkpoint-dir."`
	folderFlags
}

// path is the path of what is meant: of a job the newest checkpoint counts.
func (f *stateFlags) path() (string, error) {
	if _, ok := checkpoint.EpochOf(f.From); ok {
		return f.From, nil
	}
	_, err := local.New("").Stat(strings.TrimPrefix(f.From, "file://"))
	if err == nil {
		return f.From, nil
	}
	root, err := f.folder()
	if err != nil || root == "" {
		return f.From, err
	}
	j, err := (&jobFlag{Job: f.From, folderFlags: f.folderFlags}).find()
	if err != nil {
		return "", err
	}
	return j.Dir, nil
}

// wrongName makes an error that the user's words are the cause of one of usage.
func wrongName(err error) error {
	var name *statedata.NameError
	if errors.Is(err, checkpoint.ErrNoCheckpoint) || errors.Is(err, checkpoint.ErrNoPlan) || errors.As(err, &name) {
		return usageError{err}
	}
	return err
}

type stateLsCommand struct {
	stateFlags
}

// Run lists what a checkpoint has.
func (c *stateLsCommand) Run(w *world) error {
	path, err := c.path()
	if err != nil {
		return err
	}
	cp, err := statedata.Open(local.New(""), path, func(line string) { fmt.Fprintln(w.err, line) })
	if err != nil {
		return wrongName(err)
	}
	l := lister{w: w, cp: cp}
	l.head()
	if err := l.operators(); err != nil {
		return err
	}
	l.sources()
	l.prepared()
	return nil
}

// A lister shows what a checkpoint has.
type lister struct {
	w  *world
	cp *statedata.Checkpoint
}

func (l *lister) printf(format string, args ...any) { fmt.Fprintf(l.w.out, format, args...) }

func (l *lister) head() {
	m := l.cp.Manifest
	what := fmt.Sprintf("Checkpoint %d", m.Epoch)
	if l.cp.IsSavepoint() {
		what = "Savepoint"
	}
	l.printf("%s of job %s: %s\n", what, m.Job, l.cp.Path)
	var bytes int64
	for _, o := range l.cp.Operators {
		bytes += o.Bytes()
	}
	taken := ""
	if info, err := l.cp.FS.Stat(l.cp.Path); err == nil {
		taken = ", taken " + info.ModTime.Format(time.DateTime)
	}
	l.printf("%s in %d key groups%s\n", size(bytes), m.Groups, taken)
	switch {
	case m.Finished:
		l.printf("The job has finished: nothing is left but its name\n")
	case m.Ended:
		l.printf("The job's input has ended: what is left is to commit what its sinks have prepared\n")
	case m.Initial():
		l.printf("It is the one before the first row\n")
	}
}

func (l *lister) operators() error {
	if len(l.cp.Operators) == 0 {
		l.printf("\nNo operator of the job keeps state\n")
	}
	for _, o := range l.cp.Operators {
		l.printf("\n%s  %s\n", o.ID, o.Name)
		l.printf("  %s: %s in %s of %s%s%s\n", o.Kind, size(o.Bytes()), plural(fileCount(o), "file"), plural(len(o.Handles), "subtask"), ttlOf(o), l.mark(o.ID))
		if o.Opaque != nil {
			l.printf("  it cannot be shown: %v\n", o.Opaque)
			continue
		}
		entries, err := o.Entries(l.cp)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(l.w.out, 0, 8, 2, ' ', 0)
		for _, t := range o.Tables {
			fmt.Fprintf(out, "  %s\tat most %s\t%s\n", t.Name, count(entries[t], "row"), strings.Join(t.Columns.Names(), ", "))
		}
		out.Flush()
	}
	return nil
}

func fileCount(o *statedata.Operator) int {
	names := map[string]bool{}
	for _, h := range o.Handles {
		for _, f := range h.Files {
			names[f.Name] = true
		}
	}
	return len(names)
}

func ttlOf(o *statedata.Operator) string {
	var out []string
	for _, s := range o.TTL {
		out = append(out, fmt.Sprintf("%s %v", s.Name, time.Duration(*s.TTLMs)*time.Millisecond))
	}
	if len(out) == 0 {
		return ""
	}
	return ", time to live: " + strings.Join(out, ", ")
}

// mark is the watermark of a vertex, by the id of its first operator.
func (l *lister) mark(id string) string {
	t, ok := l.cp.Manifest.Marks[id]
	switch {
	case !ok:
		return ""
	case t == math.MinInt64:
		return ", no watermark yet"
	case t == math.MaxInt64:
		return ", its input has ended"
	}
	return ", watermark " + time.UnixMicro(t).UTC().Format("2006-01-02 15:04:05.000")
}

// sources shows the tables that are read, with the splits that are being read.
func (l *lister) sources() {
	for _, v := range l.cp.Graph.Vertices {
		if v.Source == nil {
			continue
		}
		s, ok := l.cp.Manifest.Sources[v.Source.ID]
		if !ok {
			continue
		}
		l.printf("\n%s  source %s\n", v.Source.ID, v.Source.Table.Name)
		l.printf("  %s: %s%s\n", v.Source.Connector, plural(len(s.Splits), "unfinished split"), l.mark(v.Source.ID))
		for i, split := range s.Splits {
			if i == splitsShown {
				l.printf("  … %d more\n", len(s.Splits)-i)
				break
			}
			l.printf("  %s at %s\n", split.ID, position(split.Pos))
		}
	}
}

// splitsShown is how many splits of a source are listed, positionShown how much of a
// position.
const (
	splitsShown   = 20
	positionShown = 80
)

// position shows what a connector notes as a position, which is its own.
func position(pos []byte) string {
	for _, b := range pos {
		if b < ' ' || b > '~' {
			return fmt.Sprintf("0x%.*x", positionShown, pos)
		}
	}
	return fmt.Sprintf("%.*s", positionShown, pos)
}

// prepared shows what sinks have prepared and nobody has committed yet, as far as the
// checkpoint knows.
func (l *lister) prepared() {
	for _, v := range l.cp.Graph.Vertices {
		for _, op := range v.Ops {
			tokens := l.cp.Manifest.Prepared[op.ID]
			sink, ok := op.Spec.(*jobgraph.Sink)
			if ok && len(tokens) > 0 {
				l.printf("\n%s  sink %s\n  %s: %s that the checkpoint commits\n", op.ID, sink.Table.Name, sink.Connector, plural(len(tokens), "write"))
			}
		}
	}
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n < 10<<10:
		return count(n, "byte")
	case n < 10<<20:
		return count(n>>10, "") + " KB"
	case n < 10<<30:
		return count(n>>20, "") + " MB"
	}
	return count(n>>30, "") + " GB"
}

// count writes a number with its thousands apart, and what is counted.
func count(n int64, what string) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	switch {
	case what == "":
		return digits
	case n == 1:
		return digits + " " + what
	}
	return digits + " " + what + "s"
}

// tableFlags name a table of an operator.
type tableFlags struct {
	stateFlags
	Operator string `arg:"" help:"The operator: its id, or a part of its name that no other one has."`
	Table    string `arg:"" optional:"" help:"The table, where the operator has several; state ls lists them."`
}

// pin opens the table.
func (f *tableFlags) pin() (*statedata.View, error) {
	path, err := f.path()
	if err != nil {
		return nil, err
	}
	v, err := statedata.Pin(local.New(""), path, f.Operator, f.Table)
	return v, wrongName(err)
}
