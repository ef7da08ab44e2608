package sim

import (
	"errors"
)

// everyUs is about how long it is from one fault to the next.
const everyUs = 700

// fate schedules the next fault, if one is to come.
func (w *world) fate() {
	if w.faults == 0 {
		return
	}
	w.faults--
	w.after(1+w.rnd.IntN(2*everyUs), func() {
		w.fault()
		w.fate()
	})
}

// fault does something bad. What lasts ends by itself.
func (w *world) fault() {
	long := 300 + w.rnd.IntN(3000)
	switch w.rnd.IntN(22) {
	case 0, 1:
		w.killWorker()
	case 2, 3:
		w.killCoordinator()
	case 4, 5:
		w.disk.dieIn = 1 + w.rnd.IntN(40)
	case 6:
		w.crash()
	case 7, 8, 9:
		w.failTask()
	case 10, 11:
		w.partition(long)
	case 12:
		w.trace("the disk is full")
		w.res.Fulls++
		w.disk.full = true
		w.after(long, func() { w.disk.full = false })
	case 13:
		w.slow = true
		w.after(long, func() { w.slow = false })
	case 14, 15:
		w.sleep(long + 2*quietUs)
	case 16:
		w.ambush = atSave
	case 21:
		w.ambush = atUpload
	case 17, 18, 19:
		w.savepoint()
	case 20:
		w.goBack()
	}
}

// An ambush is a fault that waits for its moment.
type ambush int

const (
	atSave   ambush = 1 + iota // a manifest is being written
	atUpload                   // a task that writes to the sink uploads its part of an epoch
)

// ambushed is how long it takes what the fault may have waited for: long, then, and a
// task fails meanwhile. After a manifest the coordinator dies, too, a while later.
func (w *world) ambushed(here ambush) (us int) {
	if here == 0 || w.ambush != here {
		return w.storageUs()
	}
	w.ambush = 0
	w.after(1, w.failTask)
	if here == atSave {
		w.after(1+w.rnd.IntN(3000), w.killCoordinator)
	}
	return 1 + w.rnd.IntN(2000)
}

func (w *world) killWorker() {
	k := w.workers[1+w.rnd.IntN(len(w.workers))]
	if !k.alive {
		return
	}
	w.trace("worker %d dies", k.id)
	w.res.Kills++
	k.kill()
	w.after(1+w.rnd.IntN(1000), func() {
		if !k.alive {
			k.boot()
		}
	})
}

func (w *world) killCoordinator() {
	for _, c := range w.coordinators {
		if c.alive {
			w.trace("coordinator %d dies", c.number)
			w.res.Kills++
			c.kill()
		}
	}
	w.after(1+w.rnd.IntN(1000), w.place)
}

// crash is the death of all processes; of the power, perhaps. What is on the disk may
// be damaged when they come back.
func (w *world) crash() {
	w.disk.dieIn, w.disk.dead = 0, false
	for id := range len(w.workers) {
		if k := w.workers[id+1]; k.alive {
			k.kill()
			w.after(1+w.rnd.IntN(300), func() {
				if !k.alive {
					k.boot()
				}
			})
		}
	}
	w.killCoordinator()
	if w.rnd.IntN(2) == 0 {
		w.trace("the power goes")
		w.res.Powers++
		w.disk.power()
	}
	if w.rnd.IntN(4) > 0 {
		w.damage()
	}
}

// damage spoils the newest manifest, or a state file that it alone names, if there is
// another manifest: what it had committed is to be taken back.
func (w *world) damage() {
	newest, before := w.audit.newest()
	if before == nil {
		return
	}
	for file := range w.audit.names[*before] {
		if _, err := w.disk.find(w.audit.dir + "/shared/" + file); err != nil {
			return // its manifest has come back when the power went, and is of no use
		}
	}
	name, cut := w.audit.manifest(*newest), w.rnd.IntN(2) == 0
	if w.rnd.IntN(4) > 0 {
		cut = w.rnd.IntN(8) == 0 // which is seen at once
		own := ""
		for _, file := range sortedKeys(w.audit.names[*newest]) {
			if !w.audit.names[*before][file] {
				own = file
			}
		}
		if own == "" {
			return
		}
		name = w.audit.dir + "/shared/" + own
	}
	if w.disk.spoil(name, cut) {
		w.trace("%s is damaged", name)
		w.res.Damaged++
	}
}

// failTask lets a task fail.
func (w *world) failTask() {
	k := w.workers[1+w.rnd.IntN(len(w.workers))]
	if !k.alive || k.host == nil {
		return
	}
	for _, r := range k.host.sorted() {
		if !r.dead && !r.task.Done() && w.rnd.IntN(2) == 0 {
			w.trace("task %s fails", r.id)
			w.res.Fails++
			r.fail(errors.New("drawn to fail"))
			return
		}
	}
}

// partition cuts a machine off from one, or from all others, in both directions or
// in one.
func (w *world) partition(us int) {
	a := w.rnd.IntN(len(w.workers) + 1)
	only := w.rnd.IntN(len(w.workers) + 1)
	all, oneWay := w.rnd.IntN(2) == 0, w.rnd.IntN(3) == 0
	w.res.Cuts++
	for b := range len(w.workers) + 1 {
		if b == a || b != only && !all {
			continue
		}
		w.trace("%d and %d are cut off", a, b)
		w.net.cut[[2]int{a, b}] = true
		if !oneWay {
			w.net.cut[[2]int{b, a}] = true
		}
	}
	w.after(us, func() {
		for b := range len(w.workers) + 1 {
			delete(w.net.cut, [2]int{a, b})
			delete(w.net.cut, [2]int{b, a})
		}
	})
}

// sleep lets the coordinator do nothing for a while, in which another takes its place,
// if that is long enough.
func (w *world) sleep(us int) {
	for _, c := range w.coordinators {
		if c.alive && w.now >= c.asleep {
			w.trace("coordinator %d sleeps for %d", c.number, us)
			c.asleep = w.now + int64(us)
		}
	}
	w.after(retryUs, w.place)
}
