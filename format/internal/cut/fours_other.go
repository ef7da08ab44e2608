//go:build !amd64

package cut

const hasFours = false

func fourLongs([]int64, Column, []byte, *numberShape) int            { return 0 }
func fourInts([]int32, Column, []byte, *numberShape) int             { return 0 }
func fourDates([]int32, Column, []byte) int                          { return 0 }
func copyStrings([]byte, []uint32, Column, []byte, *stringShape) int { return 0 }
