package main

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/bench/flink"
)

//go:embed Recorder.java
var recorderSource []byte

// opened are the packages of Java's that Flink reaches into.
var opened = []string{"java.lang", "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.net", "java.io", "java.time", "java.text", "sun.net.util"}

// A program is one run of a case.
type program struct {
	recording, run int
	mode           string
	statements     []string
}

// An answer is what Flink gave for a program.
type answer struct {
	changes []string // KIND,CELLS
	errors  []string // CLASS: MESSAGE, outermost first
}

// runAll runs all cases, runs times each, in one Flink.
func runAll(ctx context.Context, dist flink.Dist, cases []recording, runs, atOnce int) error {
	work, err := os.MkdirTemp("", "record-flink-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	programs, err := allPrograms(cases, runs, work)
	if err != nil {
		return err
	}
	answers, err := ask(ctx, dist, programs, work, atOnce)
	if err != nil {
		return err
	}
	for i, p := range programs {
		r := &cases[p.recording]
		for len(r.runs) <= p.run {
			r.runs = append(r.runs, map[string]string{})
		}
		addResult(r.Case, p.mode, answers[i], r.runs[p.run])
	}
	for i := range cases {
		for _, run := range cases[i].runs {
			borrow(cases[i].Case, run)
		}
	}
	return nil
}

func allPrograms(cases []recording, runs int, work string) ([]program, error) {
	var out []program
	for run := range runs {
		for i, r := range cases {
			data, err := filepath.Abs(filepath.Join(filepath.Dir(r.file), "data"))
			if err != nil {
				return nil, err
			}
			for _, mode := range ownModes(r.Case) {
				sink := filepath.Join(work, "sink", strconv.Itoa(len(out)))
				if err := os.MkdirAll(sink, 0o755); err != nil {
					return nil, err
				}
				out = append(out, program{i, run, mode, r.Statements(data, sink)})
			}
		}
	}
	return out, nil
}

// ask runs programs in one Java process.
func ask(ctx context.Context, dist flink.Dist, programs []program, work string, atOnce int) ([]answer, error) {
	source, log := filepath.Join(work, "Recorder.java"), filepath.Join(work, "log4j2.properties")
	if err := os.WriteFile(source, recorderSource, 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(log, []byte("rootLogger.level = OFF\n"), 0o644); err != nil {
		return nil, err
	}
	args := []string{"-Xmx1400m", "-XX:+UseSerialGC", "-Dlog4j.configurationFile=" + log, "-Djava.io.tmpdir=" + work}
	for _, p := range opened {
		args = append(args, "--add-opens", "java.base/"+p+"=ALL-UNNAMED")
	}
	args = append(args, "-cp", filepath.Join(dist.Home, "lib", "*"), source, strconv.Itoa(atOnce))
	cmd := exec.CommandContext(ctx, "java", args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Java, which has to be a JDK of version 17: %w", err)
	}
	go send(in, programs)
	answers, err := receive(out, len(programs))
	if waited := cmd.Wait(); err == nil && waited != nil {
		err = waited
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, stderr.String())
	}
	return answers, nil
}

var (
	escape   = strings.NewReplacer(`\`, `\\`, "\r", `\r`, "\n", `\n`)
	unescape = strings.NewReplacer(`\\`, `\`, `\r`, "\r", `\n`, "\n")
)

// send writes all requests. When Java has ended there is nobody to read them, which
// is seen where the answers are missing.
func send(in io.WriteCloser, programs []program) {
	w := bufio.NewWriter(in)
	for i, p := range programs {
		fmt.Fprintf(w, "run %d %s\n", i, p.mode)
		for _, s := range p.statements {
			fmt.Fprintln(w, escape.Replace(s))
		}
		fmt.Fprintln(w, "go")
	}
	w.Flush()
	in.Close()
}

func receive(out io.Reader, n int) ([]answer, error) {
	answers := make([]answer, n)
	var a *answer
	done := 0
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF && done == n {
			return answers, nil
		}
		if err == io.EOF {
			return nil, fmt.Errorf("the Java process ended after %d of %d programs", done, n)
		}
		if err != nil {
			return nil, err
		}
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch kind {
		case "begin":
			i, err := strconv.Atoi(rest)
			if err != nil || i >= n {
				return nil, fmt.Errorf("unexpected answer %q", line)
			}
			a = &answers[i]
		case "row":
			a.changes = append(a.changes, unescape.Replace(rest))
		case "error":
			a.errors = append(a.errors, rest)
		case "end":
			if done++; done%20 == 0 {
				fmt.Fprintf(os.Stderr, "%d of %d\n", done, n)
			}
		}
	}
}
