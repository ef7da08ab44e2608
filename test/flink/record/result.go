package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/test/flink/casefile"
)

// ownModes are the modes that are run: batch=as-stream and stream=as-batch say that
// what Flink gives in that mode depends on chance or is wrong.
func ownModes(c *casefile.Case) []string {
	return slices.DeleteFunc(slices.Clone(c.Modes()), func(m string) bool { return strings.HasPrefix(c.Value(m), "as-") })
}

// addResult puts what Flink gave in a mode into the sections of that mode.
func addResult(c *casefile.Case, mode string, a answer, sections map[string]string) {
	if len(a.errors) > 0 {
		sections[mode+"-error"] = message(a.errors)
		return
	}
	if mode == "batch" {
		rows := make([]string, len(a.changes))
		for i, change := range a.changes {
			_, rows[i], _ = strings.Cut(change, ",")
		}
		if !c.Flag("ordered") {
			slices.Sort(rows)
		}
		sections["batch"] = casefile.Body(rows)
		return
	}
	rows, missing := fold(a.changes)
	if missing > 0 {
		sections["stream-error"] = fmt.Sprintf("BAD CHANGELOG %d", missing)
	}
	sections["stream"] = casefile.Body(rows)
	if c.Flag("changelog") {
		sections["changelog"] = casefile.Body(a.changes)
	}
}

// borrow fills the mode that is not run with the other's rows.
func borrow(c *casefile.Case, sections map[string]string) {
	for mode, other := range map[string]string{"batch": "stream", "stream": "batch"} {
		if rows, ok := sections[other]; ok && c.Value(mode) == "as-"+other {
			sections[mode] = rows
		}
	}
}

// fold applies changes to an empty multiset. It returns the rows, sorted, and how
// many of them were taken away without being there.
func fold(changes []string) (rows []string, missing int) {
	for _, change := range changes {
		kind, row, _ := strings.Cut(change, ",")
		if kind == "+I" || kind == "+U" {
			rows = append(rows, row)
		} else if i := slices.Index(rows, row); i >= 0 {
			rows = slices.Delete(rows, i, i+1)
		} else {
			missing++
		}
	}
	slices.Sort(rows)
	return rows, missing
}

var (
	// noise are the exceptions that say only that something failed.
	noise = regexp.MustCompile(`^(RuntimeException: Failed to fetch next result|IOException: Failed to fetch job execution result|ExecutionException|` +
		`JobExecutionException: Job execution failed|JobException: Recovery is suppressed|TableException: Failed to (wait|execute)|` +
		`FlinkRuntimeException: Failed to|CompletionException)`)
	filePath = regexp.MustCompile(`(/[\w.+-]+){2,}`)
)

// message is the exception of a chain that tells most, in one line without the
// paths of this machine.
func message(chain []string) string {
	telling := slices.DeleteFunc(slices.Clone(chain), noise.MatchString)
	if len(telling) == 0 {
		telling = chain
	}
	top, pick := telling[0], telling[len(telling)-1]
	if _, text, _ := strings.Cut(pick, ": "); strings.Contains(top, text) && len([]rune(top)) < 300 {
		pick = top
	}
	class, text, _ := strings.Cut(pick, ": ")
	if !strings.HasPrefix(text, `\n`) {
		text, _, _ = strings.Cut(text, `\n\n`)
	}
	full := []rune(class + ": " + filePath.ReplaceAllString(text, "PATH"))
	return string(full[:min(len(full), 400)])
}
