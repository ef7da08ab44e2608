package nexmark

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Texts of a row are slices of these, at a random offset below textSize; the
// tail behind it is there for slices that begin near its end.
const (
	textSize    = 1 << 20
	proseTail   = 256
	paddingTail = 1 << 17 // a padding may be as long as a whole row, see Config.check
)

// paddingText makes the text that the column extra is cut from: blocks of six
// characters from a signed 32-bit number, digit = number rem 26 added to 'a', so
// that negative numbers give characters below 'a'.
func paddingText(key uint64) []byte {
	out := make([]byte, 0, textSize+paddingTail+8)
	for i := int64(0); len(out) < textSize+paddingTail; i++ {
		n := int32(hash(key, i))
		for range 6 {
			out = append(out, byte('a'+n%26))
			n /= 26
		}
	}
	return out
}

// proseText makes a random text of n characters: special with probability 1/13,
// else a to z.
func proseText(key uint64, n int, special byte) []byte {
	out := make([]byte, n)
	for i := range out {
		x := hash(key, int64(i))
		c := byte('a' + pick(x, 26))
		if !hot(x, 13) {
			c = special
		}
		out[i] = c
	}
	return out
}

// A cut is a slice of the prose.
type cut struct{ off, n uint32 }

// proseCut is the original's random text of 3 to limit-1 characters, trimmed of
// blanks.
func proseCut(prose []byte, x uint64, limit uint64) cut {
	off := uint32(x >> 44) // 20 bits: below textSize
	n := uint32(3 + pick(x, limit-3))
	for n > 0 && prose[off] == ' ' {
		off, n = off+1, n-1
	}
	for n > 0 && prose[off+n-1] == ' ' {
		n--
	}
	return cut{off, n}
}

func (c cut) of(text []byte) []byte { return text[c.off : c.off+c.n] }

// A filler is the length of extra in rows of one kind: up to the mean size.
type filler struct{ mean int }

// span returns the least length of extra in a row that has size bytes without
// it, and how many lengths there are.
func (f filler) span(size int) (least uint32, n uint64) {
	m := max(f.mean-size, 0)
	delta := (2*m + 5) / 10 // a fifth, rounded
	return uint32(m - delta), uint64(2 * delta)
}

// length returns how long extra is in such a row.
func (f filler) length(x uint64, size int) uint32 {
	least, n := f.span(size)
	return least + uint32(pick(x, n))
}

// fillPadding writes extra texts to their places. It copies whole blocks and so
// writes past the end of a text; the next one overwrites that.
func fillPadding(dst []byte, offs []uint32, first int64, key uint64, text []byte) {
	for i := range len(offs) - 1 {
		from, n := hash(key, first+int64(i))>>44, int(offs[i+1]-offs[i])
		to := dst[offs[i]:]
		if n <= paddingBlock && len(to) >= paddingBlock {
			*(*[paddingBlock]byte)(to) = *(*[paddingBlock]byte)(text[from:])
			continue
		}
		copy(to[:n], text[from:])
	}
}

// paddingBlock is what a bid's extra fits into at the default size.
const paddingBlock = 96

// prices has 10^(6i/1024), for price.
var prices = func() (t [1024]float64) {
	for i := range t {
		t[i] = 100 * math.Pow(10, 6*float64(i)/1024)
	}
	return t
}()

// price is round(100 * 10^(6u)) for u uniform in [0, 1): ten bits of u by table,
// the rest by the exponential's series. The conversions keep the compiler from
// fusing, so that every machine gets the same price.
func price(x uint64) int64 {
	const scale = 6 * math.Ln10 / 1024 / (1 << 32)
	y := float64(float64(x&0xFFFFFFFF) * scale)
	z := float64(y * (1.0 / 3))
	z = float64(y * 0.5 * float64(1+z))
	z = float64(y * float64(1+z))
	return int64(float64(prices[x>>54]*float64(1+z)) + 0.5)
}

// digits has the four digits of every number below 10,000.
var digits = func() (t [10_000]uint32) {
	for i := range t {
		b := [4]byte{byte('0' + i/1000), byte('0' + i/100%10), byte('0' + i/10%10), byte('0' + i%10)}
		t[i] = binary.LittleEndian.Uint32(b[:])
	}
	return t
}()

const cardLen = 19

// putCard writes four groups of four digits.
func putCard(dst []byte, x uint64) {
	_ = dst[cardLen-1]
	for i := range 4 {
		binary.LittleEndian.PutUint32(dst[5*i:], digits[x>>(16*i)&0xFFFF*10_000>>16])
	}
	dst[4], dst[9], dst[14] = ' ', ' ', ' '
}

var (
	firstNames = []string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
	lastNames  = []string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}
	cities     = newWords([]string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"})
	states     = newWords([]string{"AZ", "CA", "ID", "OR", "WA", "WY"})
	names      = newWords(func() (out []string) {
		for _, f := range firstNames {
			for _, l := range lastNames {
				out = append(out, f+" "+l)
			}
		}
		return out
	}())
	hotChannels = []string{"Google", "Facebook", "Baidu", "Apple"}
)

// words is a dictionary, and the same with a NULL behind its last word, for the
// columns of the unified table that are NULL where the event is of another kind.
type words struct{ plain, orNull *vec.Bytes }

func newWords(list []string) *words {
	b := vec.NewBuilder(types.TString)
	for _, w := range list {
		b.String(w)
	}
	plain := b.Finish().(*vec.Bytes)
	for _, w := range list {
		b.String(w)
	}
	b.Null()
	return &words{plain, b.Finish().(*vec.Bytes)}
}

func (w *words) column(p part, codes []uint32) vec.Vector {
	if p.valid == nil {
		return &vec.Dict{Codes: codes, Words: w.plain}
	}
	return &vec.Dict{Codes: codes, Words: w.orNull}
}

// len returns the length of a word.
func (w *words) len(code uint64) int { return int(w.plain.Offs[code+1] - w.plain.Offs[code]) }

// dicts are the channels and their urls: the hot ones, then the table of 10,000.
// Both have the same codes.
type dicts struct{ channel, url *words }

func newDicts(key, hotKey uint64) *dicts {
	var names, urls []string
	for i, c := range hotChannels {
		names, urls = append(names, c), append(urls, pageURL(hotKey, int64(i)))
	}
	for i := range int64(channels) {
		url := pageURL(key, i)
		if pick(hash(^key, i), 10) != 0 {
			url += "&channel_id=" + strconv.FormatInt(channelID(i), 10)
		}
		names, urls = append(names, "channel-"+strconv.FormatInt(i, 10)), append(urls, url)
	}
	return &dicts{newWords(names), newWords(urls)}
}

// pageURL is the i'th url of a table, without its query's channel.
func pageURL(key uint64, i int64) string {
	url := []byte("https://www.nexmark.com/")
	for dir := range int64(3) {
		x := hash(key, 3*i+dir)
		url = append(url, proseText(x, int(3+pick(x, 2)), '_')...)
		url = append(url, '/')
	}
	return string(append(url, "item.htm?query=1"...))
}

// channelID is the absolute value of the bits of i reversed, as Java has it: that
// of the smallest number is itself.
func channelID(i int64) int64 {
	n := int32(bits.Reverse32(uint32(i)))
	if n < 0 {
		n = -n
	}
	return int64(n)
}

// pick returns a random word's code.
func (w *words) pick(x uint64) uint64 { return pick(x, uint64(w.plain.Len())) }
