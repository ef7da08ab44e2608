package cut

import "golang.org/x/sys/cpu"

// hasFours is a variable for tests.
var hasFours = cpu.X86.HasAVX2

// fourLongs reads groups of four integers, of at least one, and returns how many
// integers: all are of up to eight bytes, of which the first may be a minus.
func fourLongs(out []int64, x Column, data []byte) int {
	_ = x.All[(len(out)-1)*x.Width]
	return longsAVX2(&out[0], &x.All[0], x.Width, len(out)/4, &data[0], len(data))
}

// fourColumns is fourLongs for four columns side by side: it reads groups of four rows, of
// at least one, and returns how many rows.
func fourColumns(outs *[4]*int64, rows int, x Column, data []byte) int {
	_ = x.All[(rows-1)*x.Width+3]
	return blockAVX2(outs, &x.All[0], x.Width, rows/4, &data[0], len(data))
}

// fourInts is fourLongs for INT, which holds what eight bytes say.
func fourInts(out []int32, x Column, data []byte) int {
	_ = x.All[(len(out)-1)*x.Width]
	return intsAVX2(&out[0], &x.All[0], x.Width, len(out)/4, &data[0], len(data))
}

// fourDecimals is the same for numbers that may have a point. They are multiplied by the
// power for so many digits behind it, which is 0 if they are too many, and are at most so
// large.
func fourDecimals(out []int64, x Column, data []byte, powers *[wordBytes]uint32, most int64) int {
	_ = x.All[(len(out)-1)*x.Width]
	return decimalsAVX2(&out[0], &x.All[0], x.Width, len(out)/4, &data[0], len(data), powers, most)
}

// fourDoubles is the same for numbers that are divided by the power.
func fourDoubles(out []float64, x Column, data []byte, powers *[wordBytes]uint32) int {
	_ = x.All[(len(out)-1)*x.Width]
	return doublesAVX2(&out[0], &x.All[0], x.Width, len(out)/4, &data[0], len(data), powers)
}

// fourDates reads groups of four dates, of at least one, and returns how many dates. It
// leaves leap days to others.
func fourDates(out []int32, x Column, data []byte) int {
	_ = x.All[(len(out)-1)*x.Width]
	return datesAVX2(&out[0], &x.All[0], x.Width, len(out)/4, &data[0], len(data))
}

// copyStrings copies texts and returns how many.
func copyStrings(out []byte, ends []uint32, x Column, data []byte, s *stringShape) int {
	_ = x.All[(len(ends)-1)*x.Width]
	return stringsAVX2(&out[0], &ends[0], len(ends), &x.All[0], x.Width, &data[0], s)
}

//go:noescape
func longsAVX2(out *int64, cells *Cell, width, n int, data *byte, size int) (done int)

//go:noescape
func blockAVX2(outs *[4]*int64, cells *Cell, width, n int, data *byte, size int) (done int)

//go:noescape
func intsAVX2(out *int32, cells *Cell, width, n int, data *byte, size int) (done int)

//go:noescape
func decimalsAVX2(out *int64, cells *Cell, width, n int, data *byte, size int, powers *[wordBytes]uint32, most int64) (done int)

//go:noescape
func doublesAVX2(out *float64, cells *Cell, width, n int, data *byte, size int, powers *[wordBytes]uint32) (done int)

//go:noescape
func datesAVX2(out *int32, cells *Cell, width, n int, data *byte, size int) (done int)

//go:noescape
func stringsAVX2(out *byte, ends *uint32, n int, cells *Cell, width int, data *byte, s *stringShape) (done int)

// lanes are the constants of the vectors, by the names that the assembly has for them.
var lanes = [...][4]uint64{ //nolint:unused // the assembly reads it
	each(0x7FFFFFFF),            // unquoted
	each(1),                     // one
	each(upper + wordBytes - 1), // seven
	each(wordBytes),             // eight
	each(64),                    // wordBits
	each(0x2D2D2D2D2D2D2D2D),    // minus
	each(0x00FFFFFFFFFFFFFF),    // notLast
	each(0x2E2E2E2E2E2E2E2E),    // points
	each(0x0101010101010101),    // bytesOne
	each(1 << 63),               // sign
	each(0x3030303030303030),    // zeros
	each(0x0909090909090909),    // nines
	each(0x010A010A010A010A),    // tens: bytes 10, 1
	each(0x0001006400010064),    // hundreds: words 100, 1
	each(10_000),                // tenThousand
	each(upper),                 // upper
	each(dateWord),              // sixteen
	each(10),                    // ten
	each(0x0000000000010064),    // century: words 100, 1, 0, 0
	each(12),                    // twelve
	each(2),                     // two
	each(365),                   // yearDays
	each(5243),                  // perCentury: with 19 bits behind the point
	each(719_469),               // epoch: from the day before 0000-03-01

	// A date is the last ten of 16 bytes. Its digits become the lower half of a lane, or
	// the upper one.
	twice(0, 0x00002D00002D0000),                  // dashes
	twice(^uint64(0), 0xFFFF00FFFF00FFFF),         // notDashes
	twice(0x0F0E0C0B09080706, 0x8080808080808080), // lower
	twice(0x8080808080808080, 0x0F0E0C0B09080706), // higher

	// By month: its days, but February 29; the days from March 1 to it, low and high byte.
	twice(0x1F1E1F1E1F1C1F00, 0x0000001F1E1F1E1F), // monthDays
	twice(0x7A5C3D1F00513200, 0x00000013F5D6B899), // marchLow
	twice(0x0000000000010100, 0x0000000100000000), // marchHigh
}

// upper is the upper half of a lane where only the lower ones are compared.
const upper = 0xFFFFFFFF << 32 //nolint:unused // as lanes

func each(x uint64) [4]uint64 { return twice(x, x) } //nolint:unused // as lanes

func twice(x, y uint64) [4]uint64 { return [4]uint64{x, y, x, y} } //nolint:unused // as lanes
