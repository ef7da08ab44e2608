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

// radix returns the entries in the order of compare. Keys of a delta are alike: most
// of their bytes are the same in all of them, the high ones of numbers say. Where the
// keys have one length, eight bytes that differ are taken together, which is mostly all
// there are; else the eight behind what all keys begin with. By those they are sorted,
// least byte first, each byte that differs in a pass of its own; what they do not tell
// apart is compared. With once, nothing is left to compare, and of each key the newest
// entry alone is returned.
func (d *delta) radix() (at []uint32, once bool) {
	from, to := places(d.n), places(d.n)
	take, once := d.telling()
	var words uint64 // bits that differ
	var groups uint16
	for i := range from {
		key := d.key(d.ent(i))
		p := place{at: uint32(i), group: binary.BigEndian.Uint16(key)}
		for _, at := range take {
			p.word = p.word<<8 | uint64(key[at])
		}
		from[i] = p
	}
	if take == nil {
		same := d.common()
		for i := range from {
			from[i].word = wordOf(d.key(d.ent(i))[same:])
		}
	}
	for i := range from {
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
	at = make([]uint32, 0, d.n)
	start := 0
	for i, p := range from {
		same := i > 0 && p.word == from[i-1].word && p.group == from[i-1].group
		if same && once {
			at[len(at)-1] = p.at // the passes keep the order in which they came
			continue
		}
		if !same {
			d.finish(at[start:])
			start = len(at)
		}
		at = append(at, p.at)
	}
	d.finish(at[start:])
	release(from)
	release(to)
	return at, once
}

// telling returns where keys of one length differ, up to eight places behind the group;
// nil if their lengths differ, or nothing does. all is true if they differ nowhere else.
func (d *delta) telling() (out []int, all bool) {
	first := d.key(d.ent(0))
	if len(first) > tellingMax {
		return nil, false
	}
	var diff [tellingMax]byte
	for i := 1; i < d.n; i++ {
		key := d.key(d.ent(i))
		if len(key) != len(first) {
			return nil, false
		}
		for k := 2; k < len(key); k += 8 {
			if k+8 <= len(key) {
				x := binary.LittleEndian.Uint64(key[k:]) ^ binary.LittleEndian.Uint64(first[k:])
				binary.LittleEndian.PutUint64(diff[k:], binary.LittleEndian.Uint64(diff[k:])|x)
				continue
			}
			for j := k; j < len(key); j++ {
				diff[j] |= key[j] ^ first[j]
			}
		}
	}
	for k := 2; k < len(first); k++ {
		if diff[k] == 0 {
			continue
		}
		if len(out) == 8 {
			return out, false
		}
		out = append(out, k)
	}
	return out, out != nil
}

// tellingMax is the length of keys up to which it is looked for where they differ.
const tellingMax = 64

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
