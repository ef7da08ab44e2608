package fsys

import "sync/atomic"

// A Meter is an FS that counts the bytes that are written to it.
type Meter struct {
	FS
	Written *atomic.Int64
}

// Put implements FS.
func (m Meter) Put(name string, data []byte) error {
	m.Written.Add(int64(len(data)))
	return m.FS.Put(name, data)
}

// PutIfAbsent implements FS.
func (m Meter) PutIfAbsent(name string, data []byte) error {
	m.Written.Add(int64(len(data)))
	return m.FS.PutIfAbsent(name, data)
}

// Create implements FS.
func (m Meter) Create(name string) (Pending, error) {
	p, err := m.FS.Create(name)
	return metered{p, m.Written}, err
}

type metered struct {
	Pending
	written *atomic.Int64
}

func (m metered) Write(data []byte) (int, error) {
	n, err := m.Pending.Write(data)
	m.written.Add(int64(n))
	return n, err
}
