//go:build !amd64

package snappy

func fast() bool { return false }

func elements(_, _ []byte, op, ip int) (int, int) { return op, ip }
