package cli

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/vec"
)

// keywords are what statements are made of, for completion.
var keywords = strings.Fields(`
ADD ALL ALTER AND AS ASC BATCH BEGIN BETWEEN BY CASE CAST CATALOGS COLUMNS CREATE CROSS CUMULATE CURRENT DATABASES DESC
DESCRIBE DESCRIPTOR DISTINCT DROP ELSE END EXCEPT EXECUTE EXISTS EXPLAIN FALSE FILTER FOR FOLLOWING FROM FULL FUNCTIONS GROUP HAVING
HOP IF IN INNER INSERT INTERSECT INTERVAL INTO IS JOIN LEFT LIKE LIMIT NOT NULL OF ON OR ORDER OUTER OVER PARTITION PRECEDING PRIMARY KEY
ENFORCED RANGE RESET RIGHT ROW ROWS SELECT SESSION SET SHOW STATEMENT SYSTEM_TIME TABLE TABLES TEMPORARY THEN TRUE TRY_CAST TUMBLE
UNBOUNDED UNION VALUES VIEW VIEWS WATERMARK WHEN WHERE WITH
BIGINT BOOLEAN BYTES CHAR DATE DECIMAL DOUBLE FLOAT INT SMALLINT STRING TIME TIMESTAMP TIMESTAMP_LTZ TINYINT VARCHAR ARRAY MAP
SECOND MINUTE HOUR DAY MONTH YEAR`)

var (
	lastWord   = regexp.MustCompile("[A-Za-z0-9_$.`]*$")
	lastString = regexp.MustCompile(`(?i)\b(?:SET|RESET)\s+'([^']*)$`)
	tablesNext = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|INTO|TABLE|DESCRIBE|DESC|VIEW|CREATE)\s+$`)
	words      = regexp.MustCompile("[A-Za-z0-9_$]+")
)

// complete is a liner.WordCompleter: it completes the word before the cursor.
func (sh *shell) complete(line string, pos int) (head string, list []string, tail string) {
	runes := []rune(line)
	before, after := string(runes[:pos]), string(runes[pos:])
	if m := lastString.FindStringSubmatch(before); m != nil {
		head = strings.TrimSuffix(before, m[1])
		return head, startingWith(m[1], optionKeys()), after
	}
	word := lastWord.FindString(before)
	head = strings.TrimSuffix(before, word)
	return head, sh.candidates(sh.buffer.String()+head, sh.buffer.String()+line, word), after
}

// functionNames are the built-in functions that are called by a name.
func functionNames() []string {
	var out []string
	for _, f := range bind.Functions() {
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			if words.FindString(n) == n {
				out = append(out, n)
			}
		}
	}
	return out
}

// candidates are the words that may stand behind a text; all is the statement so far.
func (sh *shell) candidates(behind, all, word string) []string {
	tables := sh.names("SHOW TABLES")
	if owner, part, ok := cutLast(word, "."); ok {
		name := owner
		// an alias: FROM bid AS b, JOIN auction a
		alias := regexp.MustCompile(`(?i)\b([A-Za-z0-9_$]+)\s+(?:AS\s+)?` + regexp.QuoteMeta(owner) + `\b`)
		if !slices.Contains(tables, owner) {
			for _, m := range alias.FindAllStringSubmatch(all, -1) {
				if slices.Contains(tables, m[1]) {
					name = m[1]
				}
			}
		}
		var out []string
		for _, c := range startingWith(part, sh.columns(name)) {
			out = append(out, owner+"."+c)
		}
		return out
	}
	var out []string
	if tablesNext.MatchString(behind) {
		if out = startingWith(word, tables); len(out) > 0 {
			return out
		}
	}
	if word == "" {
		return nil
	}
	for _, t := range sh.mentioned(tables, all) {
		out = append(out, startingWith(word, sh.columns(t))...)
	}
	out = append(out, startingWith(word, tables)...)
	lower := word == strings.ToLower(word)
	for _, k := range startingWith(word, append(slices.Clone(keywords), functionNames()...)) {
		if lower {
			k = strings.ToLower(k)
		}
		out = append(out, k)
	}
	for _, c := range clientCommands {
		if strings.TrimSpace(behind) == "" {
			out = append(out, startingWith(word, []string{c.name})...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mentioned returns the tables that a text names; all of them if it names none yet.
func (sh *shell) mentioned(tables []string, text string) []string {
	var out []string
	named := words.FindAllString(text, -1)
	for _, t := range tables {
		if slices.Contains(named, t) {
			out = append(out, t)
		}
	}
	if out == nil && len(tables) <= tablesMax {
		return tables
	}
	return out
}

// tablesMax is for how many tables the columns of all are offered.
const tablesMax = 50

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// startingWith returns the names that begin as a word does, in any case.
func startingWith(word string, names []string) []string {
	var out []string
	for _, n := range names {
		if len(n) >= len(word) && strings.EqualFold(n[:len(word)], word) {
			out = append(out, n)
		}
	}
	return out
}

func optionKeys() []string {
	var out []string
	for _, o := range bind.Defs() {
		out = append(out, o.Key)
	}
	slices.Sort(out)
	return append(out, "sql-client.execution.result-mode")
}

func (sh *shell) columns(table string) []string {
	return sh.names("DESCRIBE `" + strings.ReplaceAll(table, "`", "``") + "`")
}

// names returns the first column of what a statement lists; nothing if it fails.
func (sh *shell) names(statement string) []string {
	var out []string
	for st, err := range sh.s.Script("", statement) {
		if err != nil {
			return nil
		}
		res, err := sh.s.Execute(context.Background(), st, nil)
		if err != nil {
			return nil
		}
		for _, b := range res.Rows {
			for i := range b.Rows {
				out = append(out, string(b.Cols[0].(*vec.Bytes).At(i)))
			}
		}
	}
	return out
}
