package marks

// vectors are switched off one after the other, best first.
var vectors = []struct {
	name string
	has  *bool
}{{"VBMI2", &hasVBMI2}, {"AVX-512", &hasAVX512}, {"AVX2", &hasAVX2}}
