package queries

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/sql/parse"
)

func TestGet(t *testing.T) {
	for _, name := range Names() {
		q, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if q.Name != name || !strings.HasSuffix(q.Title, ".") || strings.Contains(q.Title, "--") {
			t.Errorf("%s: title %q", name, q.Title)
		}
		if !strings.HasPrefix(q.Select, "SELECT ") || strings.Contains(q.Select, ";") {
			t.Errorf("%s inserts %q", name, q.Select)
		}
		last := q.Setup[len(q.Setup)-1]
		if !strings.HasPrefix(last, "CREATE TABLE "+q.Sink+" (") || name != "q10" && !strings.HasSuffix(last, "WITH ('connector' = 'blackhole')") {
			t.Errorf("%s: the last statement before the INSERT is %q", name, last)
		}
		text, _ := files.ReadFile(name + ".sql")
		if want := string(text); "-- "+q.Title+"\n"+q.Script() != want {
			t.Errorf("%s: script\n%swant\n%s", name, q.Script(), want)
		}
	}
}

func TestNames(t *testing.T) {
	names := Names()
	if len(names) != 24 || names[0] != "q0" || names[len(names)-1] != "q23" || names[2] != "q2" {
		t.Errorf("names %v", names)
	}
	for _, q := range Standard {
		if !slices.Contains(names, q) {
			t.Errorf("no query %s", q)
		}
	}
	if _, err := Get("q24"); err == nil {
		t.Error("q24 is there")
	}
}

func TestIn(t *testing.T) {
	for _, name := range Names() {
		q, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if q.NeedsFolder() != (name == "q10" || name == "q13") {
			t.Errorf("%s: NeedsFolder is %v", name, q.NeedsFolder())
		}
		if q, err = q.In(t.TempDir()); err != nil || q.NeedsFolder() {
			t.Errorf("%s: %v\n%s", name, err, q.Script())
		}
	}
}

func ExampleGenerated() {
	fmt.Println(Generated("'events.num' = '1000'")[2])
	// Output:
	// CREATE TABLE bid (
	//   auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING,
	//   WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
	// ) WITH ('connector' = 'nexmark', 'table' = 'bid', 'events.num' = '1000')
}

func ExampleFiles() {
	fmt.Println(Files("/data", ".json.gz", "json")[0])
	// Output:
	// CREATE TABLE person (
	//   id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, `dateTime` TIMESTAMP(3), extra STRING,
	//   WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
	// ) WITH ('connector' = 'filesystem', 'path' = '/data/person.json.gz', 'format' = 'json')
}

// Millrace's parser takes every script.
func TestParse(t *testing.T) {
	for _, name := range Names() {
		q, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		script := Script(Generated("")...) + q.Script()
		statements, err := parse.Script(script)
		if err != nil || len(statements) != 3+len(q.Setup)+1 {
			t.Errorf("%s: %d statements, error %v", name, len(statements), err)
		}
	}
}
