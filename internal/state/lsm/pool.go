package lsm

import "unsafe"

// A pool has slices of one size to be used again.
type pool[T any] struct {
	free chan []T
	size int
}

// poolBytes is how much a pool has at most.
const poolBytes = 32 << 20

func newPool[T any](size int) pool[T] {
	var t T
	return pool[T]{make(chan []T, poolBytes/(size*int(unsafe.Sizeof(t)))), size}
}

// get returns an empty slice with room for n, of the pool if that is its size.
func (p pool[T]) get(n int) []T {
	if n == p.size {
		select {
		case s := <-p.free:
			return s
		default:
		}
	}
	return make([]T, 0, n)
}

// put takes back those slices that have the pool's size.
func (p pool[T]) put(list [][]T) {
	for _, s := range list {
		if cap(s) == p.size {
			giveBack(p.free, s[:0])
		}
	}
}

// taken returns a slice of n of those that are free, or a new one.
func taken[T any](free chan []T, n int) []T {
	select {
	case s := <-free:
		if cap(s) >= n {
			return s[:n]
		}
	default:
	}
	return make([]T, n)
}

// giveBack lets a slice be free, if there is room.
func giveBack[T any](free chan []T, s []T) {
	select {
	case free <- s:
	default:
	}
}
