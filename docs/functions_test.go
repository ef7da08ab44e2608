package docs_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/internal/testkit"
)

// sales is the view that the examples of aggregate and window functions read; the
// page shows the same text.
const sales = `CREATE VIEW sales AS
SELECT *, BITMAP_BUILD(ARRAY[user_id, n]) AS visitors FROM (VALUES
  (7, 'ann', 'pen', 'red',  '/a', 4.50, 1, 1.0E0, 10, TIMESTAMP '2026-03-01 10:00:00'),
  (8, 'bob', 'ink', 'blue', '/b', 2.00, 2, 2.0E0, 20, TIMESTAMP '2026-03-01 10:05:00'),
  (7, 'ann', 'pen', 'red',  '/c', 6.00, 3, 4.0E0, 40, TIMESTAMP '2026-03-01 10:10:00')
) AS t(user_id, name, item, tag, url, price, n, x, latency, ts);`

// functions writes the functions of a category with what their examples give, which
// runs all of them.
func functions(category string) (string, error) {
	out := "| function | | example | gives |\n|---|---|---|---|\n"
	found := false
	for _, f := range bind.Functions() {
		if f.Category != category {
			continue
		}
		found = true
		gives, err := gives(f)
		if err != nil {
			return "", fmt.Errorf("%s: the example %s: %w", f.Name, f.Example, err)
		}
		meaning := f.Meaning
		if len(f.Aliases) > 0 {
			meaning += "; also " + strings.Join(f.Aliases, ", ")
		}
		out += fmt.Sprintf("| %s | %s | %s | %s |\n", code(f.Signature), cell(meaning), code(f.Example), code(gives))
	}
	if !found {
		return "", fmt.Errorf("no function is of category %s", category)
	}
	return out, nil
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func code(s string) string {
	if s == "" {
		return ""
	}
	if strings.Contains(s, "`") {
		return "`` " + cell(s) + " ``"
	}
	return "`" + cell(s) + "`"
}

// gives runs an example; "" for one whose value is another each time.
func gives(f bind.Function) (string, error) {
	switch f.Kind {
	case "scalar":
		text, _, _, err := f.Result(&fn.Env{Zone: time.UTC})
		return text, err
	case "aggregate":
		if strings.HasPrefix(f.Name, "GROUP") {
			return "", nil
		}
		return query("SELECT " + f.Example + " FROM sales")
	case "window":
		return query("SELECT " + f.Example + " FROM sales ORDER BY price")
	}
	return "", nil
}

// query returns the first cell of each row.
func query(text string) (string, error) {
	changes, err := testkit.Script{File: "example.sql", Text: sales + text, Mode: testkit.Batch, Defaults: map[string]string{"table.local-time-zone": "UTC"}}.Run(context.Background())
	var out []string
	for _, c := range changes {
		first := rowtext.Parse(c.Row)[0]
		if first.Null {
			first.Text = "NULL"
		}
		out = append(out, first.Text)
	}
	return strings.Join(out, ", "), err
}

// TestEveryFunctionIsDescribed wants each function on the page, with a signature, a
// meaning and an example.
func TestEveryFunctionIsDescribed(t *testing.T) {
	page, err := os.ReadFile("functions.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), sales) {
		t.Error("functions.md does not show the view of the examples as it is here")
	}
	var categories []string
	for _, f := range bind.Functions() {
		if f.Signature == "" || f.Meaning == "" || f.Example == "" {
			t.Errorf("%s %s lacks a signature, a meaning or an example", f.Kind, f.Name)
		}
		if !slices.Contains(categories, f.Category) {
			categories = append(categories, f.Category)
		}
	}
	for _, c := range categories {
		if !strings.Contains(string(page), "<!-- generated: functions/"+c+" -->") {
			t.Errorf("functions.md has no table of category %q", c)
		}
	}
}
