package kernel

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
)

func TestLiteralOf(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		before        int
	}{
		{`(&|^)channel_id=([^&]*)`, "channel_id=", 4},
		{`abc`, "abc", 0},
		{`(abc)d`, "abc", 0},
		{`x?abc|abc`, "", 0},
		{`.{2}abc.*abcdef`, "abc", 8},
		{`.*abcdef`, "", 0},
		{`abc.*abcdef`, "abc", 0},
		{`abc.abcdef`, "abcdef", 16},
		{`(?i)abc`, "", 0},
		{`ab`, "", 0},
		{`[0-9]{1,3}\.日本語`, ".日本語", 12},
		{`(?:.{900}){2}abc`, "", 0},
		{``, "", 0},
	} {
		if l := literalOf(c.pattern); string(l.text) != c.text || c.text != "" && l.before != c.before {
			t.Errorf("%s: %q behind %d", c.pattern, l.text, l.before)
		}
	}
}

// What is found by way of a literal is what is found without: also where ^, \A, \b and
// groups look at what is before it, and characters have several bytes.
func TestLiteralFindsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"abc", "ab", "a", "b", "c", " ", "é", "日", "\n", "x", "&", "abcd"}
	found := 0
	for _, pattern := range []string{`(&|^)abc`, `^abc`, `\Aabc`, `\babc\b`, `\Babc`, `(a|^)?abc(.)?`, `(?m)^abc$`, `(x|é)?(.)abc`, `..abc`, `(?s)..abc`, `(^|x)(^|a)abc`, `[^a]?abc+`, `日abc`, `a{0,2}abc`, `abc|abcd`} {
		plain, err := regexp.Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		l := literalOf(pattern)
		for range 3000 {
			var s []byte
			for range r.IntN(12) {
				s = append(s, words[r.IntN(len(words))]...)
			}
			var got []int
			if at := l.from(s); at >= 0 {
				got = plain.FindSubmatchIndex(s[at:])
				for i := range got {
					if got[i] >= 0 {
						got[i] += at
					}
				}
			}
			if want := plain.FindSubmatchIndex(s); !slices.Equal(got, want) {
				t.Fatalf("%s in %q: %v, not %v", pattern, s, got, want)
			} else if want != nil {
				found++
			}
		}
	}
	if found < 5000 {
		t.Errorf("%d matches only", found)
	}
}

func BenchmarkRegexLiteral(b *testing.B) {
	r, err := NewRegex(`(&|^)channel_id=([^&]*)`)
	if err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]string{"with": "https://www.nexmark.com/abcdefgh/ijklmnop/qrstuvwx/item.htm?query=1&channel_id=1234567", "without": "https://www.nexmark.com/abcdefgh/ijklmnop/qrstuvwx/item.htm?query=1"} {
		b.Run(name, func(b *testing.B) {
			text := []byte(s)
			for b.Loop() {
				if _, err := r.Find(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
