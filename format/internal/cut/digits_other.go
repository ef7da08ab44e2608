//go:build !amd64

package cut

const hasDigits = false

func digits([]int64, []uint64) int { return 0 }
