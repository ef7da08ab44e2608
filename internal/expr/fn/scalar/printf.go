package scalar

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(
		kernel.Define("PRINTF", doc("string", "PRINTF(format, x, …)", "the values by a format of C and Java; NULL as null", "PRINTF('%d-%s', 5, 'x')"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Anything}, Rest: true, Ret: types.TString, NullsIn: true, MayBeNull: true, Eval: evalPrintf},
			kernel.Sig{Args: oneText, Ret: types.TString, NullsIn: true, MayBeNull: true, Eval: evalPrintf}),
		kernel.Define("INET_ATON", doc("string", "INET_ATON(s)", "an IPv4 address as a number; NULL if it is none", "INET_ATON('1.2.3.4')"),
			kernel.Sig{Args: oneText, Ret: types.TBigInt, MayBeNull: true, Eval: evalAton}),
		kernel.Define("INET_NTOA", doc("string", "INET_NTOA(n)", "a number as an IPv4 address; NULL if it is none", "INET_NTOA(16909060)"),
			kernel.Sig{Args: []kernel.Want{kernel.Int64}, Ret: types.TString, MayBeNull: true, Eval: evalNtoa}),
	)
}

func evalPrintf(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	format, nulls := kernel.Str(args[0]), kernel.NullsOf(args[0])
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		if nulls.At(i) {
			return dst, false
		}
		return printf(dst, string(format.At(i)), func(k int) any { return printed(c, args, k, i) }, len(args)-1)
	}), nil
}

// printed is a value as Go's fmt takes it; nil for NULL.
func printed(c *fn.Call, args []vec.Vector, k, row int) any {
	v, ok := expr.ValueAt(args[k+1], row)
	if v == nil && ok {
		return nil
	}
	if t := c.Args[k+1].Type; !ok || !t.Integer() && !t.Approx() && !t.Character() && t.Kind != types.Boolean {
		return string(kernel.AppendText(nil, t, args[k+1], row, c.Env.Zone))
	}
	return v
}

// printf writes a format of java.util.Formatter: %[n$][flags][width][.precision]
// and a conversion; false if it is malformed or lacks a value.
func printf(dst []byte, format string, arg func(k int) any, n int) ([]byte, bool) {
	next := 0
	for {
		at := strings.IndexByte(format, '%')
		if at < 0 {
			return append(dst, format...), true
		}
		dst = append(dst, format[:at]...)
		format = format[at+1:]
		end := strings.IndexFunc(format, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '%' })
		if end < 0 {
			return dst, false
		}
		spec, verb := format[:end], format[end]
		format = format[end+1:]
		switch verb {
		case '%':
			dst = append(dst, '%')
			continue
		case 'n':
			dst = append(dst, '\n')
			continue
		}
		k := next
		if place, flags, ok := strings.Cut(spec, "$"); ok {
			if _, err := fmt.Sscan(place, &k); err != nil {
				return dst, false
			}
			k, spec = k-1, flags
		} else {
			next++
		}
		if k < 0 || k >= n {
			return dst, false
		}
		out, ok := printOne(spec, verb, arg(k))
		if !ok {
			return dst, false
		}
		dst = append(dst, out...)
	}
}

func printOne(spec string, verb byte, v any) (string, bool) {
	upper := verb >= 'A' && verb <= 'Z'
	verb |= 0x20
	spec = strings.ReplaceAll(spec, ",", "")
	if v == nil {
		return fmt.Sprintf("%"+strings.ReplaceAll(spec, "0", "")+"s", "null"), true
	}
	switch v := v.(type) {
	case int64:
		switch verb {
		case 'd', 'x', 'o', 'c':
		case 's', 'b', 'h':
			verb = 'd'
		default:
			return "", false
		}
		_ = v
	case float64:
		if strings.IndexByte("efgs", verb) < 0 {
			return "", false
		}
		if verb != 's' && !strings.Contains(spec, ".") {
			spec += ".6"
		}
		if verb == 's' {
			return fmt.Sprintf("%"+spec+"s", types.AppendDouble(nil, v)), true
		}
	default:
		if verb != 's' && verb != 'b' {
			return "", false
		}
		verb = 'v'
	}
	out := fmt.Sprintf("%"+spec+string(verb), v)
	if upper {
		out = strings.ToUpper(out)
	}
	return out, true
}

func evalAton(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	return kernel.NumsNull(rows, n, func(i int) (int64, bool) {
		return parseIPv4(kernel.TextOf(s.At(i)))
	}), nil
}

// parseIPv4 reads 1.2.3.4 and, as inet_aton has it, shorter forms, whose last number
// fills what is left: 127.1 is 127.0.0.1.
func parseIPv4(s string) (int64, bool) {
	var v int64
	for k := range 4 {
		part, rest, more := strings.Cut(s, ".")
		bits := 8
		if !more {
			bits = 8 * (4 - k)
		}
		n, err := strconv.ParseUint(part, 10, bits)
		if err != nil {
			return 0, false
		}
		if v = v<<bits | int64(n); !more {
			return v, true
		}
		s = rest
	}
	return 0, false
}

func evalNtoa(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	x := kernel.Num[int64](args[0])
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		v := x.At(i)
		if v < 0 || v > 1<<32-1 {
			return dst, false
		}
		return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}).AppendTo(dst), true
	}), nil
}
