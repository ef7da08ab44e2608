package colbuf

import (
	"testing"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Columns that share their memory do not grow into each other, and what has been given
// away stays as it is.
func TestColsShare(t *testing.T) {
	for _, rows := range []int{3, 2 * sharedRowsMax} {
		var cols Cols
		for _, typ := range []types.Type{types.TBigInt, types.TString, types.TBigInt, types.TInt, types.TInt, types.TDouble, types.TDouble, types.TBigInt} {
			cols = append(cols, New(typ))
		}
		var before []vec.Vector
		for batch := range 3 {
			cols.ResetRows(100, rows)
			for row := range 2 * rows { // twice of what there is room for
				for i, c := range cols {
					switch v := batch + row + i; c.Phys {
					case types.PhysInt64, types.PhysInt32:
						c.Int(int64(v))
					case types.PhysFloat64:
						c.F64 = append(c.F64, float64(v))
					default:
						c.Bytes([]byte{byte(v)})
					}
				}
			}
			cols[2].SetNull(1)
			after := cols.Finish()
			checkCols(t, after, batch, 2*rows)
			if before != nil {
				checkCols(t, before, batch-1, 2*rows)
			}
			before = after
		}
	}
}

func checkCols(t *testing.T, cols []vec.Vector, batch, rows int) {
	t.Helper()
	for i, c := range cols {
		if c.Len() != rows {
			t.Fatalf("column %d has %d rows, want %d", i, c.Len(), rows)
		}
		for row := range rows {
			want, got := batch+row+i, 0
			switch c := c.(type) {
			case *vec.Fixed[int64]:
				got = int(c.Vals[row])
				if c.Valid.Null(row) != (i == 2 && row == 1) {
					t.Fatalf("row %d of column %d: NULL is wrong", row, i)
				}
			case *vec.Fixed[int32]:
				got = int(c.Vals[row])
			case *vec.Fixed[float64]:
				got = int(c.Vals[row])
			case *vec.Bytes:
				got, want = int(c.Data[row]), want&0xFF
			}
			if got != want {
				t.Fatalf("row %d of column %d is %d, want %d", row, i, got, want)
			}
		}
	}
}
