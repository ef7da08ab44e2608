package table_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/expr/fn"
	_ "github.com/millrace-io/millrace/internal/expr/fn/table"
	"github.com/millrace-io/millrace/types"
)

// The columns of each collection, and what is refused.
func TestUnnestColumns(t *testing.T) {
	row := types.RowOf(types.Field{Name: "a", Type: types.TInt}, types.Field{Name: "b", Type: types.TString.Nullable(false)})
	for _, c := range []struct {
		args []types.Type
		want string
	}{
		{[]types.Type{types.ArrayOf(types.TInt.Nullable(false))}, "EXPR$0 INT NOT NULL"},
		{[]types.Type{types.ArrayOf(row)}, "a INT, b STRING NOT NULL"},
		{[]types.Type{types.ArrayOf(types.ArrayOf(row))}, "EXPR$0 ARRAY<ROW<`a` INT, `b` STRING NOT NULL>>"},
		{[]types.Type{types.MultisetOf(types.TString)}, "EXPR$0 STRING"},
		{[]types.Type{types.MultisetOf(row)}, "a INT, b STRING NOT NULL"},
		{[]types.Type{types.MapOf(types.TString, row)}, "KEY STRING, VALUE ROW<`a` INT, `b` STRING NOT NULL>"},
		{[]types.Type{types.TInt}, "UNNEST takes an ARRAY, MAP or MULTISET, not INT"},
		{nil, "UNNEST takes one ARRAY, MAP or MULTISET, not 0 arguments"},
	} {
		var args []fn.Arg
		for _, a := range c.args {
			args = append(args, fn.Arg{Type: a})
		}
		got := ""
		if impl, err := fn.LookupTable("unnest").Resolve(args); err != nil {
			got = err.Error()
		} else {
			var cols []string
			for _, f := range impl.Out {
				cols = append(cols, f.Name+" "+f.Type.String())
			}
			got = strings.Join(cols, ", ")
		}
		if got != c.want {
			t.Errorf("UNNEST of %s: got %s, want %s", fmt.Sprint(c.args), got, c.want)
		}
	}
}

// Every table function is documented.
func TestDocs(t *testing.T) {
	for _, name := range fn.TableNames() {
		if d := fn.LookupTable(name).Doc; d.Category != "table" || d.Signature == "" || d.Meaning == "" || d.Example == "" {
			t.Errorf("%s is not documented", name)
		}
	}
}
