package parse

// splitter finds where statements end: at a semicolon, except inside a
// statement set, which goes on to its END.
type splitter struct {
	words int  // how many words of STATEMENT SET BEGIN, or BEGIN STATEMENT SET, came last
	inSet bool // between BEGIN and END
	fresh bool // the last token was a semicolon or the BEGIN of a set
	seen  bool // some token was seen since the last end
	began bool // the statement's first word is BEGIN
}

// step takes the next token and reports whether it ends a statement.
func (s *splitter) step(t *token) bool {
	if t.isPunct(";") {
		if s.inSet {
			s.fresh = true
			return false
		}
		*s = splitter{}
		return true
	}
	switch {
	case s.inSet && s.fresh && t.isWord("END"):
		s.inSet = false
	case t.isWord("BEGIN") && s.words == 2:
		s.inSet, s.fresh = true, true
		s.seen = true
		return false
	}
	switch {
	case t.isWord("STATEMENT"):
		s.words = 1
	case t.isWord("SET") && s.words == 1:
		s.words = 2
		s.inSet = s.inSet || s.began
	default:
		s.words = 0
	}
	if !s.seen {
		s.began = t.isWord("BEGIN")
	}
	s.fresh, s.seen = false, true
	return false
}

// Complete reports whether src ends where a statement ends: behind a semicolon
// that is not inside of a statement set, a string or a comment. Empty text is
// complete. A shell asks it after each line.
func Complete(src string) bool {
	var s splitter
	ended := true
	for _, t := range lex(src) {
		if t.kind == tEOF {
			break
		}
		if t.open {
			return false
		}
		ended = s.step(&t)
	}
	return ended
}
