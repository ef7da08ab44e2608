package kernel

import (
	"bytes"
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

type ordered interface {
	int8 | int16 | int32 | int64 | float32 | float64
}

// A Cmp is a comparison by its sign.
type Cmp uint8

// The comparisons.
const (
	Eq Cmp = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

// Cmps are the comparisons by their names in SQL.
var Cmps = map[string]Cmp{"=": Eq, "<>": Ne, "<": Lt, "<=": Le, ">": Gt, ">=": Ge}

// flip is the comparison with its operands exchanged.
func (op Cmp) flip() Cmp { return [...]Cmp{Eq, Ne, Gt, Ge, Lt, Le}[op] }

// Holds reports whether the comparison holds of two values whose order is c
// (negative, zero, positive).
func (op Cmp) Holds(c int) bool {
	switch op {
	case Eq:
		return c == 0
	case Ne:
		return c != 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	}
	return c >= 0
}

// Compare returns the kernel of a comparison of two columns of one type.
func Compare(op Cmp, t types.Type) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		a, b := args[0], args[1]
		switch t.Phys() {
		case types.PhysInt8:
			return boolOrdered(op, Num[int8](a), Num[int8](b), n), nil
		case types.PhysInt16:
			return boolOrdered(op, Num[int16](a), Num[int16](b), n), nil
		case types.PhysInt32:
			return boolOrdered(op, Num[int32](a), Num[int32](b), n), nil
		case types.PhysInt64:
			return boolOrdered(op, Num[int64](a), Num[int64](b), n), nil
		case types.PhysFloat32:
			return boolOrdered(op, Num[float32](a), Num[float32](b), n), nil
		case types.PhysFloat64:
			return boolOrdered(op, Num[float64](a), Num[float64](b), n), nil
		case types.PhysInt128:
			x, y := Num[types.Int128](a), Num[types.Int128](b)
			return Nums(rows, n, func(i int) bool { return op.Holds(x.At(i).Cmp(y.At(i))) }), nil
		case types.PhysBool:
			x, y := Num[bool](a), Num[bool](b)
			return Nums(rows, n, func(i int) bool { return op.Holds(cmpBool(x.At(i), y.At(i))) }), nil
		case types.PhysBytes:
			return boolStr(op, Str(a), Str(b), rows, n), nil
		}
		if op > Ne {
			return nil, fmt.Errorf("values of type %s have no order", t.Name())
		}
		a, b = vec.Flat(a), vec.Flat(b)
		return Nums(rows, n, func(i int) bool { return Same(a, i, b, i) == (op == Eq) }), nil
	}
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func boolOrdered[T ordered](op Cmp, x, y NumView[T], n int) vec.Vector {
	out := make([]bool, n)
	if x.Const() && !y.Const() {
		x, y, op = y, x, op.flip()
	}
	switch {
	case x.Const():
		var one [1]bool
		boolVC(op, x.Vals[:1], y.Vals[0], one[:])
		for i := range out {
			out[i] = one[0]
		}
	case y.Const():
		boolVC(op, x.Vals[:n], y.Vals[0], out)
	default:
		boolVV(op, x.Vals[:n], y.Vals[:n], out)
	}
	return &vec.Fixed[bool]{Vals: out}
}

// order is -1, 0 or 1; NaN is equal to NaN and above all else.
func order[T ordered](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b || a != a && b != b:
		return 0
	case a != a:
		return 1
	}
	return -1
}

func boolVC[T ordered](op Cmp, x []T, c T, out []bool) {
	switch op {
	case Eq:
		boolEqVC(x, c, out)
	case Ne:
		boolNeVC(x, c, out)
	case Lt:
		boolLtVC(x, c, out)
	case Le:
		boolLeVC(x, c, out)
	case Gt:
		boolGtVC(x, c, out)
	case Ge:
		boolGeVC(x, c, out)
	}
}

func boolVV[T ordered](op Cmp, x, y []T, out []bool) {
	switch op {
	case Eq:
		boolEqVV(x, y, out)
	case Ne:
		boolNeVV(x, y, out)
	case Lt:
		boolLtVV(x, y, out)
	case Le:
		boolLeVV(x, y, out)
	case Gt:
		boolGtVV(x, y, out)
	case Ge:
		boolGeVV(x, y, out)
	}
}

func boolStr(op Cmp, x, y StrView, rows []int32, n int) vec.Vector {
	if op <= Ne {
		want := op == Eq
		return Nums(rows, n, func(i int) bool { return bytes.Equal(x.At(i), y.At(i)) == want })
	}
	return Nums(rows, n, func(i int) bool { return op.Holds(bytes.Compare(x.At(i), y.At(i))) })
}

// Select returns which of the rows satisfy a comparison, ignoring NULLs: the
// caller drops the rows where an operand is one. It writes to out, which has
// room for as many as there are rows and may share rows' memory. ok is false if
// it has no loop for the operands; use Compare then.
func Select(op Cmp, phys types.Phys, a, b vec.Vector, rows []int32, n int, out []int32) (sel []int32, ok bool) {
	switch phys {
	case types.PhysInt8:
		return selOrdered(op, Num[int8](a), Num[int8](b), rows, n, out), true
	case types.PhysInt16:
		return selOrdered(op, Num[int16](a), Num[int16](b), rows, n, out), true
	case types.PhysInt32:
		return selOrdered(op, Num[int32](a), Num[int32](b), rows, n, out), true
	case types.PhysInt64:
		return selOrdered(op, Num[int64](a), Num[int64](b), rows, n, out), true
	case types.PhysFloat32:
		return selOrdered(op, Num[float32](a), Num[float32](b), rows, n, out), true
	case types.PhysFloat64:
		return selOrdered(op, Num[float64](a), Num[float64](b), rows, n, out), true
	case types.PhysBytes:
		return selStr(op, Str(a), Str(b), rows, n, out), true
	case types.PhysInt128:
		return selWide(op, Num[types.Int128](a), Num[types.Int128](b), rows, n, out), true
	}
	return nil, false
}

func selOrdered[T ordered](op Cmp, x, y NumView[T], rows []int32, n int, out []int32) []int32 {
	if x.Const() {
		x, y, op = y, x, op.flip()
	}
	switch {
	case rows != nil:
		return selRows(op, x, y, rows, out[:len(rows)])
	case x.Const():
		all := make([]int32, n)
		for i := range all {
			all[i] = int32(i)
		}
		return selRows(op, x, y, all, out)
	case y.Const():
		return selVC(op, x.Vals[:n], y.Vals[0], out[:n])
	}
	return selVV(op, x.Vals[:n], y.Vals[:n], out[:n])
}

func selRows[T ordered](op Cmp, x, y NumView[T], rows, out []int32) []int32 {
	switch op {
	case Eq:
		return selEqRows(x, y, rows, out)
	case Ne:
		return selNeRows(x, y, rows, out)
	case Lt:
		return selLtRows(x, y, rows, out)
	case Le:
		return selLeRows(x, y, rows, out)
	case Gt:
		return selGtRows(x, y, rows, out)
	}
	return selGeRows(x, y, rows, out)
}

func selVC[T ordered](op Cmp, x []T, c T, out []int32) []int32 {
	switch op {
	case Eq:
		return selEqVC(x, c, out)
	case Ne:
		return selNeVC(x, c, out)
	case Lt:
		return selLtVC(x, c, out)
	case Le:
		return selLeVC(x, c, out)
	case Gt:
		return selGtVC(x, c, out)
	}
	return selGeVC(x, c, out)
}

func selVV[T ordered](op Cmp, x, y []T, out []int32) []int32 {
	switch op {
	case Eq:
		return selEqVV(x, y, out)
	case Ne:
		return selNeVV(x, y, out)
	case Lt:
		return selLtVV(x, y, out)
	case Le:
		return selLeVV(x, y, out)
	case Gt:
		return selGtVV(x, y, out)
	}
	return selGeVV(x, y, out)
}

func selStr(op Cmp, x, y StrView, rows []int32, n int, out []int32) []int32 {
	if op <= Ne && x.Const() != y.Const() {
		if x.Const() {
			x, y = y, x
		}
		return selStrConst(x, y.At(0), op == Eq, rows, n, out)
	}
	k := 0
	Each(rows, n, func(i int) {
		out[k] = int32(i)
		if op.Holds(bytes.Compare(x.At(i), y.At(i))) {
			k++
		}
	})
	return out[:k]
}

// selStrConst compares lengths first: most texts that differ, differ there.
func selStrConst(x StrView, c []byte, want bool, rows []int32, n int, out []int32) []int32 {
	k := 0
	if rows == nil {
		text, width := string(c), uint32(len(c))
		for i := range n {
			from, to := x.Offs[i], x.Offs[i+1]
			out[k] = int32(i)
			if (to-from == width && string(x.Data[from:to]) == text) == want {
				k++
			}
		}
		return out[:k]
	}
	for _, r := range rows {
		out[k] = r
		if bytes.Equal(x.At(int(r)), c) == want {
			k++
		}
	}
	return out[:k]
}
