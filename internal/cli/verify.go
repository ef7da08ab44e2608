package cli

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace"
)

type verifyCommand struct {
	scriptFlags
	Set         map[string]string `help:"Options: KEY=VALUE." mapsep:"none"`
	Parallelism int               `help:"Subtasks of each operator."`
	Quiet       bool              `help:"Only the verdict."`
}

// differencesMax is how many differing rows of a result are shown.
const differencesMax = 20

// Run runs a script both ways and says whether the results agree.
func (c *verifyCommand) Run(w *world) error {
	name, text, err := c.text(w)
	if err != nil {
		return err
	}
	cfg, err := (&jobFlags{Set: c.Set, Parallelism: c.Parallelism, Quiet: c.Quiet}).config(w)
	if err != nil {
		return err
	}
	list, err := millrace.Verify(w.ctx, cfg, name, text)
	if err != nil {
		return err
	}
	rows, differ := 0, false
	for _, r := range list {
		rows += r.Rows
		c.show(w, r)
		differ = differ || !r.Agree() && len(r.Undefined) == 0
	}
	if differ {
		fmt.Fprintln(w.out, "differ")
		return errSilent
	}
	fmt.Fprintf(w.out, "agree: %s\n", plural(rows, "row"))
	return nil
}

func (c *verifyCommand) show(w *world, r *millrace.Comparison) {
	if c.Quiet && (r.Agree() || len(r.Undefined) > 0) {
		return
	}
	late := ""
	if r.Late > 0 {
		late = fmt.Sprintf(" (%s dropped by both)", plural(r.Late, "late row"))
	}
	if r.Agree() {
		fmt.Fprintf(w.out, "%s: %s in both%s\n", r.Name, plural(r.Rows, "row"), late)
		return
	}
	fmt.Fprintf(w.out, "%s: %s in both, %d only in the stream, %d only in the batch%s\n", r.Name, plural(r.Rows, "row"), len(r.Stream), len(r.Batch), late)
	for _, u := range r.Undefined {
		fmt.Fprintln(w.out, "  SQL leaves undefined:", u)
	}
	fmt.Fprintln(w.out, "         ", strings.Join(r.Schema.Names(), ","))
	show := func(what string, rows []string) {
		for i, l := range rows {
			if i == differencesMax {
				fmt.Fprintf(w.out, "  %s … and %d more\n", what, len(rows)-i)
				return
			}
			fmt.Fprintf(w.out, "  %s %s\n", what, l)
		}
	}
	show("stream", r.Stream)
	show("batch ", r.Batch)
}
