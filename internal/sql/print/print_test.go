package print_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
	"github.com/millrace-io/millrace/internal/sql/print"
)

// corpus returns the scripts of the parser's tests.
func corpus(t testing.TB) map[string]string {
	files, err := filepath.Glob("../parse/testdata/corpus/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("find corpus: %v, %d files", err, len(files))
	}
	m := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(f)] = string(b)
	}
	return m
}

// strip sets every position in a tree to zero.
func strip(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			strip(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			strip(v.Index(i))
		}
	case reflect.Struct:
		switch v.Interface().(type) {
		case ast.Pos, ast.Source:
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			strip(v.Field(i))
		}
	}
}

// roundTrip checks that the text of s reads as s again, and prints the same.
func roundTrip(t testing.TB, s ast.Statement) {
	t.Helper()
	text := print.Statement(s)
	again, err := parse.Statement(text)
	if err != nil {
		t.Fatalf("read again: %v\n%s", err, text)
	}
	if twice := print.Statement(again); twice != text {
		t.Fatalf("the text is not stable:\n%s\n%s", text, twice)
	}
	strip(reflect.ValueOf(s))
	strip(reflect.ValueOf(again))
	if !reflect.DeepEqual(s, again) {
		t.Fatalf("another tree: %s", text)
	}
}

func TestRoundTrip(t *testing.T) {
	for name, src := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			for s, err := range parse.Statements(src) {
				if err != nil {
					t.Error(err)
					continue
				}
				start, end := s.Span()
				t.Run("", func(t *testing.T) {
					t.Log(src[start:end])
					roundTrip(t, s)
				})
			}
		})
	}
}
