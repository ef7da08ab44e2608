package scalar_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	connect.Register(&connect.Connector{Name: "filesystem", Formats: true, Options: []connect.Option{{Key: "path"}}})
	format.Register(&format.Format{Name: "csv", Options: []connect.Option{{Key: "null-literal"}, {Key: "field-delimiter"}, {Key: "disable-quote-character"}}})
	format.Register(&format.Format{Name: "json"})
}

// TestFlink runs the queries of testdata/flink, whose rows Apache Flink 2.3.0
// gave, through binder and evaluator: constants folded and not, and over columns
// as they are, as constants split off, and as dictionaries.
func TestFlink(t *testing.T) {
	files, _ := filepath.Glob("testdata/flink/*.case")
	if len(files) < 50 {
		t.Fatalf("%d cases", len(files))
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".case"), func(t *testing.T) {
			c := readCase(t, f)
			for _, mode := range []string{"plain", "fold", "dict", "sparse"} {
				c.check(t, mode)
			}
		})
	}
}

// A flinkCase is the sections of a file by their names.
type flinkCase map[string]string

func readCase(t *testing.T, file string) flinkCase {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := flinkCase{}
	name := ""
	for l := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(l, "-- "); ok {
			head, value, ok := strings.Cut(strings.TrimSpace(rest), ": ")
			if name = head; ok {
				c[head] = value
			}
			continue
		}
		c[name] += strings.ReplaceAll(l, "${DATA}", "testdata/flink/data")
	}
	return c
}

func (c flinkCase) check(t *testing.T, mode string) {
	t.Helper()
	rows, err := c.run(mode)
	if c["batch-error"] != "" {
		if err == nil {
			t.Errorf("%s: no error, but rows %q", mode, rows)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", mode, err)
		return
	}
	want := strings.Split(strings.TrimSuffix(c["batch"], "\n"), "\n")
	slices.Sort(rows)
	tol := strings.Contains(c["flags"], "tol=")
	for i := range max(len(rows), len(want)) {
		g, w := "(none)", "(none)"
		if i < len(rows) {
			g = rows[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !sameLine(g, w, tol) {
			t.Errorf("%s: row %d\n got %s\nwant %s", mode, i, g, w)
		}
	}
}

func sameLine(a, b string, tol bool) bool {
	if a == b {
		return true
	}
	x, y := cells(a), cells(b)
	return len(x) == len(y) && slices.EqualFunc(x, y, func(a, b string) bool { return sameCell(a, b, tol) })
}

func cells(line string) []string {
	out, _ := csv.NewReader(strings.NewReader(line)).Read()
	return out
}

// sameCell lets maps have their entries in any order.
func sameCell(a, b string, tol bool) bool {
	if a == b {
		return true
	}
	if strings.HasPrefix(a, "{") && strings.HasPrefix(b, "{") {
		x, y := strings.Split(strings.Trim(a, "{}"), ", "), strings.Split(strings.Trim(b, "{}"), ", ")
		slices.Sort(x)
		slices.Sort(y)
		return slices.Equal(x, y)
	}
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return tol && err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-9*math.Abs(y)
}

func (c flinkCase) run(mode string) ([]string, error) {
	env := &fn.Env{Zone: time.UTC}
	if _, zone, ok := strings.Cut(c["set"], "'table.local-time-zone' = '"); ok {
		env.Zone, _ = types.LoadZone(strings.TrimSuffix(strings.TrimSpace(zone), "';"))
	}
	cat := catalog.New()
	b := bind.New(cat, env)
	list, err := parse.Script(c["tables"])
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if _, err := b.DDL(s); err != nil {
			return nil, err
		}
	}
	q, err := parse.Query(strings.TrimSpace(c["query"]))
	if err != nil {
		return nil, err
	}
	return runQuery(b, q, env, mode)
}

func runQuery(b *bind.Binder, q *ast.Query, env *fn.Env, mode string) ([]string, error) {
	n, err := b.Query(q)
	if err != nil {
		return nil, err
	}
	x := &runner{env: env, mode: mode}
	r, err := x.node(n)
	if err != nil {
		return nil, err
	}
	var out []string
	for i := range r.n {
		if r.sel != nil && !slices.Contains(r.sel, int32(i)) {
			continue
		}
		var line []string
		for k, col := range r.cols {
			line = append(line, csvCell(col.Null(i), string(expr.AppendText(nil, n.Schema()[k].Type, col, i, env.Zone))))
		}
		out = append(out, strings.Join(line, ","))
	}
	return out, nil
}

func csvCell(null bool, s string) string {
	switch {
	case null:
		return ""
	case s == "" || strings.ContainsAny(s, ",\"\n"):
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

// A runner executes scans, filters, projections and values.
type runner struct {
	env  *fn.Env
	mode string
}

type relation struct {
	cols []vec.Vector
	sel  []int32
	n    int
}

func (x *runner) node(n logical.Node) (*relation, error) {
	switch n := n.(type) {
	case *logical.Collect:
		return x.node(n.Input)
	case *logical.Scan:
		return x.scan(n)
	case *logical.Values:
		return x.values(n)
	case *logical.Filter:
		r, err := x.node(n.Input)
		if err != nil {
			return nil, err
		}
		e, err := x.prepare(n.Cond)
		if err != nil {
			return nil, err
		}
		p, err := expr.Compile(e, x.env)
		if err != nil {
			return nil, err
		}
		r.sel, err = p.Filter(r.cols, r.sel, r.n)
		return r, err
	case *logical.Project:
		return x.project(n)
	}
	return nil, fmt.Errorf("the test cannot run a %T", n)
}

// prepare passes an expression through JSON, and folds it in that mode.
func (x *runner) prepare(e *expr.Expr) (*expr.Expr, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	back := &expr.Expr{}
	if err := json.Unmarshal(data, back); err != nil {
		return nil, err
	}
	if !expr.Equal(e, back) {
		return nil, fmt.Errorf("%s came back from JSON as %s", e, back)
	}
	if x.mode == "fold" {
		return expr.Fold(back, x.env)
	}
	return back, nil
}

func (x *runner) project(n *logical.Project) (*relation, error) {
	r, err := x.node(n.Input)
	if err != nil {
		return nil, err
	}
	var list []*expr.Expr
	for _, e := range n.Exprs {
		if e, err = x.prepare(e); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	p, err := expr.CompileAll(list, x.env)
	if err != nil {
		return nil, err
	}
	cols, err := p.Eval(r.cols, r.sel, r.n)
	return &relation{cols, r.sel, r.n}, err
}

func (x *runner) values(n *logical.Values) (*relation, error) {
	var builders []*vec.Builder
	for _, f := range n.Out {
		builders = append(builders, vec.NewBuilder(f.Type))
	}
	for _, row := range n.Rows {
		for k, e := range row {
			v, err := expr.EvalConst(e, x.env)
			if err != nil {
				return nil, err
			}
			builders[k].From(v, 0)
		}
	}
	return x.finish(builders, len(n.Rows)), nil
}

// finish makes the columns: as dictionaries, or with rows between that do not
// count, according to the mode.
func (x *runner) finish(builders []*vec.Builder, n int) *relation {
	r := &relation{n: n}
	for _, b := range builders {
		v := b.Finish()
		switch x.mode {
		case "dict":
			codes := make([]uint32, n)
			for i := range codes {
				codes[i] = uint32(i)
			}
			v = &vec.Dict{Codes: codes, Words: v}
		case "sparse":
			rows := make([]int32, 2*n)
			for i := range rows {
				rows[i] = int32(i / 2)
			}
			v = vec.Take(v, rows)
		}
		r.cols = append(r.cols, v)
	}
	if x.mode == "sparse" {
		r.n = 2 * n
		for i := range n {
			r.sel = append(r.sel, int32(2*i))
		}
	}
	return r
}

func (x *runner) scan(n *logical.Scan) (*relation, error) {
	var physical []int
	for _, c := range n.Columns {
		if n.Table.Columns[c].Kind == catalog.Physical {
			physical = append(physical, c)
		}
	}
	data, err := os.ReadFile(n.Options["path"])
	if err != nil {
		return nil, err
	}
	var builders []*vec.Builder
	for i := range physical {
		builders = append(builders, vec.NewBuilder(n.Out[i].Type))
	}
	count := 0
	if n.Options["format"] == "json" {
		count, err = readJSON(data, n.Out, builders)
	} else {
		count, err = readCSV(data, n, builders)
	}
	if err != nil {
		return nil, err
	}
	r := x.finish(builders, count)
	for i, c := range n.Columns {
		if col := n.Table.Columns[c]; col.Kind == catalog.Computed {
			p, err := expr.Compile(col.Value, x.env)
			if err != nil {
				return nil, err
			}
			v, err := p.Eval(r.cols, r.sel, r.n)
			if err != nil {
				return nil, err
			}
			r.cols = slices.Insert(r.cols, i, v)
		}
	}
	return r, nil
}

func readCSV(data []byte, n *logical.Scan, builders []*vec.Builder) (int, error) {
	count := 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		fields := strings.Split(line, "|")
		if n.Options["csv.field-delimiter"] != "|" {
			fields = cells(line)
		}
		for i, b := range builders {
			if i >= len(fields) || fields[i] == "NULL" || fields[i] == "" && !n.Out[i].Type.Character() {
				b.Null()
				continue
			}
			e, err := expr.Cast(expr.Literal(types.TString, fields[i]), n.Out[i].Type)
			if err != nil {
				return 0, err
			}
			v, err := expr.EvalConst(e, nil)
			if err != nil {
				return 0, err
			}
			b.From(v, 0)
		}
		count++
	}
	return count, nil
}

func readJSON(data []byte, s types.Schema, builders []*vec.Builder) (int, error) {
	count := 0
	for line := range bytes.Lines(data) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			return 0, err
		}
		for i, f := range s {
			buildJSON(builders[i], f.Type, m[f.Name])
		}
		count++
	}
	return count, nil
}

func buildJSON(b *vec.Builder, t types.Type, v any) {
	switch v := v.(type) {
	case float64:
		b.Int(int64(v))
	case string:
		b.String(v)
	case []any:
		for _, e := range v {
			buildJSON(b.Kid(0), *t.Elem, e)
		}
		b.End()
	case map[string]any:
		for i, f := range t.Fields {
			buildJSON(b.Kid(i), f.Type, v[f.Name])
		}
		if t.Kind == types.Map {
			for k, e := range v {
				b.Kid(0).String(k)
				buildJSON(b.Kid(1), *t.Elem, e)
			}
		}
		b.End()
	default:
		b.Null()
	}
}
