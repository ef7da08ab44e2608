// Package docs_test keeps the documentation true: it runs the examples, writes the
// tables of options from the code, and follows the links.
package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	_ "github.com/millrace-io/millrace/internal/cli" // the connectors and formats
	"github.com/millrace-io/millrace/internal/plan/bind"
)

var update = flag.Bool("update", false, "write what is generated anew")

// pages are README.md and all below docs.
func pages(t *testing.T) []string {
	t.Helper()
	out := []string{"../README.md", "../CONTRIBUTING.md"}
	for _, pattern := range []string{"*.md", "*/*.md"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, list...)
	}
	return out
}

// A block is a fenced block of a page.
type block struct {
	line int // of the fence
	info []string
	text string
}

func (b *block) is(words ...string) bool {
	return len(b.info) >= len(words) && slices.Equal(b.info[:len(words)], words)
}

func blocks(text string) []block {
	var out []block
	open := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```") && !open:
			out = append(out, block{line: i + 1, info: strings.Fields(line[3:])})
			open = true
		case strings.HasPrefix(line, "```"):
			open = false
		case open:
			out[len(out)-1].text += line + "\n"
		}
	}
	return out
}

// TestExamples runs the blocks of each page that are marked, in order and in one
// folder that is empty at first:
//
//	```sh run            with sh; the next block may be ```text output
//	```sql run           millrace run, in batch mode
//	```sql run stream    in streaming mode, as a changelog
//
// The output must be what stdout had.
func TestExamples(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "millrace")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/millrace").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		list := blocks(string(data))
		if !slices.ContainsFunc(list, func(b block) bool { return len(b.info) > 1 && b.info[1] == "run" }) {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for i := range list {
				b := &list[i]
				if len(b.info) < 2 || b.info[1] != "run" {
					continue
				}
				cmd := command(bin, b)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+string(os.PathListSeparator)+os.Getenv("PATH"), "TZ=UTC")
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				if err := cmd.Run(); err != nil {
					t.Fatalf("%s:%d: %v\n%s%s", page, b.line, err, stdout.String(), stderr.String())
				}
				if i+1 < len(list) && list[i+1].is("text", "output") && stdout.String() != list[i+1].text {
					t.Errorf("%s:%d: the output is\n%s\nwant\n%s", page, b.line, stdout.String(), list[i+1].text)
				}
			}
		})
	}
}

func command(bin string, b *block) *exec.Cmd {
	cmd := exec.Command(bin, "run", "-", "--mode", "batch", "--quiet", "--parallelism", "1")
	switch {
	case b.is("sh"):
		return exec.Command("sh", "-e", "-c", b.text)
	case b.is("sql", "run", "stream"):
		cmd = exec.Command(bin, "run", "-", "--format", "changelog", "--quiet", "--parallelism", "1")
	}
	cmd.Stdin = strings.NewReader(b.text)
	return cmd
}

var generated = regexp.MustCompile(`(?s)<!-- generated: ([^ ]+) -->\n.*?<!-- end -->`)

// TestGenerated compares the tables that are made from the code.
func TestGenerated(t *testing.T) {
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		fresh := generated.ReplaceAllFunc(data, func(old []byte) []byte {
			name := string(generated.FindSubmatch(old)[1])
			text, err := table(name)
			if err != nil {
				t.Errorf("%s: %v", page, err)
				return old
			}
			return []byte("<!-- generated: " + name + " -->\n" + text + "<!-- end -->")
		})
		switch {
		case bytes.Equal(fresh, data):
		case *update:
			if err := os.WriteFile(page, fresh, 0o644); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s is not fresh: go test ./docs -update", page)
		}
	}
}

// table writes what a name stands for: connector/NAME, format/NAME, set, connectors
// or formats.
func table(name string) (string, error) {
	kind, name, _ := strings.Cut(name, "/")
	switch kind {
	case "functions":
		return functions(name)
	case "set":
		return options(bind.Defs(), ""), nil
	case "connector":
		c := connect.Lookup(name)
		if c == nil {
			return "", fmt.Errorf("there is no connector %s", name)
		}
		return options(c.Options, "") + metadata(c.Metadata, ""), nil
	case "format":
		f := format.Lookup(name)
		if f == nil {
			return "", fmt.Errorf("there is no format %s", name)
		}
		return options(f.Options, name+".") + metadata(f.Metadata, "value."), nil
	}
	return "", fmt.Errorf("nothing is generated by the name of %s", kind)
}

func options(list []connect.Option, prefix string) string {
	if len(list) == 0 {
		return "It has no options.\n"
	}
	out := "| option | default | |\n|---|---|---|\n"
	for _, o := range list {
		def := ""
		if o.Default != "" {
			def = "`" + o.Default + "`"
		}
		doc := strings.ToUpper(o.Doc[:1]) + o.Doc[1:]
		out += fmt.Sprintf("| `%s%s` | %s | %s |\n", prefix, o.Key, def, strings.ReplaceAll(strings.TrimSuffix(doc, ".")+".", "|", "\\|"))
	}
	return out
}

func metadata(keys map[string]string, prefix string) string {
	if len(keys) == 0 {
		return ""
	}
	out := "\n| metadata column | type |\n|---|---|\n"
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		out += fmt.Sprintf("| `%s%s` | %s |\n", prefix, k, keys[k])
	}
	return out
}

// TestEverythingIsDescribed wants a table for every connector and format.
func TestEverythingIsDescribed(t *testing.T) {
	data, err := os.ReadFile("connectors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range connect.Names() {
		if !bytes.Contains(data, []byte("<!-- generated: connector/"+name+" -->")) {
			t.Errorf("connectors.md has nothing on connector %s", name)
		}
	}
	for _, name := range format.Names() {
		if !bytes.Contains(data, []byte("<!-- generated: format/"+name+" -->")) {
			t.Errorf("connectors.md has nothing on format %s", name)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// TestLinks follows the links to files.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// TestIndex: README.md links every page, and CONTRIBUTING.md names every folder of
// tests.
func TestIndex(t *testing.T) {
	for _, c := range []struct{ page, pattern, in string }{
		{"../README.md", "*.md", "](docs/%s)"},
		{"../CONTRIBUTING.md", "../test/*", "| `test/%s` |"},
	} {
		text, err := os.ReadFile(c.page)
		if err != nil {
			t.Fatal(err)
		}
		list, err := filepath.Glob(c.pattern)
		if err != nil || len(list) == 0 {
			t.Fatal("nothing is called", c.pattern, err)
		}
		for _, name := range list {
			if entry := fmt.Sprintf(c.in, filepath.Base(name)); !strings.Contains(string(text), entry) {
				t.Errorf("%s has no %s", c.page, entry)
			}
		}
	}
}
