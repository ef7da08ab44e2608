package keyenc

import "testing"

func TestAppendAfter(t *testing.T) {
	for _, c := range []struct{ prefix, want string }{{"a", "b"}, {"a\xff", "b"}, {"ab\xff\xff", "ac"}, {"\x00\x00", "\x00\x01"}} {
		if got := AppendAfter([]byte("x"), []byte(c.prefix)); string(got) != "x"+c.want {
			t.Errorf("behind %q is %q", c.prefix, got)
		}
	}
	for _, prefix := range []string{"", "\xff", "\xff\xff"} {
		if got := AppendAfter(nil, []byte(prefix)); got != nil {
			t.Errorf("behind %q is %q", prefix, got)
		}
	}
}
