package cut

import "golang.org/x/sys/cpu"

// hasDigits is a variable for tests.
var hasDigits = cpu.X86.HasAVX2

// digits writes the numbers of the words, up to those of which one is not eight digits,
// and returns how many: a multiple of wordsStep, as the number of words is.
func digits(out []int64, w []uint64) int {
	if len(w) == 0 {
		return 0
	}
	return digitsAVX2(&out[:len(w)][0], &w[0], len(w)/wordsStep)
}

//go:noescape
func digitsAVX2(out *int64, words *uint64, n int) (done int)
