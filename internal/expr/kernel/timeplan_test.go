package kernel

import (
	"math/rand/v2"
	"testing"
)

// TestTimePlan: a pattern reads a text by its plan as it does without one. Texts are
// right ones and what becomes of them when characters are changed, left out and put in.
func TestTimePlan(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const near = "0123456789-:. T/Z+"
	for _, pattern := range []string{
		"yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.SSS", "yyyyMMddHHmmss", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'", "dd/MM/yyyy", "HH:mm", "yyyyMMddHHmmssSSS",
		"yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "MM.dd.yyyy SS",
	} {
		p, err := NewTimePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if p.plan.width == 0 {
			t.Errorf("%s has no plan", pattern)
		}
		slow := *p
		slow.plan = timePlan{}
		read := 0
		for range 20_000 {
			text := p.Append(nil, r.Int64N(4e15)-1e15, 0)
			for range r.IntN(3) {
				at, c := r.IntN(len(text)), near[r.IntN(len(near))]
				switch r.IntN(4) {
				case 0:
					text = append(text[:at], text[at+1:]...)
				case 1:
					text = append(text[:at], append([]byte{c}, text[at:]...)...)
				default:
					text[at] = c
				}
			}
			want, wantOK := slow.Parse(string(text))
			got, ok := p.Parse(string(text))
			if ok != wantOK || ok && got != want {
				t.Fatalf("%s: %q is %v %v, without a plan %v %v", pattern, text, got, ok, want, wantOK)
			}
			if ok {
				read++
			}
		}
		if read < 5_000 {
			t.Errorf("%s: only %d texts can be read", pattern, read)
		}
	}
	for _, pattern := range []string{"y-M-d", "yy-MM-dd", "yyyy-MM-dd a", "yyyy-DDD", "yyyy yyyy", "MMM dd yyyy", "HH:mm:ssX"} {
		if p, err := NewTimePattern(pattern); err != nil || p.plan.width != 0 {
			t.Errorf("%s: %v, plan %v", pattern, err, p.plan)
		}
	}
}
