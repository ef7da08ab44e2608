package bind

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var mutations = flag.Int("mutations", 10, "mutations of each statement in testdata")

// badError is an error that is no user's, or says no place.
var badError = regexp.MustCompile(`(?m)^(NOT A USER'S error|error: [^0-9]|error: [0-9]+[^0-9:])`)

// TestMutations binds the statements of testdata with words dropped, doubled and
// exchanged: whatever comes out is a tree or a user's error with a position,
// never a panic.
func TestMutations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		cases := strings.Split(string(data), "\nsql\n")
		s := newSession()
		for i, c := range cases[1:] {
			sql, _, _ := strings.Cut(c, "\n----")
			if i == 0 {
				s.run(sql)
				continue
			}
			for range *mutations {
				mutated := mutate(rnd, sql)
				if out := s.run(mutated); badError.MatchString(out) {
					t.Errorf("%s: %s\n%s", f, mutated, out)
				}
			}
		}
	}
}

func mutate(rnd *rand.Rand, sql string) string {
	words := strings.FieldsFunc(sql, func(r rune) bool { return r == ' ' || r == '\n' })
	i, j := rnd.IntN(len(words)), rnd.IntN(len(words))
	switch rnd.IntN(3) {
	case 0:
		words = append(words[:i:i], words[i+1:]...)
	case 1:
		words[i], words[j] = words[j], words[i]
	case 2:
		words[i] = strings.TrimRight(words[j], ",;") + strings.TrimLeft(words[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.'`*()")
	}
	return strings.Join(words, " ")
}
