package kernel

import (
	"fmt"
	"strings"
	"testing"
)

// TestRegex: patterns of Java's kind, what they find as java.util.regex documents
// it, and which engine they take.
func TestRegex(t *testing.T) {
	for _, c := range []struct {
		pattern, text, want string // the matches of the whole, in brackets
		back                bool
	}{
		{`b.`, "abcbd", "[bc][bd]", false},
		{`a.c`, "a\nc a\rc a\u0085c a\u2028c abc", "[abc]", false},
		{`(?s)a.c`, "a\nc abc", "[a\nc][abc]", false},
		{`(?d)a.c`, "a\nc a\rc", "[a\rc]", false},
		{`x*`, "xab", "[x][][][]", false},
		{`\d+|\b`, "a 12", "[][][12][]", false},
		{`\w+\s\w+`, "é_1\va b", "[_1\va]", false},
		{`(?U)\w+`, "é1-ü", "[é1][ü]", false},
		{`(?i)straße`, "STRAßE STRASSE", "[STRAßE]", false},
		{`(?i)é`, "É", "", false},
		{`(?iu)é`, "É", "[É]", false},
		{`a(?i)b(?-i)c`, "aBc aBC", "[aBc]", false},
		{`(?i:a)b`, "Ab AB", "[Ab]", false},
		{`(?x) a b # comment` + "\n c", "abc", "[abc]", false},
		{`[a-z&&[^aeiou]]+`, "hello", "[h][ll]", false},
		{`[a-d[m-p]]+`, "abmpz", "[abmp]", false},
		{`[a-z&&[def]&&[e]]`, "def", "[e]", false},
		{`[]a]+`, "a]", "[a]]", false},
		{`[^]a]+`, "a]b", "[b]", false},
		{`[\w.-]+@[\w.]+`, "x me.a-b@c.de!", "[me.a-b@c.de]", false},
		{`\p{Alpha}+\p{Punct}`, "ab!é.", "[ab!]", false},
		{`\p{javaLowerCase}+`, "aéB", "[aé]", false},
		{`\p{L}+`, "aé1", "[aé]", false},
		{`\pL+\P{L}`, "aé1", "[aé1]", false},
		{`\p{IsGreek}+`, "abγδ", "[γδ]", false},
		{`\p{script=Latin}+`, "abγδ", "[ab]", false},
		{`\Qa.b\E+`, "a.bb", "[a.bb]", false},
		{`\x41\u0042\x{43}\0104`, "ABCD", "[ABCD]", false},
		{`\ta\e`, "\ta\x1b", "[\ta\x1b]", false},
		{`\R`, "a\r\nb\u2028", "[\r\n][\u2028]", false},
		{`\h+`, "a \t\u00a0b", "[ \t\u00a0]", false},
		{`c$`, "abc", "[c]", false},
		{`c$`, "abc\n", "[c]", true},
		{`c$`, "abc\r\n", "[c]", true},
		{`c\z`, "abc\n", "", false},
		{`c\Z`, "abc\n", "[c]", true},
		{`(?m)^b`, "a\nb", "[b]", true},
		{`(?m)b$`, "ab\rb", "[b][b]", true},
		{`^`, "a\nb", "[]", false},
		{`a++b`, "aab", "[aab]", true},
		{`a++ab`, "aab", "", true},
		{`"[^"]*+"`, `"x" "y"`, `["x"]["y"]`, true},
		{`(?>a+)b`, "aab", "[aab]", true},
		{`(\w)\1`, "hello", "[ll]", true},
		{`(?<c>\w)\k<c>`, "hello", "[ll]", true},
		{`(?i)(a)\1`, "aA", "[aA]", true},
		{`foo(?=bar)`, "foobar foobaz", "[foo]", true},
		{`foo(?!bar)`, "foobar foobaz", "[foo]", true},
		{`(?<=\$)\d+`, "€1 $22", "[22]", true},
		{`(?<!\$)\b\d+`, "€1 $22", "[1]", true},
		{`a{2,3}?`, "aaaa", "[aa][aa]", false},
		{`a{1001}`, strings.Repeat("a", 1001), "[" + strings.Repeat("a", 1001) + "]", true},
		{`}]`, "}]", "[}]]", false},
		{`😀+`, "x😀😀", "[😀😀]", false},
		{`(?=😀)[^a]`, "x😀", "[😀]", true},
	} {
		r, err := NewRegex(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if back := !r.linear([]byte(c.text)); back != c.back {
			t.Errorf("%s on %q takes the backtracking engine: %v", c.pattern, c.text, back)
		}
		if got := found(r, c.text); got != c.want {
			t.Errorf("%s finds %q in %q, want %q", c.pattern, got, c.text, c.want)
		}
		if r.backtrack() != nil {
			t.Errorf("%s: %v", c.pattern, r.backtrack())
		}
		r.re = nil // the other engine finds the same
		if got := found(r, c.text); got != c.want {
			t.Errorf("backtracking, %s finds %q in %q, want %q", c.pattern, got, c.text, c.want)
		}
	}
}

func found(r *Regex, text string) string {
	var b strings.Builder
	all, err := r.FindAll([]byte(text))
	if err != nil {
		return err.Error()
	}
	for _, m := range all {
		fmt.Fprintf(&b, "[%s]", text[m[0]:m[1]])
	}
	return b.String()
}

func TestRegexGroups(t *testing.T) {
	for _, pattern := range []string{`(a)(?<n>b)?(c)`, `(a)(?<n>b)?(c)(?=)`} {
		r, err := NewRegex(pattern)
		if err != nil || r.Groups() != 3 {
			t.Fatal(err, r.Groups())
		}
		for text, want := range map[string]string{"xabc": "[1 4 1 2 2 3 3 4]", "éac": "[2 4 2 3 -1 -1 3 4]"} {
			if m, err := r.Find([]byte(text)); err != nil || fmt.Sprint(m) != want {
				t.Errorf("%s in %s: %v, %v, want %s", pattern, text, m, err, want)
			}
		}
	}
}

func TestRegexErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		`(a`:          `regular expression "(a": character 1: the group is not closed`,
		`a)`:          `regular expression "a)": character 2: a closing parenthesis without an opening one`,
		`*a`:          `regular expression "*a": character 1: nothing stands before * that could be repeated`,
		`a**`:         `regular expression "a**": character 3: nothing stands before * that could be repeated`,
		`[a`:          `regular expression "[a": character 1: the class is not closed`,
		`[z-a]`:       `regular expression "[z-a]": character 2: the range does not ascend`,
		`\`:           `regular expression "\\": character 1: a backslash ends the pattern`,
		`\y`:          `regular expression "\\y": character 1: \y is not supported`,
		`\X`:          `regular expression "\\X": character 1: \X is not supported`,
		`\p{Klingon}`: `regular expression "\\p{Klingon}": character 1: there is no property "Klingon" here: there are those of POSIX, categories and scripts of Unicode and most of Java's`,
		`\1`:          `regular expression "\\1": character 1: there is no group 1 before`,
		`a{2`:         `regular expression "a{2": character 2: a repetition is {n}, {n,} or {n,m}`,
		`(?y)a`:       `regular expression "(?y)a": character 1: no such kind of group`,
	} {
		if _, err := NewRegex(pattern); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", pattern, err, want)
		}
	}
}

// TestRegexTime: a match that would take years ends with an error.
func TestRegexTime(t *testing.T) {
	r, err := NewRegex(`(a*)*\1b`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Match([]byte(strings.Repeat("a", 100)))
	if err == nil || !strings.Contains(err.Error(), "took more than 1s, as it needs backtracking for a back reference") {
		t.Errorf("got %v", err)
	}
}

// FuzzRegex: both engines find the same where both can.
func FuzzRegex(f *testing.F) {
	f.Add(`a(b|c)*d?`, "abcd")
	f.Add(`[a-c&&[^b]]+|x{2,}`, "abcxx")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		r, err := NewRegex(pattern)
		if err != nil || !r.linear([]byte(text)) || len(pattern) > 40 || len(text) > 40 {
			return
		}
		if err := r.backtrack(); err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		a, err := r.Match([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		r.re = nil
		if b, err := r.Match([]byte(text)); err == nil && a != b {
			t.Fatalf("%q on %q: %v and %v", pattern, text, a, b)
		}
	})
}
