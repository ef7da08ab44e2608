// Package cli is the command line: a file for each subcommand. It is the only
// place that imports connectors and formats.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	_ "github.com/millrace-io/millrace/connect/blackhole"   // connectors
	_ "github.com/millrace-io/millrace/connect/datagen"     // …
	_ "github.com/millrace-io/millrace/connect/filesystem"  // …
	_ "github.com/millrace-io/millrace/connect/nexmark"     // …
	_ "github.com/millrace-io/millrace/connect/print"       // …
	_ "github.com/millrace-io/millrace/format/canaljson"    // formats
	_ "github.com/millrace-io/millrace/format/csv"          // …
	_ "github.com/millrace-io/millrace/format/debeziumjson" // …
	_ "github.com/millrace-io/millrace/format/json"         // …
	_ "github.com/millrace-io/millrace/format/maxwelljson"  // …
	_ "github.com/millrace-io/millrace/format/parquet"      // …
	_ "github.com/millrace-io/millrace/format/raw"          // …
	"github.com/millrace-io/millrace/internal/base"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // a job failed, or two results differ
	exitUsage  = 2 // the script or the flags are wrong
)

// Version is the program's version.
const Version = "0.1.0"

type commands struct {
	CPUProfile string `name:"cpu-profile" type:"path" placeholder:"FILE" help:"Write a CPU profile, for go tool pprof."`
	MemProfile string `name:"mem-profile" type:"path" placeholder:"FILE" help:"Write a profile of allocations at the end."`

	Run       runCommand       `cmd:"" help:"Run a script of Flink SQL."`
	SQL       sqlCommand       `cmd:"" name:"sql" help:"Interactive shell."`
	Explain   explainCommand   `cmd:"" help:"Show the plans of a script; nothing runs."`
	Diff      diffCommand      `cmd:"" help:"Say what becomes of the state when a job's script changes."`
	Verify    verifyCommand    `cmd:"" help:"Run a script as a stream and as a batch, and compare."`
	Test      testCommand      `cmd:"" help:"Run files of tests for SQL."`
	Savepoint savepointCommand `cmd:"" help:"Make a savepoint of a job."`
	Stop      stopCommand      `cmd:"" help:"End a job with a savepoint."`
	Cancel    cancelCommand    `cmd:"" help:"End a job after a last checkpoint."`
	List      listCommand      `cmd:"" aliases:"jobs" help:"List the jobs of a folder for checkpoints."`
	State     stateCommand     `cmd:"" help:"Look into the state of a checkpoint, savepoint or job, and change it in a new savepoint."`
	Nexmark   nexmarkCommand   `cmd:"" help:"The built-in benchmark."`
	Demo      demoCommand      `cmd:"" help:"An online shop: one SQL script as a stream and as a batch, surviving kill -9."`
	Version   versionCommand   `cmd:"" help:"Show the version."`
}

// world is what a command may touch.
type world struct {
	ctx    context.Context
	in     *os.File
	out    io.Writer
	err    io.Writer
	outTTY bool
	errTTY bool
}

// usageError marks an error of flags or files that the user named.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// errSilent ends a command that has said all there is to say.
var errSilent = errors.New("")

// Main runs the program and returns its exit status.
func Main(args []string, in, out, errw *os.File) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the process at once
	}()
	w := &world{ctx: ctx, in: in, out: out, err: errw, outTTY: isTerminal(out), errTTY: isTerminal(errw)}
	var c commands
	parser, err := kong.New(&c, kong.Name("millrace"), kong.Description("Flink SQL on streams and batches, in one binary."),
		kong.Writers(out, errw), kong.Bind(w), kong.Exit(func(code int) { os.Exit(code) }), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(errw, "millrace:", err)
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(errw, "millrace:", err)
		return exitUsage
	}
	stopProfile, err := profile(c.CPUProfile, c.MemProfile)
	if err != nil {
		return status(usageError{err}, errw)
	}
	defer stopProfile()
	return status(k.Run(w), errw)
}

func status(err error, errw io.Writer) int {
	var u usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSilent):
		return exitFailed
	}
	fmt.Fprintln(errw, "millrace:", err)
	if errors.As(err, &u) || base.IsUser(err) {
		return exitUsage
	}
	return exitFailed
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && f.Name() != os.DevNull && isTTY(f.Fd())
}

type versionCommand struct{}

// Run shows the version.
func (versionCommand) Run(w *world) error {
	fmt.Fprintln(w.out, "millrace", Version)
	return nil
}
