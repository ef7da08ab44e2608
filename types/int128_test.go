package types

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// random128 draws numbers of all magnitudes.
func random128(r *rand.Rand) Int128 {
	v := Int128{Lo: r.Uint64(), Hi: int64(r.Uint64())}
	for n := r.IntN(127); n > 0; n-- {
		v = Int128{Lo: v.Lo>>1 | uint64(v.Hi)<<63, Hi: v.Hi >> 1}
	}
	return v
}

func fits(b *big.Int) bool { return b.BitLen() <= 127 }

func TestInt128(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	wrap := func(b *big.Int) Int128 { return Int128FromBig(b) }
	for range 200000 {
		a, b := random128(r), random128(r)
		x, y := a.Big(), b.Big()
		if wrap(x) != a {
			t.Fatalf("%s does not come back", x)
		}
		if got, want := a.Add(b), wrap(new(big.Int).Add(x, y)); got != want {
			t.Fatalf("%s + %s = %s", x, y, got)
		}
		if got, want := a.Sub(b), wrap(new(big.Int).Sub(x, y)); got != want {
			t.Fatalf("%s - %s = %s", x, y, got)
		}
		p := new(big.Int).Mul(x, y)
		if got, ok := a.Mul(b); ok != fits(p) || ok && got.Big().Cmp(p) != 0 {
			t.Fatalf("%s * %s = %s, %v", x, y, got, ok)
		}
		if got := a.MulInt(int64(b.Lo)); got != wrap(new(big.Int).Mul(x, big.NewInt(int64(b.Lo)))) {
			t.Fatalf("%s * %d = %s", x, int64(b.Lo), got)
		}
		if got, want := a.Cmp(b), x.Cmp(y); got != want || a.Less(b) != (want < 0) {
			t.Fatalf("%s <=> %s = %d", x, y, got)
		}
		if a.String() != x.String() {
			t.Fatalf("%s prints as %s", x, a)
		}
		if y.Sign() != 0 {
			checkDivision(t, a, b)
		}
	}
}

func checkDivision(t *testing.T, a, b Int128) {
	t.Helper()
	x, y := a.Big(), b.Big()
	if a.Neg() == a && x.Sign() != 0 || b.Neg() == b {
		return // the least has no magnitude
	}
	q, m := new(big.Int).QuoRem(x, y, new(big.Int))
	if gq, gm := a.QuoRem(b); gq.Big().Cmp(q) != 0 || gm.Big().Cmp(m) != 0 {
		t.Fatalf("%s / %s = %s rest %s", x, y, gq, gm)
	}
	if d := int64(b.Lo >> 2); d > 0 {
		fq, fm := new(big.Int).DivMod(x, big.NewInt(d), new(big.Int))
		if gq, gm := a.DivInt(d); gq.Big().Cmp(fq) != 0 || gm != fm.Int64() {
			t.Fatalf("%s / %d = %s rest %d", x, d, gq, gm)
		}
	}
}

// halfUp is a/b rounded half away from zero.
func halfUp(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if r.Abs(r).Lsh(r, 1).CmpAbs(b) >= 0 {
		if a.Sign()*b.Sign() < 0 {
			return q.Sub(q, big.NewInt(1))
		}
		return q.Add(q, big.NewInt(1))
	}
	return q
}

func TestDecimalArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100000 {
		a, b := random128(r), random128(r)
		shift := r.IntN(39)
		if a.Neg() == a || b.Neg() == b {
			continue
		}
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), nil)
		want := halfUp(new(big.Int).Mul(a.Big(), b.Big()), ten)
		if got, ok := a.MulRound(b, shift); ok != fits(want) || ok && got.Big().Cmp(want) != 0 {
			t.Fatalf("%s * %s / 10^%d = %s, %v, want %s", a, b, shift, got, ok, want)
		}
		want = halfUp(new(big.Int).Mul(a.Big(), ten), b.Big())
		if got, ok := a.DivScaled(b, shift); ok && got.Big().Cmp(want) != 0 || !ok && fits(want) && shift < 38 {
			t.Fatalf("%s * 10^%d / %s = %s, %v, want %s", a, shift, b, got, ok, want)
		}
		from, to := r.IntN(39), r.IntN(39)
		got, ok := a.Rescale(from, to)
		want = new(big.Int).Mul(a.Big(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(to-from, 0))), nil))
		want = halfUp(want, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(from-to, 0))), nil))
		if ok != fits(want) || ok && got.Big().Cmp(want) != 0 {
			t.Fatalf("%s from scale %d to %d = %s, %v", a, from, to, got, ok)
		}
	}
}

func TestDecimalTypes(t *testing.T) {
	d := DecimalOf
	for _, c := range []struct{ got, want Type }{
		{DecimalMul(d(10, 2), d(10, 4)), d(21, 6)},
		{DecimalDiv(d(10, 2), d(10, 4)), d(25, 13)},
		{DecimalDiv(d(20, 5), d(10, 2)), d(33, 16)},
		{DecimalDiv(d(10, 0), d(2, 1)), d(17, 6)},
		{DecimalAdd(d(38, 10), d(20, 15)), d(38, 9)},
	} {
		if !c.got.Equal(c.want) {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		in          string
		prec, scale int
		want        string
	}{
		{"3.99", 6, 2, "3.99"}, {"1e3", 6, 2, "1000.00"}, {"-0.5", 6, 2, "-0.50"}, {"12.5x", 6, 2, "12.50"}, {"abc", 6, 2, "bad"},
		{"1.005", 6, 2, "1.01"}, {"-1.005", 6, 2, "-1.01"}, {"99999.995", 7, 2, "wide"}, {"", 6, 2, "bad"}, {".", 6, 2, "bad"},
		{"1.5E-3", 10, 4, "0.0015"}, {" 7 ", 3, 0, "7"}, {"+5", 3, 0, "5"}, {"1e400", 38, 0, "wide"}, {"1e-400", 38, 2, "0.00"},
		{"99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"},
		{"0.4", 3, 0, "0"}, {"0.5", 3, 0, "1"}, {"1.5xy", 6, 2, "bad"},
	} {
		v, fit, ok := ParseDecimal([]byte(c.in), c.prec, c.scale)
		got := string(AppendDecimal128(nil, v, c.scale))
		if !ok {
			got = "bad"
		} else if !fit {
			got = "wide"
		}
		if got != c.want {
			t.Errorf("%q as DECIMAL(%d, %d) is %s, want %s", c.in, c.prec, c.scale, got, c.want)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "-1e3", "999999999999999999.5", "1e-40"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, fit, ok := ParseDecimal([]byte(s), 38, 10)
		want, valid := new(big.Rat).SetString(s)
		if !ok || !valid || len(s) > 60 {
			return
		}
		want.Mul(want, new(big.Rat).SetInt(Pow10(10).Big()))
		if rounded := halfUp(want.Num(), want.Denom()); fit && v.Big().Cmp(rounded) != 0 {
			t.Fatalf("%q is %s, want %s", s, v, rounded)
		}
	})
}
