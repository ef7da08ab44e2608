package types

import (
	"fmt"
	"slices"
)

// MarshalText implements encoding.TextMarshaler: a kind is kept by its name, so that
// files stay good when kinds are added.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kindNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown type %q", text)
	}
	*k = Kind(i)
	return nil
}
