package nexmark

import "github.com/millrace-io/millrace/vec"

// personField is a column of table person.
type personField int

const (
	personID personField = iota
	personName
	personEmail
	personCard
	personCity
	personState
	personTime
	personExtra
)

func (g *Generator) personColumn(p part, f personField) vec.Vector {
	switch f {
	case personID:
		persons := int64(g.cfg.Persons)
		return p.ints(func(out []int64, r run) {
			for i := range out {
				out[i] = firstPersonID + r.group*persons + r.off + int64(i)
			}
		})
	case personName:
		return g.word(p, names, fieldPersonName)
	case personEmail:
		return g.emails(p)
	case personCard:
		key := g.keys[fieldPersonCard]
		return p.bytes(0,
			func(lens []uint32, _ run) {
				for i := range lens {
					lens[i] = cardLen
				}
			},
			func(dst []byte, offs []uint32, r run) {
				for i := range r.n {
					putCard(dst[offs[i]:], hash(key, r.first+int64(i)))
				}
			})
	case personCity:
		return g.word(p, cities, fieldPersonCity)
	case personState:
		return g.word(p, states, fieldPersonState)
	case personTime:
		return g.times(p)
	}
	text := g.padding()
	return p.bytes(paddingBlock,
		func(lens []uint32, r run) {
			for i := range lens {
				lens[i] = g.personPadding(r.first + int64(i))
			}
		},
		func(dst []byte, offs []uint32, r run) {
			fillPadding(dst, offs, r.first, g.keys[fieldPersonExtra], text)
		})
}

// word makes a column of uniformly chosen words.
func (g *Generator) word(p part, w *words, f field) vec.Vector {
	key := g.keys[f]
	return p.dict(w, func(out []uint32, r run) {
		for i := range out {
			out[i] = uint32(w.pick(hash(key, r.first+int64(i))))
		}
	})
}

func (g *Generator) emailCuts(prose []byte, n int64) (name, host cut) {
	return proseCut(prose, hash(g.keys[fieldPersonEmailName], n), 7), proseCut(prose, hash(g.keys[fieldPersonEmailHost], n), 5)
}

func (g *Generator) emails(p part) vec.Vector {
	prose := g.prose()
	return p.bytes(0,
		func(lens []uint32, r run) {
			for i := range lens {
				name, host := g.emailCuts(prose, r.first+int64(i))
				lens[i] = name.n + host.n + uint32(len("@.com"))
			}
		},
		func(dst []byte, offs []uint32, r run) {
			for i := range r.n {
				name, host := g.emailCuts(prose, r.first+int64(i))
				to := append(dst[offs[i]:offs[i]], name.of(prose)...)
				to = append(append(to, '@'), host.of(prose)...)
				_ = append(to, ".com"...)
			}
		})
}

// personPadding is the length of extra of the person that is event n.
func (g *Generator) personPadding(n int64) uint32 {
	name, host := g.emailCuts(g.prose(), n)
	size := 8 + cardLen + int(name.n+host.n) + len("@.com")
	for _, w := range []struct {
		words *words
		field field
	}{{names, fieldPersonName}, {cities, fieldPersonCity}, {states, fieldPersonState}} {
		size += w.words.len(w.words.pick(hash(g.keys[w.field], n)))
	}
	return filler{g.cfg.PersonSize}.length(hash(g.keys[fieldPersonExtra], n), size)
}
