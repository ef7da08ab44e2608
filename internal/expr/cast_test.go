package expr_test

import (
	"os"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
)

// matrixTypes are the types of the matrix that Millrace has.
var matrixTypes = map[string]types.Type{
	"CHAR(3)": {Kind: types.Char, Len: 3}, "STRING": types.TString, "BOOLEAN": types.TBoolean, "BINARY(3)": {Kind: types.Binary, Len: 3},
	"BYTES": types.TBytes, "DECIMAL(10,2)": types.DecimalOf(10, 2), "TINYINT": types.Of(types.TinyInt), "SMALLINT": types.Of(types.SmallInt),
	"INT": types.TInt, "BIGINT": types.TBigInt, "FLOAT": types.Of(types.Float), "DOUBLE": types.TDouble, "DATE": types.TDate,
	"TIME(0)": types.Of(types.Time), "TIMESTAMP(3)": types.TimestampOf(3), "TIMESTAMP_LTZ(3)": types.LTZOf(3),
	"INTERVAL YEAR TO MONTH": types.Of(types.IntervalMonth), "INTERVAL DAY TO SECOND": types.Of(types.IntervalSecond),
	"ARRAY<INT>": types.ArrayOf(types.TInt), "MULTISET<INT>": types.MultisetOf(types.TInt), "MAP<STRING,INT>": types.MapOf(types.TString, types.TInt),
	"ROW<a INT>": types.RowOf(types.Field{Name: "a", Type: types.TInt}), "VARIANT": types.TVariant, "BITMAP": types.TBitmap, "NULL": types.TNull,
}

// TestCastMatrix compares CanCast with Flink's LogicalTypeCasts (I: implicit, E:
// explicit). Casts between numbers and timestamps, which the planner refuses for
// all that, are refused here, those of any number to BOOLEAN, which it has all the
// same, are there; and each cast that is allowed has a kernel.
func TestCastMatrix(t *testing.T) {
	data, err := os.ReadFile("testdata/flink_casts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	head := strings.Split(lines[0], "\t")
	for _, l := range lines[1:] {
		cells := strings.Split(l, "\t")
		from, ok := matrixTypes[cells[0]]
		if !ok {
			continue
		}
		for i, c := range cells[1:] {
			if to, ok := matrixTypes[head[i+1]]; ok && to.Kind != types.Null {
				checkCast(t, from, to, c)
			}
		}
	}
}

func checkCast(t *testing.T, from, to types.Type, flink string) {
	t.Helper()
	if from.Numeric() && to.Kind == types.Boolean {
		flink = "E" // the planner has a rule of its own for those
	}
	if from.Numeric() && to.Stamp() || from.Stamp() && to.Numeric() {
		flink = "-"
	}
	if got := expr.CanCast(from, to, true); got != (flink == "I") && from.Kind != to.Kind {
		t.Errorf("%s to %s is implicit: %v, Flink says %s", from.Name(), to.Name(), got, flink)
	}
	if got := expr.CanCast(from, to, false); got != (flink != "-") {
		t.Errorf("%s to %s can be cast: %v, Flink says %s", from.Name(), to.Name(), got, flink)
		return
	}
	if flink == "-" || from.Kind == types.Null {
		return
	}
	e, err := expr.Cast(expr.Column(0, from), to)
	if err == nil {
		_, err = expr.Compile(e, nil)
	}
	if err != nil {
		t.Errorf("%s to %s: %v", from.Name(), to.Name(), err)
	}
}

func TestCommonType(t *testing.T) {
	char := func(n int) types.Type { return types.Type{Kind: types.Char, Len: n} }
	for _, c := range []struct{ a, b, want types.Type }{
		{types.TInt, types.TBigInt, types.TBigInt},
		{types.TInt, types.DecimalOf(2, 1), types.DecimalOf(11, 1)},
		{types.Of(types.Float), types.TInt, types.Of(types.Float)},
		{types.Of(types.Float), types.DecimalOf(4, 2), types.TDouble},
		{char(2), char(2), char(2)},
		{char(2), char(4), types.Type{Kind: types.Varchar, Len: 4}},
		{char(2), types.TString, types.TString},
		{types.TDate, types.TimestampOf(3), types.TimestampOf(3)},
		{types.TimestampOf(6), types.LTZOf(3), types.LTZOf(6)},
		{types.TNull, types.TInt, types.TInt},
		{types.DecimalOf(38, 10), types.DecimalOf(38, 0), types.DecimalOf(38, 6)},
	} {
		for _, list := range [][]types.Type{{c.a, c.b}, {c.b, c.a}} {
			if got, err := expr.CommonType(list...); err != nil || !got.Equal(c.want) {
				t.Errorf("%s and %s have %s (%v), want %s", list[0].Name(), list[1].Name(), got.Name(), err, c.want.Name())
			}
		}
	}
	if _, err := expr.CommonType(types.TInt, types.TString); err == nil {
		t.Error("INT and STRING have a common type")
	}
}

func TestErrors(t *testing.T) {
	for want, make := range map[string]func() (*expr.Expr, error){
		"LEFT takes (STRING, BIGINT), not (INT, STRING)": func() (*expr.Expr, error) {
			return expr.NewCall("LEFT", expr.Int(1), expr.Literal(types.TString, "a"))
		},
		"there is no function UPPR; did you mean UPPER?": func() (*expr.Expr, error) { return expr.NewCall("uppr", expr.Text("a")) },
		"cannot apply + to CHAR(1) and INT; texts are joined by ||, and CAST(x AS INT) makes a number of one": func() (*expr.Expr, error) {
			return expr.NewCall("+", expr.Text("5"), expr.Int(3))
		},
		"cannot compare BOOLEAN with INT": func() (*expr.Expr, error) { return expr.NewCall("=", expr.Bool(true), expr.Int(3)) },
		"cannot cast INT to TIMESTAMP(3); use TO_TIMESTAMP_LTZ(n, 0) for seconds or TO_TIMESTAMP_LTZ(n, 3) for milliseconds": func() (*expr.Expr, error) {
			return expr.Cast(expr.Column(0, types.TInt), types.TimestampOf(3))
		},
	} {
		if _, err := make(); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
