//go:build !amd64

package cut

const hasFours = false

func fourLongs([]int64, Column, []byte) int                               { return 0 }
func fourColumns(*[4]*int64, int, Column, []byte) int                     { return 0 }
func fourInts([]int32, Column, []byte) int                                { return 0 }
func fourDecimals([]int64, Column, []byte, *[wordBytes]uint32, int64) int { return 0 }
func fourDoubles([]float64, Column, []byte, *[wordBytes]uint32) int       { return 0 }
func fourDates([]int32, Column, []byte) int                               { return 0 }
func copyStrings([]byte, []uint32, Column, []byte, *stringShape) int      { return 0 }
