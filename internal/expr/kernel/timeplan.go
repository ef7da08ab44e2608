package kernel

import "github.com/millrace-io/millrace/types"

// A timePlan is where the fields of a pattern stand in texts, for patterns all of whose
// fields have a width when they are read strictly, as nearly all that occur. What it
// does not read is left to TimePattern.read.
type timePlan struct {
	width  int // of all texts; 0: there is no plan
	signs  []timeSign
	fields [7]timeField // year, month, day, hour, minute, second, fraction
}

// A timeSign is a byte that has to stand at a place.
type timeSign struct {
	at   int
	sign byte
}

// A timeField is the digits of a field; one without any has its value from 1970-01-01.
type timeField struct{ at, width int }

// planned are the letters of a plan, in the order of its fields, and how often each may
// stand: the fraction up to nine times.
const planned = "yMdHmsS"

var plannedWidth = [len(planned)]int{4, 2, 2, 2, 2, 2, 9}

// newTimePlan returns the plan of a pattern, the zero value if there is none.
func newTimePlan(parts []timePart) timePlan {
	var p timePlan
	for _, part := range parts {
		if part.letter == 0 {
			for i := range len(part.text) {
				p.signs = append(p.signs, timeSign{p.width + i, part.text[i]})
			}
			p.width += len(part.text)
			continue
		}
		f := -1
		for i := range len(planned) {
			if planned[i] == part.letter {
				f = i
			}
		}
		if f < 0 || p.fields[f].width > 0 || part.n > plannedWidth[f] || part.n < plannedWidth[f] && part.letter != 'S' || part.n == 1 {
			return timePlan{}
		}
		p.fields[f] = timeField{p.width, part.n}
		p.width += part.n
	}
	return p
}

// read reads a text of the plan's width; ok is false also for what the pattern may read
// in another way. Fields are not checked for their range.
func (p *timePlan) read(s string) (c types.Civil, ok bool) {
	if p.width == 0 || len(s) != p.width {
		return c, false
	}
	for _, x := range p.signs {
		if s[x.at] != x.sign {
			return c, false
		}
	}
	c = types.Civil{Year: 1970, Month: 1, Day: 1}
	bad := uint(0)
	if at := p.fields[0].at; p.fields[0].width > 0 {
		high, low := pair(s, at), pair(s, at+2)
		c.Year, bad = int(high*100+low), high|low
	}
	for i, to := range [...]*int{&c.Month, &c.Day, &c.Hour, &c.Minute, &c.Second} {
		if f := p.fields[1+i]; f.width > 0 {
			x := pair(s, f.at)
			*to, bad = int(x), bad|x
		}
	}
	if f := p.fields[6]; f.width > 0 {
		x := uint(0)
		for _, d := range []byte(s[f.at : f.at+f.width]) {
			if d -= '0'; d > 9 {
				return c, false
			}
			x = x*10 + uint(d)
		}
		c.Nano = int(x * nanosOf[f.width])
	}
	return c, bad < notDigits
}

// nanosOf is what the last of so many digits of a fraction counts.
var nanosOf = [...]uint{0, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1}

// notDigits is a bit above all numbers of two digits.
const notDigits = 1 << 16

// pair is the number of two digits at a place, or has the bit notDigits.
func pair(s string, at int) uint {
	a, b := s[at]-'0', s[at+1]-'0'
	if a > 9 || b > 9 {
		return notDigits
	}
	return uint(a)*10 + uint(b)
}
