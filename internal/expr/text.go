package expr

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// AppendText appends a cell as CAST(x AS STRING) writes it, NULL as NULL;
// timestamps with a local zone are shown in zone.
func AppendText(dst []byte, t types.Type, v vec.Vector, row int, zone *time.Location) []byte {
	return kernel.AppendText(dst, t, v, row, zone)
}

// AppendPrinted appends a cell as Flink's client prints it: as AppendText does, but
// BYTES are hexadecimal.
func AppendPrinted(dst []byte, t types.Type, v vec.Vector, row int, zone *time.Location) []byte {
	return kernel.AppendPrinted(dst, t, v, row, zone)
}

// String returns e as readable SQL, for EXPLAIN and for errors; columns are
// called by names, or $i where there is none.
func String(e *Expr, names []string) string {
	p := printer{names: names}
	p.expr(e, 0)
	return p.b.String()
}

// String implements fmt.Stringer.
func (e *Expr) String() string { return String(e, nil) }

type printer struct {
	names []string
	own   bool // columns are called by their own names
	b     strings.Builder
}

// The strength with which operators bind, weakest first.
const (
	bindOr = 1 + iota
	bindAnd
	bindNot
	bindCompare
	bindAdd
	bindMul
	bindAtom
)

var infix = map[string]int{
	"OR": bindOr, "AND": bindAnd,
	"=": bindCompare, "<>": bindCompare, "<": bindCompare, "<=": bindCompare, ">": bindCompare, ">=": bindCompare,
	"IS DISTINCT FROM": bindCompare, "IS NOT DISTINCT FROM": bindCompare, "LIKE": bindCompare, "SIMILAR TO": bindCompare,
	"+": bindAdd, "-": bindAdd, "||": bindAdd, "*": bindMul, "/": bindMul, "%": bindMul,
}

func (p *printer) expr(e *Expr, outer int) {
	switch e.Op {
	case Col:
		p.column(e)
	case Lit:
		p.b.WriteString(literalText(e))
	default:
		p.call(e, outer)
	}
}

func (p *printer) column(e *Expr) {
	i := e.Index
	if p.own && e.Name != "" {
		p.b.WriteString(e.Name)
		return
	}
	if i < len(p.names) && p.names[i] != "" {
		p.b.WriteString(p.names[i])
		return
	}
	fmt.Fprintf(&p.b, "$%d", i)
}

func (p *printer) call(e *Expr, outer int) {
	bind, ok := infix[e.Func]
	switch {
	case ok && len(e.Args) >= 2:
		p.infix(e, bind, outer)
	case strings.HasPrefix(e.Func, "IS ") && len(e.Args) == 1:
		p.wrap(bindCompare, outer, func() {
			p.expr(e.Args[0], bindCompare+1)
			p.b.WriteString(" " + e.Func)
		})
	case e.Func == "NOT":
		p.wrap(bindNot, outer, func() {
			p.b.WriteString("NOT ")
			p.expr(e.Args[0], bindNot)
		})
	case e.Func == "CASE":
		p.caseOf(e)
	default:
		p.prefix(e)
	}
}

func (p *printer) infix(e *Expr, bind, outer int) {
	p.wrap(bind, outer, func() {
		for i, a := range e.Args {
			if i == 2 && bind == bindCompare {
				p.b.WriteString(" ESCAPE ")
			} else if i > 0 {
				p.b.WriteString(" " + e.Func + " ")
			}
			p.expr(a, bind+min(i, 1))
		}
	})
}

func (p *printer) wrap(bind, outer int, body func()) {
	if bind < outer {
		p.b.WriteByte('(')
		defer p.b.WriteByte(')')
	}
	body()
}

func (p *printer) list(args []*Expr) {
	for i, a := range args {
		if i > 0 {
			p.b.WriteString(", ")
		}
		p.expr(a, 0)
	}
}

func (p *printer) prefix(e *Expr) {
	switch e.Func {
	case "CAST", "TRY_CAST", "REINTERPRET":
		p.b.WriteString(e.Func + "(")
		p.expr(e.Args[0], 0)
		p.b.WriteString(" AS " + e.Type.Name() + ")")
	case "IN":
		p.expr(e.Args[0], bindCompare+1)
		p.b.WriteString(" IN (")
		p.list(e.Args[1:])
		p.b.WriteByte(')')
	case "FIELD":
		p.expr(e.Args[0], bindAtom)
		i, _ := e.Args[1].Value.(int64)
		p.b.WriteString("." + e.Args[0].Type.Fields[i].Name)
	case "ITEM":
		p.expr(e.Args[0], bindAtom)
		p.b.WriteByte('[')
		p.expr(e.Args[1], 0)
		p.b.WriteByte(']')
	default:
		p.b.WriteString(e.Func + "(")
		p.list(e.Args)
		p.b.WriteByte(')')
	}
}

func (p *printer) caseOf(e *Expr) {
	p.b.WriteString("CASE")
	last := len(e.Args) - 1
	for i := 0; i < last; i += 2 {
		p.b.WriteString(" WHEN ")
		p.expr(e.Args[i], 0)
		p.b.WriteString(" THEN ")
		p.expr(e.Args[i+1], 0)
	}
	p.b.WriteString(" ELSE ")
	p.expr(e.Args[last], 0)
	p.b.WriteString(" END")
}

func literalText(e *Expr) string {
	if e.Value == nil {
		return "NULL"
	}
	text := string(AppendText(nil, e.Type, Vector(e.Type, e.Value), 0, time.UTC))
	switch k := e.Type.Kind; {
	case e.Type.Character():
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case e.Type.Bytes():
		return fmt.Sprintf("X'%X'", e.Value)
	case k == types.Date, k == types.Time, k == types.Timestamp, k == types.TimestampLTZ:
		return k.String() + " '" + text + "'"
	case e.Type.Interval():
		return "INTERVAL '" + text + "'"
	}
	return text
}
