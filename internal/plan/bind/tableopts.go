package bind

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// tableOptions are the WITH options that every table takes.
var tableOptions = []connect.Option{
	{Key: "connector"},
	{Key: "scan.parallelism", Check: atLeast(1)},
	{Key: "sink.parallelism", Check: atLeast(1)},
	{Key: "scan.watermark.emit.strategy", Check: oneOf("on-periodic", "on-event")},
	{Key: "scan.watermark.emit.on-event.gap", Check: atLeast(1)},
	{Key: "scan.watermark.alignment.group"},
	{Key: "scan.watermark.alignment.max-drift", Check: duration},
	{Key: "scan.watermark.alignment.update-interval", Check: duration},
	{Key: "scan.watermark.idle-timeout", Check: duration},
}

// flinkTableKeys are the keys of Flink's connectors and formats, to tell a
// misspelt one from one that is not supported.
//
//go:embed flink_table_keys.txt
var flinkTableText string

var flinkTableKeys = strings.Fields(flinkTableText)

// knownOptions returns the options that a table may have.
func knownOptions(c *connect.Connector, options map[string]string) []connect.Option {
	out := slices.Concat(tableOptions, c.Options)
	if !c.Formats {
		return out
	}
	for _, key := range []string{"format", "key.format", "value.format"} {
		if key == "format" || declared(out, key) {
			out = append(out, connect.Option{Key: key})
		}
		f := format.Lookup(options[key])
		if f == nil {
			continue
		}
		prefix := strings.TrimSuffix(key, "format") + f.Name + "."
		for _, o := range f.Options {
			o.Key = prefix + o.Key
			out = append(out, o)
		}
	}
	return out
}

func declared(list []connect.Option, key string) bool {
	return slices.ContainsFunc(list, func(o connect.Option) bool { return o.Key == key })
}

// lookupOption finds the option that stands for a key.
func lookupOption(list []connect.Option, key string) *connect.Option {
	for i := range list {
		if list[i].Matches(key) {
			return &list[i]
		}
	}
	return nil
}

// checkTable checks a table's options; written are those with a position.
func (b *Binder) checkTable(t *catalog.Table, written []ast.Option, where ast.Node) error {
	pos := func(key string) ast.Node {
		for _, o := range written {
			if o.Key == key {
				return o
			}
		}
		return where
	}
	name, ok := t.Options["connector"]
	if !ok {
		if t.Options["connector.type"] != "" {
			return hinted(errAt(pos("connector.type"), "the legacy option 'connector.type' is not supported"), "write 'connector' = '…'")
		}
		return hinted(errAt(where, "table '%s' has no option 'connector'", t.Path.Name), "write WITH ('connector' = '…')")
	}
	c := connect.Lookup(name)
	if c == nil {
		return nearAt(pos("connector"), name, connect.Names(), "unknown connector '%s'; there are %s", name, strings.Join(connect.Names(), ", "))
	}
	if c.Formats {
		for _, key := range []string{"format", "key.format", "value.format"} {
			if f := t.Options[key]; f != "" && format.Lookup(f) == nil {
				return nearAt(pos(key), f, format.Names(), "unknown format '%s'; there are %s", f, strings.Join(format.Names(), ", "))
			}
		}
	}
	if err := checkMetadata(t, c, where); err != nil {
		return err
	}
	list := knownOptions(c, t.Options)
	for _, key := range sortedKeys(t.Options) {
		if err := checkValue(list, c, pos(key), key, t.Options[key]); err != nil {
			return err
		}
		if err := checkField(t, lookupOption(list, key), pos(key), key); err != nil {
			return err
		}
	}
	return nil
}

// checkField checks that an option for a column (fields.#.kind) is for one that the
// connector makes.
func checkField(t *catalog.Table, o *connect.Option, at ast.Node, key string) error {
	before, after, ok := strings.Cut(o.Key, "#")
	if !ok {
		return nil
	}
	path := strings.TrimSuffix(strings.TrimPrefix(key, before), after)
	var names []string
	for _, c := range t.Columns {
		inside := path == c.Name || strings.HasPrefix(path, c.Name+".")
		switch {
		case inside && c.Kind == catalog.Physical:
			return nil
		case inside:
			return hinted(errAt(at, "option '%s' is for column '%s', which is computed", key, c.Name), "leave the option out")
		case c.Kind == catalog.Physical:
			names = append(names, c.Name)
		}
	}
	name, _, _ := strings.Cut(path, ".")
	err := base.Errorf(posOf(at), "option '%s' is for column '%s', but table '%s' has none of that name", key, name, t.Path.Name)
	if err.Hint = "its columns are " + strings.Join(names, ", "); len(names) == 0 {
		err.Hint = "it has no columns of its own"
	}
	if near := connect.Near(name, names); near != "" && len(name) > 2 {
		err.Hint = "did you mean '" + near + "'?"
	}
	return err
}

// checkOption checks one option of a hint against a table.
func (b *Binder) checkOption(t *catalog.Table, o ast.Option) error {
	if !b.opts.Bool(OptHints) {
		return errAt(o, "hints OPTIONS(…) are switched off by '%s'", OptHints)
	}
	if o.Key == "connector" {
		return errAt(o, "a hint cannot change the connector")
	}
	c := connect.Lookup(t.Options["connector"])
	if c == nil {
		return nil
	}
	list := knownOptions(c, t.Options)
	if err := checkValue(list, c, o, o.Key, o.Value); err != nil {
		return err
	}
	return checkField(t, lookupOption(list, o.Key), o, o.Key)
}

func checkValue(list []connect.Option, c *connect.Connector, at ast.Node, key, value string) error {
	o := lookupOption(list, key)
	if o == nil {
		return unknownTableOption(list, c, at, key)
	}
	if o.Check != nil {
		if err := o.Check(value); err != nil {
			return errAt(at, "option '%s': %v", key, err)
		}
	}
	return nil
}

func unknownTableOption(list []connect.Option, c *connect.Connector, at ast.Node, key string) error {
	_, bare, _ := strings.Cut(key, ".")
	if slices.Contains(flinkTableKeys, key) || slices.Contains(flinkTableKeys, bare) {
		return errAt(at, "option '%s' of Flink is not supported by connector '%s'", key, c.Name)
	}
	var names []string
	for _, o := range list {
		names = append(names, o.Key)
	}
	err := base.Errorf(posOf(at), "unknown option '%s' of connector '%s'", key, c.Name)
	if n := connect.Near(key, names); n != "" {
		err.Hint = "did you mean '" + n + "'?"
	}
	return err
}

// checkMetadata checks that the connector has what metadata columns read.
func checkMetadata(t *catalog.Table, c *connect.Connector, where ast.Node) error {
	for _, col := range t.Columns {
		if col.Kind != catalog.Metadata {
			continue
		}
		key := col.Key
		if key == "" {
			key = col.Name
		}
		keys := metadataOf(c, t.Options)
		if _, ok := keys[key]; !ok {
			names := sortedKeys(keys)
			has := "it has none"
			if len(names) > 0 {
				has = "it has " + strings.Join(names, ", ")
			}
			return nearAt(where, key, names, "connector '%s' has no metadata '%s' for column '%s'; %s", c.Name, key, col.Name, has)
		}
	}
	return nil
}

// metadataOf returns the metadata keys of a table: its connector's and, behind
// 'value.', its format's.
func metadataOf(c *connect.Connector, options map[string]string) map[string]string {
	name := options["format"]
	if v := options["value.format"]; v != "" {
		name = v
	}
	f := format.Lookup(name)
	if !c.Formats || f == nil || len(f.Metadata) == 0 {
		return c.Metadata
	}
	out := maps.Clone(c.Metadata)
	if out == nil {
		out = map[string]string{}
	}
	for k, v := range f.Metadata {
		out["value."+k] = v
	}
	return out
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
