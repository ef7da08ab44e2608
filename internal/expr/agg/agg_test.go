package agg

import (
	"testing"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// TestTable: every function is documented, resolves and can be made.
func TestTable(t *testing.T) {
	for _, name := range Names() {
		d, ok := Doc(name)
		if !ok || d.Signature == "" || d.Meaning == "" || d.Example == "" || d.Category != "aggregate" {
			t.Errorf("%s is not documented", name)
		}
		made := 0
		for _, args := range [][]types.Type{{types.TInt}, {types.TString}, {types.DecimalOf(38, 4)}, {types.TInt, types.TDouble}, {types.TString, types.TInt}, {types.TBitmap}} {
			ret, casts, err := Resolve(name, args)
			if err != nil {
				continue
			}
			for _, retracts := range []bool{false, true} {
				call := jobgraph.AggCall{Func: name, Args: []int{0, 1}[:len(args)], ArgTypes: casts, Filter: -1, Ret: ret}
				l, err := NewLayout([]jobgraph.AggCall{call}, retracts, false, false)
				if err != nil || l.Words == 0 || len(l.Partial()) == 0 {
					t.Errorf("%s(%s): %v", name, args, err)
				}
				made++
			}
		}
		if made == 0 {
			t.Errorf("%s takes nothing", name)
		}
	}
}

func TestResolve(t *testing.T) {
	notNull := func(t types.Type) types.Type { return t.Nullable(false) }
	for _, c := range []struct {
		name string
		args []types.Type
		want string
	}{
		{"COUNT", nil, "BIGINT NOT NULL"}, {"COUNT", []types.Type{types.TString}, "BIGINT NOT NULL"},
		{"SUM", []types.Type{types.TInt}, "INT"}, {"SUM", []types.Type{notNull(types.TInt)}, "INT NOT NULL"}, {"SUM", []types.Type{types.DecimalOf(10, 2)}, "DECIMAL(38, 2)"},
		{"AVG", []types.Type{types.TInt}, "INT"}, {"AVG", []types.Type{types.DecimalOf(10, 2)}, "DECIMAL(38, 6)"}, {"AVG", []types.Type{types.DecimalOf(20, 8)}, "DECIMAL(38, 8)"},
		{"STDDEV_SAMP", []types.Type{types.DecimalOf(10, 2)}, "DECIMAL(38, 6)"}, {"VAR_POP", []types.Type{types.TInt}, "INT"},
		{"COLLECT", []types.Type{types.TString}, "MULTISET<STRING> NOT NULL"}, {"ARRAY_AGG", []types.Type{types.TInt}, "ARRAY<INT>"},
		{"MAX", []types.Type{{Kind: types.Timestamp, Prec: 3, Rowtime: true}}, "TIMESTAMP(3)"},
		{"LISTAGG", []types.Type{types.TString, types.TString}, "STRING"},
		{"SUM", []types.Type{types.TString}, "SUM takes a number, not STRING"},
		{"MIN", []types.Type{types.ArrayOf(types.TInt)}, "MIN takes a value that can be ordered, not ARRAY<INT>"},
		{"COUNT", []types.Type{types.TInt, types.TInt}, "COUNT takes no argument (*) or one, not 2"},
		{"NOPE", nil, "there is no aggregate function NOPE"},
	} {
		ret, _, err := Resolve(c.name, c.args)
		got := ret.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s%v: got %s, want %s", c.name, c.args, got, c.want)
		}
	}
}
