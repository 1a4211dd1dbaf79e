package mail

import "strings"

// maxAddresses bounds the addresses that are taken of one header.
const maxAddresses = 500

// addresses reads all fields of one name. exact is false if a value is not a proper address list,
// so that addresses had to be picked out of it, or if there are more than maxAddresses.
func (h header) addresses(name string) (list []Address, exact bool) {
	exact = true
	for _, value := range h.all(name) {
		s := addressScanner{rest: value, exact: true, lastAt: len(value) - strings.LastIndexByte(value, '@')}
		for _, a := range s.list() {
			if len(list) == maxAddresses {
				return list, false
			}
			list = append(list, Address{Name: decodeWords(a.Name), Address: oneLine(a.Address)})
		}
		exact = exact && s.exact
	}
	return list, exact
}

// addressScanner reads an address list (RFC 5322 section 3.4) as people's and programs' mailers
// write it. The address of a mailbox is what stands in its angle brackets, whatever its name looks
// like: "ceo@bank.example <mallory@evil.example>" is mallory. No address is taken out of a quoted
// name, a comment or an encoded word beside one.
type addressScanner struct {
	rest   string
	exact  bool
	lastAt int // the length of what begins with the last @

	quotesOpen, commentsOpen bool // one that is not closed was met, so none of the rest is

	// the mailbox that is being read
	text     strings.Builder // outside brackets, without comments; quotes are undone
	bare     strings.Builder // as text, but without what was in quotes
	hasAt    bool            // bare has an @
	comment  string          // the last one
	brackets []string        // the addresses in angle brackets
	found    []Address
}

func (s *addressScanner) list() []Address {
	for s.rest != "" && len(s.found) <= maxAddresses {
		switch c := s.rest[0]; {
		case c == '"' && s.quoted():
		case c == '(' && s.skipComment():
		case c == '=' && s.word():
		case c == '<':
			s.bracket()
		case c == ',' || c == ';':
			s.rest = s.rest[1:]
			s.end(c == ',')
		case c == ':' && !s.hasAt: // a group's name came before
			s.rest = s.rest[1:]
			s.reset()
		default:
			s.plain(s.rest[:1])
			s.rest = s.rest[1:]
		}
	}
	s.end(false)
	return s.found
}

func (s *addressScanner) plain(text string) {
	s.text.WriteString(text)
	s.bare.WriteString(text)
	s.hasAt = s.hasAt || text == "@"
}

// quoted takes a quoted string. It reports false if the string is not closed: then the quote is a
// character like others.
func (s *addressScanner) quoted() bool {
	if s.quotesOpen {
		return false
	}
	if length := quoteLength(s.rest); length > 0 {
		s.text.WriteString(unescaped(s.rest[1 : length-1]))
		s.rest = s.rest[length:]
		return true
	}
	s.quotesOpen, s.exact = true, false
	return false
}

// word takes an encoded word, which is a name whatever characters it has.
func (s *addressScanner) word() bool {
	w, ok := cutWord(s.rest)
	if !ok || strings.ContainsAny(s.rest[:w.length], " \t") {
		return false
	}
	s.text.WriteString(s.rest[:w.length])
	s.rest = s.rest[w.length:]
	return true
}

// skipComment takes a comment, with those inside it. It reports false if the comment is not closed.
func (s *addressScanner) skipComment() bool {
	if s.commentsOpen {
		return false
	}
	length := commentLength(s.rest)
	if length == 0 {
		s.commentsOpen, s.exact = true, false
		return false
	}
	s.comment = unescaped(s.rest[1 : length-1])
	s.rest = s.rest[length:]
	s.plain(" ")
	return true
}

// commentLength is the length of the comment that value begins with, or 0 if it is not closed.
func commentLength(value string) int {
	depth := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// bracket takes what stands in angle brackets, without comments, blanks and the obsolete route.
func (s *addressScanner) bracket() {
	s.rest = s.rest[1:]
	var inside strings.Builder
	closed := false
	for s.rest != "" && !closed {
		c := s.rest[0]
		if c == '(' && !s.commentsOpen {
			if length := commentLength(s.rest); length > 0 {
				s.rest = s.rest[length:]
				continue
			}
			s.commentsOpen = true
		}
		if c == '"' && !s.quotesOpen {
			if length := quoteLength(s.rest); length > 0 {
				inside.WriteString(unescaped(s.rest[1 : length-1]))
				s.rest = s.rest[length:]
				continue
			}
			s.quotesOpen = true
		}
		switch c {
		case '>':
			closed = true
		case ' ', '\t':
		default:
			inside.WriteByte(c)
		}
		s.rest = s.rest[1:]
	}
	address := strings.TrimPrefix(inside.String(), "mailto:")
	if route, behind, ok := strings.Cut(address, ":"); ok && strings.HasPrefix(route, "@") {
		address = behind
	}
	if isAddress(address) {
		s.brackets = append(s.brackets, address)
	}
	s.exact = s.exact && closed && isAddress(address)
	s.plain(" ")
}

// quoteLength is the length of the quoted string that value begins with, or 0 if it is not closed.
func quoteLength(value string) int {
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// maxJoinedNameBytes bounds the names with commas: a longer one is no name.
const maxJoinedNameBytes = 500

// end ends a mailbox. A name without an address before a comma is the first half of "Doe, Jane
// <jane@sender.example>".
func (s *addressScanner) end(comma bool) {
	name, bare := strings.Join(strings.Fields(s.text.String()), " "), strings.TrimSpace(s.bare.String())
	isPlain := bare == name || strings.HasPrefix(bare, "@") // the local part may be in quotes
	switch {
	case len(s.brackets) > 0:
		if name == "" {
			name = s.comment
		}
		s.exact = s.exact && len(s.brackets) == 1 && !s.hasAt
		for _, address := range s.brackets {
			s.found = append(s.found, Address{Name: name, Address: address})
		}
	case isPlain && isAddress(name) && !strings.ContainsAny(bare, " \t[]"):
		s.found = append(s.found, Address{Name: s.comment, Address: name})
	case s.hasAt:
		s.exact = false
		s.found = append(s.found, pickAddresses(bare)...)
	case name == "":
	case comma && len(s.rest) > s.lastAt && len(name) < maxJoinedNameBytes:
		s.exact = false
		s.plain(", ")
		return
	default:
		s.exact = false
		s.found = append(s.found, Address{Name: name})
	}
	s.reset()
}

func (s *addressScanner) reset() {
	s.text.Reset()
	s.bare.Reset()
	s.hasAt, s.comment, s.brackets = false, "", nil
}

// isAddress says whether something stands on both sides of an @, without blanks.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && !strings.ContainsAny(s[at:], " \t<>,;")
}

// pickAddresses finds the words with an @ in a value that is not a mailbox.
func pickAddresses(value string) []Address {
	var found []Address
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t<>()[],;:\"'", r) }) {
		if isAddress(word) {
			found = append(found, Address{Address: word})
		}
	}
	if found == nil {
		found = []Address{{Name: value}}
	}
	return found
}

// unescaped undoes the backslashes of quoted strings and comments.
func unescaped(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
