package strided

// Random is the n'th number of the random stream named by key. It takes no state,
// so what a row has does not depend on the rows before it.
func Random(key, n uint64) uint64 { return Mix(key + n*0x9E3779B97F4A7C15) }

// Mix is the finaliser of splitmix64 (Steele, Lea, Flood 2014; constants by
// Stafford, mix 13): a bijection that makes neighbours unlike.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
