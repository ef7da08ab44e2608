package print

import "github.com/millrace-io/millrace/internal/sql/ast"

// predicate writes the operators that are words behind an operand.
func (p *printer) predicate(x ast.Expr) {
	switch x := x.(type) {
	case *ast.Between:
		p.expr(x.X, precRange)
		p.when(x.Not, " NOT")
		p.put(" BETWEEN ")
		p.when(x.Symmetric, "SYMMETRIC ")
		p.expr(x.Low, precRange+1)
		p.put(" AND ")
		p.expr(x.High, precRange+1)
	case *ast.In:
		p.expr(x.X, precRange)
		p.when(x.Not, " NOT")
		p.put(" IN ")
		p.listOrQuery(x.List, x.Query)
	case *ast.Like:
		p.like(x)
	case *ast.Is:
		p.expr(x.X, precIs)
		p.put(" IS ")
		p.when(x.Not, "NOT ")
		p.put(isText[x.Kind])
	case *ast.Quantified:
		p.expr(x.X, precCompare)
		p.put(" ", x.Op.String(), " ", [...]string{ast.Any: "ANY ", ast.All: "ALL "}[x.Quantifier])
		p.listOrQuery(x.List, x.Query)
	}
}

func (p *printer) listOrQuery(l []ast.Expr, q *ast.Query) {
	if q != nil {
		p.inner(q)
		return
	}
	p.exprs(l)
}

var likeText = [...]string{
	ast.LikeLike: " LIKE ", ast.LikeSimilar: " SIMILAR TO ", ast.LikeILike: " ILIKE ", ast.LikeRLike: " RLIKE ",
}

func (p *printer) like(x *ast.Like) {
	p.expr(x.X, precRange)
	p.when(x.Not, " NOT")
	p.put(likeText[x.Kind])
	p.expr(x.Pattern, precRange+1)
	if x.Escape != nil {
		p.put(" ESCAPE ")
		p.expr(x.Escape, precRange+1)
	}
}

var isText = [...]string{
	ast.IsNull: "NULL", ast.IsTrue: "TRUE", ast.IsFalse: "FALSE", ast.IsUnknown: "UNKNOWN",
	ast.IsJSON: "JSON", ast.IsJSONObject: "JSON OBJECT", ast.IsJSONArray: "JSON ARRAY",
	ast.IsJSONScalar: "JSON SCALAR", ast.IsASet: "A SET", ast.IsEmpty: "EMPTY",
}
