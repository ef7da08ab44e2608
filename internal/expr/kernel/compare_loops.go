package kernel

// The loops behind the comparisons, one for each sign and shape of operands: VV
// is column with column, VC column with constant. A NaN equals a NaN and is
// neither less nor greater than anything. The selecting loops write each
// candidate and then move on or not, so that they have no branch to mispredict.

func boolEqVV[T ordered](x, y []T, out []bool) {
	y = y[:len(x)]
	out = out[:len(x)]
	for i, a := range x {
		b := y[i]
		out[i] = a == b || a != a && b != b
	}
}

func boolEqVC[T ordered](x []T, b T, out []bool) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a == b || a != a && b != b
	}
}

func selEqVV[T ordered](x, y []T, out []int32) []int32 {
	y = y[:len(x)]
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if b := y[i]; a == b || a != a && b != b {
			k++
		}
	}
	return out[:k]
}

func selEqVC[T ordered](x []T, b T, out []int32) []int32 {
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if a == b || a != a && b != b {
			k++
		}
	}
	return out[:k]
}

func selEqRows[T ordered](x, y NumView[T], rows, out []int32) []int32 {
	k := 0
	for _, r := range rows {
		a, b := x.At(int(r)), y.At(int(r))
		out[k] = r
		if a == b || a != a && b != b {
			k++
		}
	}
	return out[:k]
}

func boolNeVV[T ordered](x, y []T, out []bool) {
	y = y[:len(x)]
	out = out[:len(x)]
	for i, a := range x {
		b := y[i]
		out[i] = a != b && (a == a || b == b)
	}
}

func boolNeVC[T ordered](x []T, b T, out []bool) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a != b && (a == a || b == b)
	}
}

func selNeVV[T ordered](x, y []T, out []int32) []int32 {
	y = y[:len(x)]
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if b := y[i]; a != b && (a == a || b == b) {
			k++
		}
	}
	return out[:k]
}

func selNeVC[T ordered](x []T, b T, out []int32) []int32 {
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if a != b && (a == a || b == b) {
			k++
		}
	}
	return out[:k]
}

func selNeRows[T ordered](x, y NumView[T], rows, out []int32) []int32 {
	k := 0
	for _, r := range rows {
		a, b := x.At(int(r)), y.At(int(r))
		out[k] = r
		if a != b && (a == a || b == b) {
			k++
		}
	}
	return out[:k]
}

func boolLtVV[T ordered](x, y []T, out []bool) {
	y = y[:len(x)]
	out = out[:len(x)]
	for i, a := range x {
		b := y[i]
		out[i] = a < b
	}
}

func boolLtVC[T ordered](x []T, b T, out []bool) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a < b
	}
}

func selLtVV[T ordered](x, y []T, out []int32) []int32 {
	y = y[:len(x)]
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if b := y[i]; a < b {
			k++
		}
	}
	return out[:k]
}

func selLtVC[T ordered](x []T, b T, out []int32) []int32 {
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if a < b {
			k++
		}
	}
	return out[:k]
}

func selLtRows[T ordered](x, y NumView[T], rows, out []int32) []int32 {
	k := 0
	for _, r := range rows {
		a, b := x.At(int(r)), y.At(int(r))
		out[k] = r
		if a < b {
			k++
		}
	}
	return out[:k]
}

func boolLeVV[T ordered](x, y []T, out []bool) {
	y = y[:len(x)]
	out = out[:len(x)]
	for i, a := range x {
		b := y[i]
		out[i] = a <= b
	}
}

func boolLeVC[T ordered](x []T, b T, out []bool) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a <= b
	}
}

func selLeVV[T ordered](x, y []T, out []int32) []int32 {
	y = y[:len(x)]
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if b := y[i]; a <= b {
			k++
		}
	}
	return out[:k]
}

func selLeVC[T ordered](x []T, b T, out []int32) []int32 {
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if a <= b {
			k++
		}
	}
	return out[:k]
}

func selLeRows[T ordered](x, y NumView[T], rows, out []int32) []int32 {
	k := 0
	for _, r := range rows {
		a, b := x.At(int(r)), y.At(int(r))
		out[k] = r
		if a <= b {
			k++
		}
	}
	return out[:k]
}

func boolGtVV[T ordered](x, y []T, out []bool) {
	y = y[:len(x)]
	out = out[:len(x)]
	for i, a := range x {
		b := y[i]
		out[i] = a > b
	}
}

func boolGtVC[T ordered](x []T, b T, out []bool) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a > b
	}
}

func selGtVV[T ordered](x, y []T, out []int32) []int32 {
	y = y[:len(x)]
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if b := y[i]; a > b {
			k++
		}
	}
	return out[:k]
}

func selGtVC[T ordered](x []T, b T, out []int32) []int32 {
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if a > b {
			k++
		}
	}
	return out[:k]
}

func selGtRows[T ordered](x, y NumView[T], rows, out []int32) []int32 {
	k := 0
	for _, r := range rows {
		a, b := x.At(int(r)), y.At(int(r))
		out[k] = r
		if a > b {
			k++
		}
	}
	return out[:k]
}

func boolGeVV[T ordered](x, y []T, out []bool) {
	y = y[:len(x)]
	out = out[:len(x)]
	for i, a := range x {
		b := y[i]
		out[i] = a >= b
	}
}

func boolGeVC[T ordered](x []T, b T, out []bool) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a >= b
	}
}

func selGeVV[T ordered](x, y []T, out []int32) []int32 {
	y = y[:len(x)]
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if b := y[i]; a >= b {
			k++
		}
	}
	return out[:k]
}

func selGeVC[T ordered](x []T, b T, out []int32) []int32 {
	k := 0
	for i, a := range x {
		out[k] = int32(i)
		if a >= b {
			k++
		}
	}
	return out[:k]
}

func selGeRows[T ordered](x, y NumView[T], rows, out []int32) []int32 {
	k := 0
	for _, r := range rows {
		a, b := x.At(int(r)), y.At(int(r))
		out[k] = r
		if a >= b {
			k++
		}
	}
	return out[:k]
}
