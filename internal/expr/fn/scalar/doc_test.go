package scalar_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/sql/parse"
)

// TestDocs checks that every function is documented and that every example of a
// scalar function runs.
func TestDocs(t *testing.T) {
	categories := strings.Fields("string math temporal comparison logical conditional conversion collection json hash")
	env := &fn.Env{Zone: time.UTC}
	for _, name := range fn.Names() {
		f := fn.Lookup(name)
		if !slices.Contains(categories, f.Doc.Category) {
			continue // aggregates and the like: others' tests
		}
		if f.Doc.Signature == "" || f.Doc.Meaning == "" {
			t.Errorf("%s is not documented", name)
		}
		if f.Doc.Example == "" || strings.HasPrefix(name, "UNIX_TIMESTAMP NOW") || name == "CURRENT_WATERMARK" {
			continue
		}
		q, err := parse.Query("SELECT " + f.Doc.Example)
		if err != nil {
			t.Errorf("%s: the example %s: %v", name, f.Doc.Example, err)
			continue
		}
		if _, err := runQuery(bind.New(catalog.New(), env), q, env, "plain"); err != nil {
			t.Errorf("%s: the example %s: %v", name, f.Doc.Example, err)
		}
	}
}

// TestRandomFunctions: two calls differ, rows differ, and a seed repeats.
func TestRandomFunctions(t *testing.T) {
	env := &fn.Env{Zone: time.UTC, Seed: 7}
	a, b := text(env, call(t, "RAND")), text(env, call(t, "RAND"))
	if a == b {
		t.Errorf("two calls of RAND are both %s", a)
	}
	if x, y := text(env, call(t, "RAND", 5)), text(env, call(t, "RAND", 5)); x != y {
		t.Errorf("RAND(5) is %s and %s", x, y)
	}
	if u := text(env, call(t, "UUID")); len(u) != 36 || u[14] != '4' {
		t.Errorf("UUID() is %s", u)
	}
	check(t, env, call(t, "<", call(t, "RAND_INTEGER", 10), 10), "TRUE")
}
