package kernel

import (
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Gather returns the values of v at the given places; a place of -1 is NULL. t
// is the type of the values.
func Gather(t types.Type, v vec.Vector, at []int32) vec.Vector {
	none := 0
	for _, p := range at {
		if p < 0 {
			none++
		}
	}
	switch none {
	case 0:
		return vec.Take(v, at)
	case len(at):
		return vec.Nulls(t, len(at))
	}
	places := make([]int32, len(at))
	valid := vec.NewBitmap(len(at))
	for i, p := range at {
		if p < 0 {
			valid.SetNull(i)
		} else {
			places[i] = p
		}
	}
	out := vec.Flat(vec.Take(v, places))
	return WithValid(out, vec.And(valid, vec.Validity(out), len(at)))
}
