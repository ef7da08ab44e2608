package lsm

import "encoding/binary"

// A filter tells which keys a table of a file certainly does not have: a split
// block Bloom filter (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient
// Bloom Filters, 2007), in the form that Parquet has. A key sets one bit in each of
// the eight words of one block, so a question costs one cache miss. With
// filterBits bits a key about one question in a hundred is answered wrongly with
// yes.
//
// The empty filter answers yes: files of version 1 have none.
type filter []byte

const (
	filterBlockBytes = 32
	filterBits       = 10
)

var filterSalt = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

// newFilter makes the filter of keys with these hashes.
func newFilter(hashes []uint64) filter {
	blocks := (len(hashes)*filterBits/8 + filterBlockBytes - 1) / filterBlockBytes
	f := make(filter, blocks*filterBlockBytes)
	for _, h := range hashes {
		b := f.block(h)
		for i, salt := range filterSalt {
			w := b[4*i : 4*i+4]
			binary.LittleEndian.PutUint32(w, binary.LittleEndian.Uint32(w)|1<<(uint32(h)*salt>>27))
		}
	}
	return f
}

func (f filter) block(h uint64) []byte {
	blocks := uint64(len(f) / filterBlockBytes)
	at := (h >> 32) * blocks >> 32 * filterBlockBytes
	return f[at : at+filterBlockBytes]
}

// has reports whether a key with this hash may be there.
func (f filter) has(h uint64) bool {
	if len(f) == 0 {
		return true
	}
	b := f.block(h)
	for i, salt := range filterSalt {
		if binary.LittleEndian.Uint32(b[4*i:])&(1<<(uint32(h)*salt>>27)) == 0 {
			return false
		}
	}
	return true
}
