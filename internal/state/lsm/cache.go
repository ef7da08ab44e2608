package lsm

import (
	"cmp"
	"container/list"
	"sync"

	"github.com/millrace-io/millrace/internal/base"
)

// CacheBytes is what a Cache may keep where there is so much memory.
func CacheBytes(b *base.Budget) int64 {
	return min(max(cmp.Or(b.Limit, b.EvictAt)/16, 1<<20), 256<<20)
}

// A Cache keeps blocks that were read, those used last, for all stores of a
// process. A nil Cache keeps nothing. It may be used from many goroutines.
type Cache struct {
	Bytes  int64 // that it may keep
	Memory *base.Budget

	mu   sync.Mutex
	used int64
	of   map[cacheKey]*list.Element
	lru  list.List // of *cached, the one used last in front
}

type cacheKey struct {
	file *opened
	off  int64
}

type cached struct {
	key cacheKey
	raw []byte
}

func (c *Cache) get(file *opened, off int64) []byte {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.of[cacheKey{file, off}]
	if e == nil {
		return nil
	}
	c.lru.MoveToFront(e)
	return e.Value.(*cached).raw
}

func (c *Cache) put(file *opened, off int64, raw []byte) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey{file, off}
	if c.of[key] != nil {
		return
	}
	if c.of == nil {
		c.of = map[cacheKey]*list.Element{}
	}
	c.of[key] = c.lru.PushFront(&cached{key, raw})
	c.count(int64(len(raw)))
	for c.used > c.Bytes {
		c.remove(c.lru.Back())
	}
}

func (c *Cache) remove(e *list.Element) {
	x := c.lru.Remove(e).(*cached)
	delete(c.of, x.key)
	c.count(-int64(len(x.raw)))
}

func (c *Cache) count(n int64) {
	c.used += n
	c.Memory.Add(n)
}

// drop forgets the blocks of a file.
func (c *Cache) drop(file *opened) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range file.tables {
		for _, b := range t.blocks {
			if e := c.of[cacheKey{file, b.off}]; e != nil {
				c.remove(e)
			}
		}
	}
}
