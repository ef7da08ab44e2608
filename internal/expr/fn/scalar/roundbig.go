package scalar

import (
	"math/big"
	"strconv"
	"strings"
)

// roundBig rounds the shortest decimal form of x to places digits after the
// point, half up, or cuts it there.
func roundBig(x float64, places int, half bool) float64 {
	text := strconv.FormatFloat(x, 'e', -1, 64)
	neg := strings.HasPrefix(text, "-")
	mant, exp, _ := strings.Cut(strings.TrimPrefix(text, "-"), "e")
	e, _ := strconv.Atoi(exp)
	digits := strings.Replace(mant, ".", "", 1)
	keep := e + 1 + places // how many of the digits stay
	if keep >= len(digits) {
		return x + 0 // a zero has no sign then
	}
	if keep < 0 {
		return 0
	}
	n, _ := new(big.Int).SetString("0"+digits[:keep], 10)
	if half && digits[keep] >= '5' {
		n.Add(n, big.NewInt(1))
	}
	f, _ := strconv.ParseFloat(n.String()+"e"+strconv.Itoa(-places), 64)
	if neg && f != 0 {
		return -f
	}
	return f
}
