package filesystem

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// The real world of the connector. The simulator and the tests have their own.

func now() time.Time { return time.Now() }

func attempt() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
