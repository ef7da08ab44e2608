package print

import "github.com/millrace-io/millrace/internal/sql/ast"

// literalPrefix is what stands before the quotes of a literal.
var literalPrefix = map[ast.LiteralKind]string{
	ast.LitString:       "",
	ast.LitBinary:       "X",
	ast.LitDate:         "DATE ",
	ast.LitTime:         "TIME ",
	ast.LitTimestamp:    "TIMESTAMP ",
	ast.LitTimestampLTZ: "TIMESTAMP WITH LOCAL TIME ZONE ",
}

func (p *printer) literal(x *ast.Literal) {
	switch x.Kind {
	case ast.LitNull:
		p.put("NULL")
	case ast.LitUnknown:
		p.put("UNKNOWN")
	case ast.LitBool, ast.LitInt, ast.LitDecimal, ast.LitApprox:
		p.put(x.Text)
	default:
		p.put(literalPrefix[x.Kind])
		p.str(x.Text)
	}
}

func (p *printer) interval(x *ast.Interval) {
	p.put("INTERVAL ")
	switch {
	case x.X != nil:
		p.put("(")
		p.bare(x.X)
		p.put(")")
	default:
		p.when(x.Negative, "-")
		p.str(x.Text)
	}
	p.put(" ")
	p.intervalRange(&x.Range)
}

func (p *printer) intervalRange(r *ast.IntervalRange) {
	p.put(string(r.From))
	if r.FromPrecision >= 0 {
		p.put("(")
		p.int(r.FromPrecision)
		if r.To == "" && r.FractPrecision >= 0 {
			p.put(", ")
			p.int(r.FractPrecision)
		}
		p.put(")")
	}
	if r.To == "" {
		return
	}
	p.put(" TO ", string(r.To))
	if r.FractPrecision >= 0 {
		p.put("(")
		p.int(r.FractPrecision)
		p.put(")")
	}
}
