//go:build !amd64

package cut

func appendEnds(out []Cell, masks []uint64, start, base uint32) {
	appendWords(out, masks, start, base)
}
