package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTestCommand(t *testing.T) {
	dir := t.TempDir()
	good, bad, junit := filepath.Join(dir, "good.test"), filepath.Join(dir, "bad.test"), filepath.Join(dir, "out.xml")
	for name, text := range map[string]string{
		good: "# one is one\n-- sql one\nSELECT 1;\n-- expect\n1\n",
		bad:  "# one is not two\n-- sql two\nSELECT 1;\n-- expect\n2\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(c testCommand) (string, error) {
		w, o, _ := testWorld(t)
		c.Timeout = time.Minute
		err := c.Run(w)
		return o.String(), err
	}
	if out, err := run(testCommand{Files: []string{good}}); err != nil || !strings.HasPrefix(out, "ok    1 tests in 1 files") {
		t.Errorf("a good file: %s, %v", out, err)
	}
	out, err := run(testCommand{Files: []string{dir}, JUnit: junit})
	if !errors.Is(err, errSilent) || !strings.Contains(out, "FAIL  "+bad+":2: two") || !strings.Contains(out, "- 2") || !strings.Contains(out, "FAIL  1 of 2 tests in 2 files") {
		t.Errorf("a folder with a bad file: %s, %v", out, err)
	}
	if xml, err := os.ReadFile(junit); err != nil || !strings.Contains(string(xml), `tests="2" failures="1"`) {
		t.Errorf("junit: %s, %v", xml, err)
	}
	if _, err := run(testCommand{Files: []string{filepath.Join(dir, "*.test")}, Only: "good.*/one"}); err != nil {
		t.Errorf("--run: %v", err)
	}
	for _, c := range []testCommand{{Files: []string{dir}, Only: "nothing"}, {Files: []string{dir}, Only: "("}, {Files: []string{filepath.Join(dir, "*.txt")}}, {Files: []string{filepath.Join(dir, "none")}}} {
		if _, err := run(c); status(err, os.Stderr) != exitUsage {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
