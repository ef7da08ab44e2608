//go:build !linux

package local

import "os"

// setDirect is of Linux only.
func setDirect(*os.File, bool) bool { return false }
