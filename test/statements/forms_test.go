package statements_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
	_ "github.com/millrace-io/millrace/internal/cli" // the connectors and formats
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A form is a block of forms.txt.
type form struct {
	name, flink, here, sql string
}

func forms(t *testing.T) []form {
	t.Helper()
	text, err := os.ReadFile("forms.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []form
	for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n")[1:] {
		lines := strings.SplitN(block, "\n", 3)
		f := form{name: lines[0], flink: strings.TrimPrefix(lines[1], "flink: "), sql: lines[2]}
		f.here = f.flink
		if rest, ok := strings.CutPrefix(f.sql, "here: "); ok {
			why, sql, _ := strings.Cut(rest, "\n")
			f.here, _, _ = strings.Cut(why, ":")
			f.sql = sql
		}
		out = append(out, f)
	}
	return out
}

// open returns a session that sees what setup.sql makes, in a folder of its own.
func open(t *testing.T, options map[string]string) *millrace.Session {
	t.Helper()
	setup, err := os.ReadFile("setup.sql")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	s := session(t, options)
	if _, err := run(s, string(setup)); err != nil {
		t.Fatal(err)
	}
	return s
}

func session(t *testing.T, options map[string]string) *millrace.Session {
	t.Helper()
	s, err := millrace.Open(millrace.Config{Defaults: options})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, j := range s.Jobs() {
			j.Cancel()
			<-j.Ended()
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run runs a script and returns the rows of its last listing or query, a line
// each; the first line has the columns' names.
func run(s *millrace.Session, text string) ([]string, error) {
	ctx := context.Background()
	var lines []string
	for st, err := range s.Script("t.sql", text) {
		if err != nil {
			return nil, err
		}
		var rows []string
		add := func(_ types.Schema, b *vec.Batch) error {
			for i := range b.Len() {
				rows = append(rows, row(b, b.Row(i)))
			}
			return nil
		}
		res, err := s.Execute(ctx, st, add)
		if err != nil {
			return nil, err
		}
		for _, b := range res.Rows {
			if err := add(res.Schema, b); err != nil {
				return nil, err
			}
		}
		if res.Job != nil {
			if err := res.Job.Wait(ctx); err != nil {
				return nil, fmt.Errorf("job: %w", err)
			}
		}
		if res.Schema != nil {
			lines = append([]string{strings.Join(res.Schema.Names(), "|")}, rows...)
		}
	}
	return lines, nil
}

func row(b *vec.Batch, r int) string {
	var cells []string
	for _, c := range b.Cols {
		switch c := vec.Flat(c).(type) {
		case *vec.Fixed[int32]:
			cells = append(cells, cell(c.Null(r), c.Vals[r]))
		case *vec.Fixed[int64]:
			cells = append(cells, cell(c.Null(r), c.Vals[r]))
		case *vec.Bytes:
			cells = append(cells, cell(c.Null(r), string(c.At(r))))
		default:
			cells = append(cells, fmt.Sprintf("%T", c))
		}
	}
	return strings.Join(cells, "|")
}

func cell(null bool, v any) string {
	if null {
		return "NULL"
	}
	return fmt.Sprint(v)
}

func TestForms(t *testing.T) {
	list := forms(t)
	if len(list) != 144 {
		t.Errorf("%d forms", len(list))
	}
	for _, f := range list {
		t.Run(f.name, func(t *testing.T) {
			if f.here == "?" {
				t.Skip("other tests cover it")
			}
			_, err := run(open(t, nil), f.sql)
			switch {
			case err == nil && f.here != "ok":
				t.Errorf("accepted:\n%s", f.sql)
			case err != nil && f.here != "refused":
				t.Errorf("%v\n%s", err, f.sql)
			case err != nil:
				t.Log(err)
			}
		})
	}
}
