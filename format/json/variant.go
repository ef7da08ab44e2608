package json

import (
	"errors"

	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/internal/expr/variant"
)

// variants make the values of columns of type VARIANT.
type variants struct {
	doc kernel.JSON
	b   variant.Builder
}

// variant reads any value but null, which is NULL, into a VARIANT. Of fields that
// are there twice the last counts.
func (d *Decoder) variant(v *value, data []byte, i int) int {
	end := d.stops.skip(data, i, 0)
	if end < 0 {
		return -1
	}
	if d.variants == nil {
		d.variants = &variants{}
	}
	out, err := d.variants.doc.Variant(v.col.Data, &d.variants.b, kernel.TextOf(data[i:end]), true)
	if err != nil {
		return d.fail(errors.New("the value is not valid JSON"))
	}
	v.col.Data = out
	v.col.Offs = append(v.col.Offs, uint32(len(out)))
	return end
}
