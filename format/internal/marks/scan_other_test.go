//go:build !amd64

package marks

var vectors []struct {
	name string
	has  *bool
}
