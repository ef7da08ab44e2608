package lsm

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// radixMin is from how many entries on they are sorted by radix.
const radixMin = 256

// A place is an entry on its way to its place: the eight bytes of its key that tell
// most keys of a group apart, and its group.
type place struct {
	word  uint64
	at    uint32
	group uint16
}

// freePlaces are what was sorted in, for as many as are sorted at a time.
var freePlaces = make(chan []place, 4)

func places(n int) []place {
	select {
	case p := <-freePlaces:
		if cap(p) >= n {
			return p[:n]
		}
	default:
	}
	return make([]place, n)
}

func release(p []place) {
	select {
	case freePlaces <- p:
	default:
	}
}

// radix returns the entries in the order of compare. Keys of a delta are alike: they
// begin with their group and then, all of them, with the same bytes, the high ones of
// numbers say. The eight bytes behind those are sorted by, least byte first, each
// byte that differs in a pass of its own; what they do not tell apart is compared.
func (d *delta) radix() []uint32 {
	from, to := places(d.n), places(d.n)
	same := d.common()
	var words uint64 // bits that differ
	var groups uint16
	for i := range from {
		key := d.key(d.ent(i))
		from[i] = place{word: wordOf(key[same:]), at: uint32(i), group: binary.BigEndian.Uint16(key)}
		words |= from[i].word ^ from[0].word
		groups |= from[i].group ^ from[0].group
	}
	for shift := 0; shift < 64; shift += 8 {
		if words>>shift&0xFF != 0 {
			pass(from, to, func(p *place) byte { return byte(p.word >> shift) })
			from, to = to, from
		}
	}
	for shift := 0; shift < 16; shift += 8 {
		if groups>>shift&0xFF != 0 {
			pass(from, to, func(p *place) byte { return byte(p.group >> shift) })
			from, to = to, from
		}
	}
	out := make([]uint32, d.n)
	start := 0
	for i, p := range from {
		out[i] = p.at
		if p.word != from[start].word || p.group != from[start].group {
			d.finish(out[start:i])
			start = i
		}
	}
	d.finish(out[start:])
	release(from)
	release(to)
	return out
}

// wordOf returns the first eight bytes, big-endian.
func wordOf(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var w [8]byte
	copy(w[:], b)
	return binary.BigEndian.Uint64(w[:])
}

// common returns how many bytes all keys begin with, groups aside, which differ.
func (d *delta) common() int {
	first := d.key(d.ent(0))
	n := len(first)
	for i := range d.n {
		key := d.key(d.ent(i))
		n = min(n, len(key))
		if !bytes.Equal(key[2:n], first[2:n]) {
			k := 2
			for key[k] == first[k] {
				k++
			}
			n = k
		}
	}
	return n
}

// pass sorts by one byte, and leaves equals as they are.
func pass(from, to []place, digit func(*place) byte) {
	var ends [256]int
	for i := range from {
		ends[digit(&from[i])]++
	}
	n := 0
	for i, k := range ends {
		ends[i] = n
		n += k
	}
	for i := range from {
		k := digit(&from[i])
		to[ends[k]] = from[i]
		ends[k]++
	}
}

// finish orders entries that the radix has not told apart.
func (d *delta) finish(at []uint32) {
	if len(at) > 1 {
		slices.SortFunc(at, d.compare)
	}
}
