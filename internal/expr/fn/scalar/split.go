package scalar

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	texts := func(n int) []kernel.Want {
		return []kernel.Want{kernel.Text, kernel.Text, kernel.Text}[:n]
	}
	fn.Register(
		kernel.Define("SPLIT_INDEX", doc("string", "SPLIT_INDEX(s, separator, i)", "the i-th piece of s, from 0; the separator may be a character's code", "SPLIT_INDEX('a,b', ',', 1)"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text, kernel.Int32}, Ret: types.TString, MayBeNull: true, Eval: evalSplitIndex},
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Int32, kernel.Int32}, Ret: types.TString, MayBeNull: true, Eval: evalSplitCode}),
		kernel.Define("SPLIT", doc("collection", "SPLIT(s, separator)", "the pieces of s; its characters if the separator is empty", "SPLIT('a,b', ',')"),
			kernel.Sig{Args: texts(2), Ret: types.ArrayOf(types.TString), Eval: evalSplit}),
		kernel.Define("STR_TO_MAP", doc("string", "STR_TO_MAP(s [, pairs, keys])", "a map of the text's pairs; the separators are regular expressions, ',' and '=' by default", "STR_TO_MAP('a=1,b=2')"),
			kernel.Sig{Args: texts(1), Ret: types.MapOf(types.TString, types.TString), MayBeNull: true, Eval: evalStrToMap},
			kernel.Sig{Args: texts(3), Ret: types.MapOf(types.TString, types.TString), MayBeNull: true, Eval: evalStrToMap}),
		kernel.Define("PARSE_URL", doc("string", "PARSE_URL(url, part [, key])", "HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO of a URL, or one key of its QUERY", "PARSE_URL('http://f.com/p?k1=v1', 'HOST')"),
			kernel.Sig{Args: texts(3), Opt: 1, Ret: types.TString, MayBeNull: true, Eval: evalParseURL}),
		kernel.Define("STARTSWITH", doc("string", "STARTSWITH(s, prefix)", "whether s begins with a text", "STARTSWITH('abc', 'a')"), testSigs(bytes.HasPrefix)...),
		kernel.Define("ENDSWITH", doc("string", "ENDSWITH(s, suffix)", "whether s ends with a text", "ENDSWITH('abc', 'c')"), testSigs(bytes.HasSuffix)...),
	)
}

// testSigs are the signatures of a test of two texts, or of bytes.
func testSigs(f func(s, t []byte) bool) []kernel.Sig {
	return []kernel.Sig{
		{Args: []kernel.Want{kernel.Text, kernel.Text}, Ret: types.TBoolean, Eval: kernel.TextToNum2(f)},
		{Args: []kernel.Want{kernel.Raw, kernel.Raw}, Ret: types.TBoolean, Eval: kernel.TextToNum2(f)},
	}
}

func evalSplitIndex(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, sep, at := kernel.Str(args[0]), kernel.Str(args[1]), kernel.Num[int32](args[2])
	if sep.Const() && at.Const() && len(sep.At(0)) == 1 && at.At(0) >= 0 {
		c, k := sep.At(0)[0], int(at.At(0))
		return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
			text := s.At(i)
			p, ok := pieceBy(text, c, k)
			return append(dst, p...), ok && len(text) > 0
		}), nil
	}
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		p, ok := piece(s.At(i), sep.At(i), int(at.At(i)))
		return append(dst, p...), ok
	}), nil
}

func evalSplitCode(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, code, at := kernel.Str(args[0]), kernel.Num[int32](args[1]), kernel.Num[int32](args[2])
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		c := code.At(i)
		if c < 1 || c > 255 {
			return dst, false
		}
		var buf [4]byte
		p, ok := piece(s.At(i), utf8.AppendRune(buf[:0], c), int(at.At(i)))
		return append(dst, p...), ok
	}), nil
}

// piece returns the k-th piece of s; an empty separator stands for white space.
func piece(s, sep []byte, k int) ([]byte, bool) {
	if k < 0 || len(s) == 0 {
		return nil, false
	}
	if len(sep) == 0 {
		fields := bytes.Fields(s)
		if k >= len(fields) {
			return nil, false
		}
		return fields[k], true
	}
	if len(sep) == 1 {
		return pieceBy(s, sep[0], k)
	}
	for ; k > 0; k-- {
		at := bytes.Index(s, sep)
		if at < 0 {
			return nil, false
		}
		s = s[at+len(sep):]
	}
	if at := bytes.Index(s, sep); at >= 0 {
		s = s[:at]
	}
	return s, true
}

func evalSplit(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, sep := kernel.Str(args[0]), kernel.Str(args[1])
	return buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		text, by := s.At(i), sep.At(i)
		for at := nextPiece(text, by); at >= 0; at = nextPiece(text, by) {
			b.Kid(0).Bytes(text[:at])
			text = text[at+len(by):]
		}
		if len(text) > 0 || len(by) > 0 {
			b.Kid(0).Bytes(text)
		}
		b.End()
	}), nil
}

// nextPiece returns where the first piece of a text ends, if others follow; -1 if it is
// the last. Without a separator it is a character.
func nextPiece(text, by []byte) int {
	if len(by) > 0 {
		return bytes.Index(text, by)
	}
	if _, size := utf8.DecodeRune(text); size < len(text) {
		return size
	}
	return -1
}

// A separator splits texts: by a regular expression, or by itself where it has
// no special characters.
type separator struct {
	plain string
	re    *kernel.Regex
}

func newSeparator(pattern string) (separator, error) {
	if regexp.QuoteMeta(pattern) == pattern && pattern != "" {
		return separator{plain: pattern}, nil
	}
	re, err := kernel.NewRegex(pattern)
	return separator{re: re}, err
}

// split cuts s into at most n pieces, n < 0 for all.
func (p separator) split(s string, n int) ([]string, error) {
	if p.re == nil {
		return strings.SplitN(s, p.plain, n), nil
	}
	found, err := p.re.FindAll([]byte(s))
	var out []string
	last := 0
	for _, m := range found {
		if n > 0 && len(out) == n-1 {
			break
		}
		if m[1] == 0 { // as in Java, nothing at the front is no piece
			continue
		}
		out = append(out, s[last:m[0]])
		last = m[1]
	}
	return append(out, s[last:]), err
}

type mapSeparators struct{ pairs, keys kernel.Cache[separator] }

func evalStrToMap(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	seps := state[mapSeparators](c)
	var failed error
	v := buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		pair, key := []byte(","), []byte("=")
		if len(args) == 3 {
			pair, key = kernel.Str(args[1]).At(i), kernel.Str(args[2]).At(i)
		}
		p, err := seps.pairs.Get(pair, newSeparator)
		if err != nil {
			failed = err
		}
		k, err := seps.keys.Get(key, newSeparator)
		if err != nil {
			failed = err
		}
		if failed == nil && len(s.At(i)) > 0 {
			pairs, err := p.split(string(s.At(i)), -1)
			if err == nil {
				err = appendPairs(b, pairs, k)
			}
			failed = err
		}
		b.End()
	})
	return v, failed
}

// appendPairs appends key and value pairs; of equal keys the last counts, and
// empty pairs at the end do not.
func appendPairs(b *vec.Builder, pairs []string, key separator) error {
	for len(pairs) > 0 && pairs[len(pairs)-1] == "" {
		pairs = pairs[:len(pairs)-1]
	}
	var order []string
	values := map[string]*string{}
	for _, p := range pairs {
		kv, err := key.split(p, 2)
		if err != nil {
			return err
		}
		if _, ok := values[kv[0]]; !ok {
			order = append(order, kv[0])
		}
		values[kv[0]] = nil
		if len(kv) == 2 {
			values[kv[0]] = &kv[1]
		}
	}
	for _, k := range order {
		b.Kid(0).String(k)
		if v := values[k]; v != nil {
			b.Kid(1).String(*v)
		} else {
			b.Kid(1).Null()
		}
	}
	return nil
}

func evalParseURL(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	url, part := kernel.Str(args[0]), kernel.Str(args[1])
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		u, ok := parseURL(string(url.At(i)))
		if !ok {
			return dst, false
		}
		p, ok := u[string(part.At(i))]
		if len(args) == 3 {
			ok = ok && string(part.At(i)) == "QUERY"
			if ok {
				p, ok = queryKey(p, string(kernel.Str(args[2]).At(i)))
			}
		}
		return append(dst, p...), ok
	}), nil
}

// parseURL cuts a URL into its parts by their names, as java.net.URL does; what
// is absent has no entry, but for HOST and PATH, which are then empty.
func parseURL(s string) (map[string]string, bool) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), ":")
	if !ok || !knownScheme[strings.ToLower(scheme)] {
		return nil, false
	}
	u := map[string]string{"PROTOCOL": strings.ToLower(scheme), "HOST": ""}
	if before, ref, ok := strings.Cut(rest, "#"); ok {
		u["REF"], rest = ref, before
	}
	file := rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		end := strings.IndexAny(after, "/?")
		if end < 0 {
			end = len(after)
		}
		authority := after[:end]
		file = after[end:]
		u["AUTHORITY"] = authority
		host := authority
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			u["USERINFO"], host = authority[:at], authority[at+1:]
		}
		if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
			host = host[:colon]
		}
		u["HOST"] = host
	}
	u["FILE"] = file
	path, query, ok := strings.Cut(file, "?")
	u["PATH"] = path
	if ok {
		u["QUERY"] = query
	}
	return u, true
}

var knownScheme = map[string]bool{"http": true, "https": true, "ftp": true, "file": true, "jar": true, "mailto": true}

func queryKey(query, key string) (string, bool) {
	for _, kv := range strings.Split(query, "&") {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			return v, true
		}
	}
	return "", false
}
