package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/peterh/liner"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/vec"
)

// A client command is a line that the shell itself understands.
type command struct {
	name, arg string
	help      string
	do        func(sh *shell, ctx context.Context, arg string) error
}

var clientCommands []*command

func init() {
	clientCommands = []*command{
		{name: "HELP", help: "this text", do: (*shell).help},
		{name: "SOURCE", arg: "FILE", help: "runs the statements of a file", do: (*shell).source},
		{name: "JOBS", help: "lists the jobs of this session", do: (*shell).jobs},
		{name: "CANCEL", arg: "JOB", help: "ends a job, after a last checkpoint if it takes any", do: (*shell).cancelJob},
		{name: "CLEAR", help: "clears the screen", do: (*shell).clear},
		{name: "QUIT", help: "leaves; so do EXIT and Ctrl-D", do: func(*shell, context.Context, string) error { return errQuit }},
		{name: "EXIT", do: func(*shell, context.Context, string) error { return errQuit }},
	}
}

// clientCommand finds the command that a line is, and its argument.
func clientCommand(line string) (*command, string) {
	line = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), ";"))
	word, arg, _ := strings.Cut(line, " ")
	for _, c := range clientCommands {
		if strings.EqualFold(c.name, word) && (arg == "") == (c.arg == "") {
			return c, strings.Trim(strings.TrimSpace(arg), "'\"")
		}
	}
	return nil, ""
}

func (sh *shell) help(context.Context, string) error { return help(sh.w.out) }

func help(w io.Writer) error {
	fmt.Fprintln(w, "Statements of Flink SQL end with a semicolon and may have several lines.")
	for _, c := range clientCommands {
		if c.help != "" {
			fmt.Fprintf(w, "  %-12s %s\n", strings.TrimSpace(c.name+" "+c.arg), c.help)
		}
	}
	_, err := fmt.Fprint(w, `  SET; SET 'key' = 'value'; RESET 'key'; options, such as 'execution.runtime-mode' (streaming, batch)
               and 'sql-client.execution.result-mode' (table, changelog)
  SHOW TABLES; DESCRIBE t; EXPLAIN …; look at what there is
Keys: Tab completes, arrows and Ctrl-R find earlier statements, Ctrl-C ends a statement, q a live result.
`)
	return err
}

// source runs the statements of a file.
func (sh *shell) source(ctx context.Context, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return usageError{err}
	}
	if sh.line == nil {
		return sh.script(ctx, name, string(data))
	}
	if err := sh.statements(ctx, name, string(data)); errors.Is(err, errQuit) {
		return err
	} else if err != nil {
		sh.complain(string(data), err)
	}
	return nil
}

// client carries out a command that was read as a statement.
func (sh *shell) client(ctx context.Context, c *ast.Client) error {
	switch c.Kind {
	case ast.ClientQuit:
		return errQuit
	case ast.ClientClear:
		return sh.clear(ctx, "")
	case ast.ClientSource:
		return sh.source(ctx, c.Arg)
	}
	return sh.help(ctx, "")
}

func (sh *shell) jobs(context.Context, string) error {
	n := 0
	for _, j := range sh.s.Jobs() {
		if strings.HasSuffix(j.ID, "-select") {
			continue
		}
		n++
		s, state := j.Status(), "runs"
		select {
		case <-j.Ended():
			if state = "has ended"; j.Wait(context.Background()) != nil {
				state = "has failed"
			}
		default:
		}
		fmt.Fprintf(sh.w.out, "%s %s: %s in, %s out, %s\n", j.ID, state, grouped(s.SourceRows), grouped(s.SinkRows), plural(s.Checkpoints, "checkpoint"))
		for _, line := range stateLines(s) {
			fmt.Fprintln(sh.w.out, line)
		}
	}
	if n == 0 {
		fmt.Fprintln(sh.w.out, "There are no jobs; INSERT starts one.")
	}
	return nil
}

func (sh *shell) cancelJob(_ context.Context, id string) error {
	for _, j := range sh.s.Jobs() {
		if number, _, _ := strings.Cut(j.ID, "-"); j.ID == id || number == id {
			j.Cancel()
			<-j.Ended()
			return nil
		}
	}
	return fmt.Errorf("there is no job '%s'; JOBS lists them", id)
}

const clearScreen = "\x1b[H\x1b[2J"

func (sh *shell) clear(context.Context, string) error {
	_, err := io.WriteString(sh.w.out, clearScreen)
	return err
}

// resultMode takes SET and RESET of the option that is the shell's own.
func (sh *shell) resultMode(st millrace.Statement) (done bool, err error) {
	const key = "sql-client.execution.result-mode"
	switch a := st.AST.(type) {
	case *ast.Reset:
		if a.All || a.Key == key {
			sh.mode = "table"
		}
		return a.Key == key, nil
	case *ast.Set:
		if a.Key != key {
			return false, nil
		}
		switch mode := strings.ToLower(a.Value); mode {
		case "table", "tableau":
			sh.mode = "table"
		case "changelog":
			sh.mode = mode
		default:
			return true, fmt.Errorf("'%s' is not table or changelog", a.Value)
		}
		return true, nil
	}
	return false, nil
}

// complain shows an error, with the place in the text if it has one.
func (sh *shell) complain(text string, err error) {
	if errors.Is(err, errInterrupted) {
		fmt.Fprintln(sh.w.out, "Cancelled.")
		return
	}
	var u *base.Error
	if errors.As(err, &u) && text != "" {
		if line, caret, ok := underline(text, u.Pos.Line, u.Pos.Col); ok {
			fmt.Fprintf(sh.w.out, "%s\n%s%s%s\n", line, styleRed, caret, styleNone)
		}
	}
	fmt.Fprintf(sh.w.out, "%s%v%s\n", styleRed, err, styleNone)
}

// underline returns a line of a text, and what goes below it to point at the word
// at a column, both 1-based; columns are characters.
func underline(text string, line, col int) (source, caret string, ok bool) {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) || col < 1 {
		return "", "", false
	}
	source = strings.TrimRight(lines[line-1], "\r")
	runes := []rune(source)
	if col > len(runes)+1 {
		return "", "", false
	}
	var out strings.Builder
	for _, r := range runes[:col-1] {
		if r == '\t' {
			out.WriteByte('\t')
		} else {
			out.WriteByte(' ')
		}
	}
	n := 0
	for _, r := range runes[col-1:] {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' {
			break
		}
		n++
	}
	out.WriteString(strings.Repeat("^", max(n, 1)))
	return source, out.String(), true
}

func textLines(res *millrace.Result) []string {
	var out []string
	for _, b := range res.Rows {
		for i := range b.Rows {
			out = append(out, strings.Split(strings.TrimRight(string(b.Cols[0].(*vec.Bytes).At(i)), "\n"), "\n")...)
		}
	}
	return out
}

// history is the file of earlier statements, one a line.
type history struct {
	line *liner.State
	file *os.File
	last string
}

// openHistory reads the history. Without a file to write to there is none after
// this session.
func openHistory(line *liner.State) *history {
	h := &history{line: line}
	name, err := historyFile()
	if err != nil || os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return h
	}
	if f, err := os.Open(name); err == nil {
		line.ReadHistory(f)
		f.Close()
	}
	if f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		h.file = f
	}
	return h
}

// historyFile is in the folder that the XDG base directory specification has for
// such things.
func historyFile() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "millrace", "history"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "millrace", "history"), err
}

// add notes a statement. One of several lines becomes one line.
func (h *history) add(text string) {
	text = oneLine(text)
	if text == "" || text == h.last || !utf8.ValidString(text) {
		return
	}
	h.last = text
	h.line.AppendHistory(text)
	if h.file != nil {
		fmt.Fprintln(h.file, text)
	}
}

func (h *history) close() {
	if h.file != nil {
		h.file.Close()
	}
}

// tokens are what line ends and comments may stand between: strings, quoted names
// and comments are matched whole.
var tokens = regexp.MustCompile("(?s)'(?:[^']|'')*'|`[^`]*`|\"[^\"]*\"|--[^\n]*|/\\*.*?\\*/|\\s+")

// oneLine writes a text on one line, without comments to the end of a line.
func oneLine(text string) string {
	text = tokens.ReplaceAllStringFunc(text, func(t string) string {
		switch t[0] {
		case '\'', '`', '"':
			return t
		case '/':
			if !strings.Contains(t, "\n") {
				return t
			}
		}
		return " "
	})
	text = strings.TrimSpace(regexp.MustCompile(` +;`).ReplaceAllString(text, ";"))
	return strings.ReplaceAll(text, "\n", " ") // in a string
}
