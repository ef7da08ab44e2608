package cut

import "testing"

func TestReadWithoutVectors(t *testing.T) {
	defer func(had bool) { hasDigits = had }(hasDigits)
	hasDigits = false
	checkRead(t)
}

// Numbers are read up to the first group with a word that is not eight digits.
func TestDigits(t *testing.T) {
	if !hasDigits {
		t.Skip("the processor does not have AVX2")
	}
	w := make([]uint64, 12)
	for k := range w {
		w[k] = 0x3837363534333231 + uint64(k)<<56 // 12345678 and on, also beyond 9
	}
	w[11] = 0x3130303030303030
	out := make([]int64, 12)
	if n := digits(out, w); n != 0 {
		t.Errorf("%d are read with a colon in the first four", n)
	}
	for k := range w {
		w[k] = 0x3837363534333231
	}
	w[11] = 0x3130303030303030
	if n := digits(out, w); n != 12 || out[0] != 12345678 || out[11] != 1 {
		t.Errorf("%d: %d", n, out)
	}
	for k := range 8 {
		for _, bad := range []uint64{0x2F, 0x3A, 0x00, 0xFF, 0xB0, 0x20, '-', '.'} {
			old := w[6]
			w[6] = old&^(0xFF<<(8*k)) | bad<<(8*k)
			if n := digits(out, w); n != 4 {
				t.Errorf("%d are read with %x as byte %d of the seventh", n, bad, k)
			}
			w[6] = old
		}
	}
}
