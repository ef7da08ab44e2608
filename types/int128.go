package types

// An Int128 is a signed 128-bit integer in two's complement. As a column of
// wide decimals it is the unscaled value, as a column of timestamps it is
// nanoseconds.
type Int128 struct {
	Lo uint64
	Hi int64
}
