package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/peterh/liner"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
)

type sqlCommand struct {
	jobFlags
	Init string `short:"i" placeholder:"FILE" help:"Script that runs first."`
}

// A shell reads statements and runs them, one after the other. There are two
// kinds: one for a person at a terminal, with prompt and live results, and one
// that reads a pipe and prints as run does.
type shell struct {
	w      *world
	s      *millrace.Session
	run    *runner
	line   *liner.State // nil: no terminal
	past   *history
	stop   chan os.Signal // Ctrl-C while a statement runs
	ends   []context.CancelFunc
	told   map[string]bool // jobs whose end has been told
	mode   string          // of results: table or changelog
	buffer strings.Builder // lines of a statement that has not ended
}

// errQuit ends the shell.
var errQuit = errors.New("quit")

// Run is the interactive shell, or runs what comes from a pipe.
func (c *sqlCommand) Run(w *world) error {
	cfg, err := c.config(w)
	if err != nil {
		return err
	}
	s, err := millrace.Open(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	sh := &shell{w: w, s: s, told: map[string]bool{}, mode: "table"}
	sh.run = &runner{w: w, s: s, format: "csv", header: true, quiet: c.Quiet}
	if w.outTTY {
		sh.run.format = "table"
	}
	if isTerminal(w.in) && w.outTTY && liner.TerminalSupported() {
		return sh.interactive(c.Init)
	}
	if c.Init != "" {
		if err := sh.source(w.ctx, c.Init); err != nil {
			return quitIsNoError(err)
		}
	}
	return sh.pipe()
}

func quitIsNoError(err error) error {
	if errors.Is(err, errQuit) {
		return nil
	}
	return err
}

// pipe runs the statements that come from a pipe as soon as each is complete. The
// first that fails ends it, as in a script.
func (sh *shell) pipe() error {
	ctx := sh.w.ctx
	stop := sh.run.progress()
	defer stop()
	in := bufio.NewReader(sh.w.in)
	var err error
	for err == nil && ctx.Err() == nil {
		var line string
		line, err = in.ReadString('\n')
		if e := sh.pipeLine(ctx, line, err != nil); e != nil {
			if errors.Is(e, errQuit) {
				err = io.EOF
				break
			}
			for _, j := range sh.s.Jobs() {
				j.Cancel()
			}
			sh.s.Wait(ctx)
			return e
		}
	}
	if !errors.Is(err, io.EOF) && err != nil {
		return err
	}
	return sh.s.Wait(ctx)
}

func (sh *shell) pipeLine(ctx context.Context, line string, last bool) error {
	if strings.TrimSpace(sh.buffer.String()) == "" {
		if c, arg := clientCommand(line); c != nil {
			sh.buffer.Reset()
			return c.do(sh, ctx, arg)
		}
	}
	sh.buffer.WriteString(line)
	text := sh.buffer.String()
	if strings.TrimSpace(text) == "" || !last && !parse.Complete(text) {
		return nil
	}
	sh.buffer.Reset()
	return sh.script(ctx, "stdin", text)
}

// script runs a text's statements, without a terminal's comforts.
func (sh *shell) script(ctx context.Context, name, text string) error {
	for st, err := range sh.s.Script(name, text) {
		if err == nil {
			err = sh.run.statement(ctx, st)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// interactive is the shell at a terminal.
func (sh *shell) interactive(init string) error {
	sh.line = liner.NewLiner()
	defer sh.line.Close()
	sh.line.SetCtrlCAborts(true)
	sh.line.SetMultiLineMode(true)
	sh.line.SetTabCompletionStyle(liner.TabPrints)
	sh.line.SetWordCompleter(sh.complete)
	sh.past = openHistory(sh.line)
	defer sh.past.close()
	sh.stop = make(chan os.Signal, 1)
	signal.Notify(sh.stop, os.Interrupt)
	defer signal.Stop(sh.stop)
	sh.onTerm()
	// Ctrl-C ends a statement, not the shell
	ctx := context.WithoutCancel(sh.w.ctx)
	fmt.Fprintf(sh.w.out, "Millrace %s, Flink SQL. HELP tells more, Ctrl-D leaves.\n", Version)
	if init != "" {
		if err := sh.source(ctx, init); err != nil {
			if errors.Is(err, errQuit) {
				return nil
			}
			sh.complain("", err)
		}
	}
	err := sh.prompts(ctx)
	if n := sh.running(); n > 0 {
		fmt.Fprintf(sh.w.out, "Ending %s.\n", plural(n, "job"))
	}
	for _, end := range sh.ends {
		end()
	}
	sh.s.Wait(ctx)
	sh.endings()
	return err
}

// onTerm leaves the terminal as it was when the process is to end.
func (sh *shell) onTerm() {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-term
		sh.line.Close()
		for _, j := range sh.s.Jobs() {
			j.Cancel()
		}
		sh.s.Wait(context.Background())
		os.Exit(exitFailed)
	}()
}

const (
	prompt     = "millrace> "
	promptMore = "       -> "
)

func (sh *shell) prompts(ctx context.Context) error {
	for {
		sh.endings()
		p := prompt
		if sh.buffer.Len() > 0 {
			p = promptMore
		}
		line, err := sh.line.Prompt(p)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			sh.buffer.Reset()
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(sh.w.out)
			return nil
		case err != nil:
			return err
		}
		if err := sh.typed(ctx, line); err != nil {
			return quitIsNoError(err)
		}
	}
}

// typed takes a line that a person has typed.
func (sh *shell) typed(ctx context.Context, line string) error {
	if sh.buffer.Len() == 0 {
		if strings.TrimSpace(line) == "" {
			return nil
		}
		if c, arg := clientCommand(line); c != nil {
			sh.past.add(line)
			err := c.do(sh, ctx, arg)
			if err != nil && !errors.Is(err, errQuit) {
				sh.complain("", err)
				err = nil
			}
			return err
		}
	}
	sh.buffer.WriteString(line + "\n")
	text := sh.buffer.String()
	if !parse.Complete(text) {
		return nil
	}
	sh.buffer.Reset()
	sh.past.add(text)
	if err := sh.statements(ctx, "", text); errors.Is(err, errQuit) {
		return err
	} else if err != nil {
		sh.complain(text, err)
	}
	return nil
}

// statements runs a text's statements at a terminal.
func (sh *shell) statements(ctx context.Context, name, text string) error {
	for st, err := range sh.s.Script(name, text) {
		if err == nil {
			err = sh.statement(ctx, st)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// statement runs a statement at a terminal. Ctrl-C ends it.
func (sh *shell) statement(ctx context.Context, st millrace.Statement) error {
	if done, err := sh.resultMode(st); done {
		return err
	}
	if c, ok := st.AST.(*ast.Client); ok { // behind another statement on a line, or in a file
		return sh.client(ctx, c)
	}
	for len(sh.stop) > 0 {
		<-sh.stop
	}
	ctx, cancel := context.WithCancelCause(ctx)
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-sh.stop:
			cancel(errInterrupted)
		case <-over:
		}
	}()
	began := time.Now()
	table := newLiveTable(sh.s.Zone())
	rows := table.add
	if sh.mode == "changelog" {
		rows = (&result{r: &runner{w: sh.w, s: sh.s, format: "changelog", header: true}}).batch
	}
	res, err := sh.s.Execute(ctx, st, rows)
	if err != nil {
		cancel(nil)
		return interrupted(ctx, err)
	}
	switch res.Kind {
	case millrace.Query:
		defer cancel(nil)
		return sh.query(ctx, cancel, st, res, table, began)
	case millrace.Insert:
		// the job goes on when the statement has ended
		sh.ends = append(sh.ends, func() { cancel(nil) })
		select {
		case <-res.Job.Ended():
			return nil // endings tells
		default:
			fmt.Fprintf(sh.w.out, "Job %s runs. JOBS lists the jobs.\n", res.Job.ID)
		}
		return nil
	}
	defer cancel(nil)
	return sh.listing(res, table, began)
}

// listing shows the rows of a statement that has no job.
func (sh *shell) listing(res *millrace.Result, table *liveTable, began time.Time) error {
	if res.Kind == millrace.Plan {
		return sh.page(textLines(res))
	}
	if res.Kind == millrace.Done {
		sh.timing("Done", began)
		return nil
	}
	for _, b := range res.Rows {
		if err := table.add(res.Schema, b); err != nil {
			return err
		}
	}
	table.schema = res.Schema
	if err := sh.page(table.render()); err != nil {
		return err
	}
	sh.timing(plural(table.live, "row"), began)
	return nil
}

func (sh *shell) timing(what string, began time.Time) {
	fmt.Fprintf(sh.w.out, "%s%s in %s%s\n", styleFaint, what, took(time.Since(began)), styleNone)
}

func took(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// errInterrupted is why a statement was ended by Ctrl-C.
var errInterrupted = errors.New("cancelled")

// interrupted tells a failure from Ctrl-C.
func interrupted(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errInterrupted) {
		return errInterrupted
	}
	return err
}

// query follows a SELECT to its end.
func (sh *shell) query(ctx context.Context, cancel context.CancelCauseFunc, st millrace.Statement, res *millrace.Result, table *liveTable, began time.Time) error {
	table.setSchema(res.Schema)
	job := res.Job
	select {
	case <-job.Ended():
	case <-ctx.Done():
	case <-time.After(liveAfter):
		switch {
		case sh.mode == "changelog":
		case job.Batch:
			sh.waiting(ctx, job)
		default:
			sh.live(ctx, cancel, st, job, table)
		}
	}
	err := interrupted(ctx, job.Wait(ctx))
	ended := errors.Is(context.Cause(ctx), errInterrupted)
	if err != nil && !ended {
		return err
	}
	what := plural(table.live, "row")
	if sh.mode != "changelog" {
		if err := sh.page(table.render()); err != nil {
			return err
		}
		if table.dropped > 0 {
			what += fmt.Sprintf(" (the first %s are not kept)", grouped(table.dropped))
		}
	} else {
		what = "Done"
	}
	if ended {
		what += ", cancelled"
	}
	sh.timing(what, began)
	return nil
}

// waiting shows how far a job is, on one line, until it ends.
func (sh *shell) waiting(ctx context.Context, job *millrace.Job) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	began, last := time.Now(), int64(0)
	for {
		select {
		case <-job.Ended():
			fmt.Fprint(sh.w.out, "\r\x1b[K")
			return
		case <-ctx.Done():
			fmt.Fprint(sh.w.out, "\r\x1b[K")
			return
		case <-tick.C:
			s := job.Status()
			fmt.Fprintf(sh.w.out, "\r\x1b[K%s rows in (%s/s) · %s · Ctrl-C cancels", grouped(s.SourceRows),
				grouped(int64(float64(s.SourceRows-last)/progressEvery.Seconds())), took(time.Since(began)))
			last = s.SourceRows
		}
	}
}

// running is how many jobs run.
func (sh *shell) running() (n int) {
	for _, j := range sh.s.Jobs() {
		select {
		case <-j.Ended():
		default:
			n++
		}
	}
	return n
}

// endings tells of jobs in the background that have ended.
func (sh *shell) endings() {
	for _, j := range sh.s.Jobs() {
		select {
		case <-j.Ended():
		default:
			continue
		}
		if sh.told[j.ID] || strings.HasSuffix(j.ID, "-select") {
			continue
		}
		sh.told[j.ID] = true
		if err := j.Wait(context.Background()); err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintf(sh.w.out, "%sJob %s failed: %v%s\n", styleRed, j.ID, err, styleNone)
			continue
		}
		fmt.Fprintf(sh.w.out, "Job %s has ended: %s written.\n", j.ID, plural(int(j.Status().SinkRows), "row"))
	}
}
