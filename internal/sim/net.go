package sim

import "math/rand/v2"

// A network carries packets between the machines of a cluster, 0 the coordinator's.
// It loses, delays, doubles and reorders them, and some machines cannot reach some
// others for a while.
type network struct {
	w     *world
	loss  float64
	twice float64
	slow  float64         // of the packets that take long
	cut   map[[2]int]bool // from, to
}

const (
	hopUs  = 20  // a packet takes up to so long
	slowUs = 600 // … a slow one
)

func drawNetwork(w *world, rnd *rand.Rand) network {
	n := network{w: w, cut: map[[2]int]bool{}}
	if rnd.IntN(2) == 0 {
		n.loss, n.twice, n.slow = rnd.Float64()/8, rnd.Float64()/8, rnd.Float64()/10
	}
	return n
}

// send delivers a packet some time later, or twice, or not at all.
func (n *network) send(from, to int, deliver func()) {
	n.w.res.Packets++
	if n.cut[[2]int{from, to}] || n.w.rnd.Float64() < n.loss {
		n.w.res.Lost++
		return
	}
	times := 1
	if n.w.rnd.Float64() < n.twice {
		times = 2
		n.w.res.Twice++
	}
	for range times {
		d := 1 + n.w.rnd.IntN(hopUs)
		if n.w.rnd.Float64() < n.slow {
			d += n.w.rnd.IntN(slowUs)
		}
		n.w.after(d, deliver)
	}
}

// A link is one end of a conversation: what is put in at one end comes out at the
// other once and in order, as long as both live and packets come through now and then.
// It is what TCP gives to one connection, and a cluster needs of any transport:
//
//	data  number, payload    again every resendUs until it is acknowledged
//	ack   the next number expected; also in answer to what cannot be taken now
//
// A conversation has an id, which is no other's: packets of an earlier one are not
// heard. A sender that hears nothing for brokenUs gives the conversation up.
type link struct {
	w     *world
	out   func(packet)           // sends to the other end
	take  func(payload any) bool // takes what has come; false: it has no room now
	lost  func()                 // the conversation is broken
	room  func()                 // something was acknowledged
	ends  bool                   // it is over
	next  uint64                 // number of the next payload
	wait  []any                  // not acknowledged; the last has the number next-1
	want  uint64                 // number that is expected
	early map[uint64]any         // what has come before it
	last  int64                  // when the other end was heard
	beat  bool                   // a resend is scheduled
}

// A packet of a link.
type packet struct {
	ack     bool
	number  uint64
	payload any
}

const (
	resendUs = 90
	brokenUs = 1500
)

// send puts a payload in.
func (l *link) send(payload any) {
	if l.ends {
		return
	}
	if len(l.wait) == 0 {
		l.last = l.w.now // nothing was to be heard
	}
	l.wait = append(l.wait, payload)
	l.out(packet{number: l.next, payload: payload})
	l.next++
	l.schedule()
}

func (l *link) schedule() {
	if l.beat || l.w.opt.Bugs.NoResend {
		return
	}
	l.beat = true
	l.w.after(resendUs, func() {
		l.beat = false
		switch {
		case l.ends || len(l.wait) == 0:
			return
		case l.w.now-l.last > brokenUs:
			l.ends = true
			l.lost()
			return
		}
		for i, p := range l.wait {
			l.out(packet{number: l.next - uint64(len(l.wait)-i), payload: p})
		}
		l.schedule()
	})
}

// receive takes a packet of the other end.
func (l *link) receive(p packet) {
	if l.ends {
		return
	}
	l.last = l.w.now
	if p.ack {
		gone := false
		for len(l.wait) > 0 && l.next-uint64(len(l.wait)) < p.number {
			l.wait, gone = l.wait[1:], true
		}
		if gone && l.room != nil {
			l.room()
		}
		return
	}
	switch {
	case p.number >= l.want:
		if l.early == nil {
			l.early = map[uint64]any{}
		}
		l.early[p.number] = p.payload
		for payload, ok := l.early[l.want]; ok && l.take(payload); payload, ok = l.early[l.want] {
			delete(l.early, l.want)
			l.want++
		}
	case l.w.opt.Bugs.NoDedup:
		l.take(p.payload)
	}
	if !l.ends {
		l.out(packet{ack: true, number: l.want})
	}
}
