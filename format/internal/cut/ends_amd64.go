package cut

import "golang.org/x/sys/cpu"

// hasVBMI2 is a variable for tests.
var hasVBMI2 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI2

func appendEnds(out []Cell, masks []uint64, start, base uint32) {
	if hasVBMI2 {
		appendVBMI2(&out[0], &masks[0], len(masks), start, base)
		return
	}
	appendWords(out, masks, start, base)
}

// appendVBMI2 writes the cells that end at the marks of n masks, more than none, and
// anything into the endsAtOnce behind them.
//
//go:noescape
func appendVBMI2(out *Cell, masks *uint64, n int, start, base uint32)
