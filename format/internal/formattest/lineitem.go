package formattest

import (
	"math/rand/v2"
	"strings"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Lineitem is TPC-H's largest table: many short cells, where Bid has few long ones.
var Lineitem = types.Schema{
	{Name: "l_orderkey", Type: types.TBigInt}, {Name: "l_partkey", Type: types.TBigInt}, {Name: "l_suppkey", Type: types.TBigInt},
	{Name: "l_linenumber", Type: types.TInt}, {Name: "l_quantity", Type: types.DecimalOf(15, 2)}, {Name: "l_extendedprice", Type: types.DecimalOf(15, 2)},
	{Name: "l_discount", Type: types.DecimalOf(15, 2)}, {Name: "l_tax", Type: types.DecimalOf(15, 2)},
	{Name: "l_returnflag", Type: types.TString}, {Name: "l_linestatus", Type: types.TString},
	{Name: "l_shipdate", Type: types.TDate}, {Name: "l_commitdate", Type: types.TDate}, {Name: "l_receiptdate", Type: types.TDate},
	{Name: "l_shipinstruct", Type: types.TString}, {Name: "l_shipmode", Type: types.TString}, {Name: "l_comment", Type: types.TString},
}

// Lineitems returns n rows of Lineitem, with values as long and as many as TPC-H's
// (specification 4.2.3), though not the same ones.
func Lineitems(n int) *vec.Batch {
	rng := rand.New(rand.NewPCG(3, 4))
	var b []*vec.Builder
	for _, f := range Lineitem {
		b = append(b, vec.NewBuilder(f.Type))
	}
	pick := func(of string) string {
		all := strings.Split(of, ",")
		return all[rng.IntN(len(all))]
	}
	words := strings.Fields("furiously carefully slyly blithely final regular express ironic pending special requests deposits packages accounts theodolites foxes ideas platelets sleep haggle nag cajole above the according to among")
	order, line := int64(1), int64(0)
	for range n {
		if line++; line > 7 || rng.IntN(4) == 0 {
			order, line = order+1+int64(rng.IntN(2))*24, 1
		}
		quantity := int64(1 + rng.IntN(50))
		ship := int64(8036 + rng.IntN(2526)) // 1992-01-02 and on
		flag, status := "N", "O"
		if ship < 9298 {
			flag, status = pick("R,A"), "F"
		}
		var comment strings.Builder
		for want := 10 + rng.IntN(34); comment.Len() < want; {
			comment.WriteString(words[rng.IntN(len(words))])
			comment.WriteByte(' ')
		}
		for c, v := range []int64{order, int64(1 + rng.IntN(200_000)), int64(1 + rng.IntN(10_000)), line, 100 * quantity,
			quantity * int64(90_000+rng.IntN(11_000)), int64(rng.IntN(11)), int64(rng.IntN(9))} {
			b[c].Int(v)
		}
		b[8].String(flag)
		b[9].String(status)
		b[10].Int(ship)
		b[11].Int(ship - 30 + int64(rng.IntN(90)))
		b[12].Int(ship + 1 + int64(rng.IntN(30)))
		b[13].String(pick("DELIVER IN PERSON,COLLECT COD,NONE,TAKE BACK RETURN"))
		b[14].String(pick("REG AIR,AIR,RAIL,SHIP,TRUCK,MAIL,FOB"))
		b[15].String(comment.String()[:comment.Len()-1])
	}
	out := &vec.Batch{Rows: n}
	for _, x := range b {
		out.Cols = append(out.Cols, x.Finish())
	}
	return out
}
