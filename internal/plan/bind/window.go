package bind

import (
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// windowParams are the window table functions with the names of their
// parameters, in order; those after the first need names are optional.
var windowParams = map[string]struct {
	names  []string
	needed int
}{
	"TUMBLE":   {[]string{"DATA", "TIMECOL", "SIZE", "OFFSET"}, 3},
	"HOP":      {[]string{"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"}, 4},
	"CUMULATE": {[]string{"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"}, 4},
	"SESSION":  {[]string{"DATA", "TIMECOL", "GAP"}, 3},
}

func (f *fromBinder) tableFunc(t *ast.TableFunc) (*scope, error) {
	if c := rowCallOf(t); c != nil {
		return f.correlate(f.start(), c, jobgraph.Inner)
	}
	name := upper(t.Call.Name)
	if _, ok := windowParams[name]; !ok || len(t.Call.Name) > 1 {
		if name == stateFunction && len(t.Call.Name) == 1 && connect.Lookup(stateConnector) != nil {
			return f.state(t)
		}
		if slices.Contains([]string{"ML_PREDICT", "VECTOR_SEARCH", "TO_CHANGELOG", "FROM_CHANGELOG"}, name) {
			return nil, unsupported(t, name)
		}
		return nil, nearAt(t.Call, name, append(fn.TableNames(), "TUMBLE", "HOP", "CUMULATE", "SESSION"), "unknown table function '%s'", t.Call.Name)
	}
	n, err := f.windowTVF(t.Call, name)
	if err != nil {
		return nil, err
	}
	return f.b.aliased(n, &relation{}, t.Alias)
}

func (f *fromBinder) windowTVF(c *ast.Call, name string) (logical.Node, error) {
	args, err := windowArgs(c, name)
	if err != nil {
		return nil, err
	}
	in, partition, err := f.tableArg(args["DATA"], name)
	if err != nil {
		return nil, err
	}
	s := in.Schema()
	d, ok := args["TIMECOL"].(*ast.Descriptor)
	if !ok || len(d.Columns) != 1 {
		return nil, errAt(args["TIMECOL"], "%s needs DESCRIPTOR(column) to say which column is its time", name)
	}
	col := s.Index(d.Columns[0].Text)
	if col < 0 {
		return nil, nearAt(d.Columns[0], d.Columns[0].Text, s.Names(), "unknown column '%s' in DESCRIPTOR", d.Columns[0].Text)
	}
	time := expr.Column(col, s[col].Type)
	if err := f.b.timeAttribute(d.Columns[0], name, s[col].Name, s[col].Type, lostTime(in, time)); err != nil {
		return nil, err
	}
	w := f.b.windowOf(s[col].Type)
	w.Time, w.Session = col, partition
	if err := f.windowSizes(&w, name, args, c); err != nil {
		return nil, err
	}
	n := &logical.WindowTVF{Input: in, Window: w, Out: slices.Clone(s), Pos: posOf(c)}
	bound := types.TimestampOf(3).Nullable(false)
	n.Out = append(n.Out, types.Field{Name: "window_start", Type: bound}, types.Field{Name: "window_end", Type: bound},
		types.Field{Name: "window_time", Type: s[col].Type.Nullable(false)})
	return n, nil
}

// windowArgs brings positional and named arguments under the parameters' names.
func windowArgs(c *ast.Call, name string) (map[string]ast.Expr, error) {
	p := windowParams[name]
	out := map[string]ast.Expr{}
	if len(c.Args) < p.needed || len(c.Args) > len(p.names) {
		return nil, errAt(c, "%s takes %s, not %d arguments", name, strings.Replace(strings.Join(p.names, ", "), ", OFFSET", "[, OFFSET]", 1), len(c.Args))
	}
	for i, a := range c.Args {
		key, v := p.names[i], a
		if n, ok := a.(*ast.NamedArg); ok {
			key, v = strings.ToUpper(n.Name.Text), n.Value
			if !slices.Contains(p.names, key) {
				return nil, nearAt(n, key, p.names, "%s has no parameter '%s'", name, n.Name.Text)
			}
		}
		if out[key] != nil {
			return nil, errAt(a, "%s: parameter %s is given twice", name, key)
		}
		out[key] = v
	}
	for _, key := range p.names[:p.needed] {
		if out[key] == nil {
			return nil, errAt(c, "%s needs its parameter %s", name, key)
		}
	}
	return out, nil
}

// tableArg binds TABLE t or a query, with the columns of PARTITION BY.
func (f *fromBinder) tableArg(e ast.Expr, name string) (logical.Node, []int, error) {
	var r *result
	var err error
	var partition []ast.Expr
	switch a := e.(type) {
	case *ast.TableArg:
		partition = a.PartitionBy
		switch {
		case len(a.OrderBy) > 0:
			return nil, nil, errAt(a.OrderBy[0], "ORDER BY has no meaning in the table of %s", name)
		case a.Query != nil:
			r, err = f.b.query(a.Query, nil)
		case a.Call != nil:
			var sc *scope
			if sc, err = f.tableFunc(&ast.TableFunc{Pos: a.Pos, Call: a.Call}); err == nil {
				r = &result{node: sc.node, visible: len(sc.node.Schema())}
			}
		default:
			r, _, err = f.b.named(&a.Name, nil)
		}
	case *ast.Subquery:
		r, err = f.b.query(a.Query, nil)
	default:
		return nil, nil, errAt(e, "%s needs a table as its first argument: TABLE t or (SELECT …)", name)
	}
	if err != nil {
		return nil, nil, err
	}
	n := firstColumns(r.node, r.visible)
	if len(partition) > 0 && name != "SESSION" {
		return nil, nil, errAt(partition[0], "only SESSION takes PARTITION BY, not %s", name)
	}
	var cols []int
	x := exprBinder{b: f.b, sc: newScope(n, &relation{}), clause: "PARTITION BY"}
	for _, p := range partition {
		c, err := x.bind(p)
		if err != nil {
			return nil, nil, err
		}
		if c.Op != expr.Col {
			return nil, nil, errAt(p, "PARTITION BY of %s takes columns", name)
		}
		cols = append(cols, c.Index)
	}
	return n, cols, nil
}

// windowOf starts a window over a time column of that type.
func (b *Binder) windowOf(t types.Type) jobgraph.Window {
	w := jobgraph.Window{Granule: 1000, Proctime: t.Proctime}
	if t.Prec > 3 {
		w.Granule = 1
	}
	if t.Kind == types.TimestampLTZ {
		w.Zone = b.zone().String()
	}
	return w
}

func (f *fromBinder) windowSizes(w *jobgraph.Window, name string, args map[string]ast.Expr, at ast.Node) error {
	x := exprBinder{b: f.b, clause: name}
	list := map[string]length{}
	for _, key := range windowParams[name].names[2:] {
		e := args[key]
		if e == nil {
			continue
		}
		var err error
		if _, list[key], err = x.length(e, name, key != "OFFSET"); err != nil {
			return err
		}
	}
	size, slide := list["SIZE"], list["SLIDE"]
	switch name {
	case "TUMBLE":
		w.WKind = jobgraph.Tumble
	case "HOP":
		w.WKind = jobgraph.Hop
	case "CUMULATE":
		w.WKind, slide = jobgraph.Cumulate, list["STEP"]
	case "SESSION":
		w.WKind, size = jobgraph.Session, list["GAP"]
	}
	return setLengths(w, at, size, slide, list["OFFSET"])
}

// timeAttribute checks that a column may be the time of a window; lost says what
// took its time attribute, if it had one. Over complete data any timestamp will do.
func (b *Binder) timeAttribute(at ast.Node, name, col string, t types.Type, lost string) error {
	if t.Rowtime || t.Proctime || t.Stamp() && b.batch() {
		return nil
	}
	if !t.Stamp() {
		return errAt(at, "%s needs a time attribute, but '%s' is %s", name, col, t.Name())
	}
	err := errAt(at, "%s needs a time attribute, but '%s' is a plain %s", name, col, t.Name())
	return hinted(err, lost)
}

// lostTime follows a column down to where it was a time attribute and says what
// stands between; or how a table gets one.
func lostTime(n logical.Node, e *expr.Expr) string {
	if e.Op != expr.Col || e.Index >= aggBase {
		return ""
	}
	col := e.Index
	for n != nil {
		switch x := n.(type) {
		case *logical.Scan:
			if x.Out[col].Type.Rowtime || x.Out[col].Type.Proctime {
				return ""
			}
			c := x.Table.Columns[x.Columns[col]]
			return "declare WATERMARK FOR " + c.Name + " in CREATE TABLE " + x.Table.Path.Name
		case *logical.Project:
			p := x.Exprs[col]
			if p.Op != expr.Col {
				src := ""
				expr.Walk(p, func(e *expr.Expr) bool {
					if e.Type.Rowtime {
						src = x.Input.Schema()[e.Index].Name
					}
					return src == ""
				})
				if src != "" {
					return "the expression that makes '" + x.Out[col].Name + "' of '" + src + "' takes it away: pass the column on as it is"
				}
				return ""
			}
			n, col = x.Input, p.Index
		case *logical.Filter:
			n = x.Input
		case *logical.Sort:
			n = x.Input
		case *logical.Aggregate:
			if col < len(x.Keys) && x.Input.Schema()[x.Keys[col]].Type.Rowtime {
				return "a grouping takes the time attribute from '" + x.Out[col].Name + "': group by window_start, window_end and window_time"
			}
			return "a grouping has no time attribute but window_time"
		case *logical.SetOp:
			return "only UNION ALL of inputs whose column is a time attribute keeps it"
		case *logical.Over:
			if col >= len(x.Input.Schema()) {
				return ""
			}
			n = x.Input
		case *logical.Correlate:
			if col >= len(x.Input.Schema()) {
				return ""
			}
			n = x.Input
		case *logical.WindowTVF:
			if col >= len(x.Input.Schema()) {
				return "window_start and window_end are plain timestamps: use window_time"
			}
			n = x.Input
		case *logical.Join:
			if l := len(x.Left.Schema()); col < l {
				n = x.Left
			} else {
				n, col = x.Right, col-l
			}
		default:
			return ""
		}
	}
	return ""
}
