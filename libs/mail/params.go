package mail

import (
	"strconv"
	"strings"
)

// maxParameterBytes bounds the header values that are read for parameters: no honest value is
// longer.
const maxParameterBytes = 8 << 10

// parameters are those of a Content-Type or Content-Disposition, by name in lower case, as written
// but without quotes. The first of a name counts. A name may have the asterisks of RFC 2231.
type parameters map[string]string

// parseMediaType reads Content-Type and Content-Disposition alike, also without the semicolons
// between parameters, with blanks around the equals sign, comments, and quotes that are not closed.
// The type is empty if the value names none.
func parseMediaType(value string) (string, parameters) {
	if value == "" {
		return "", nil
	}
	value = strings.TrimLeft(value[:min(len(value), maxParameterBytes)], " \t")
	end := strings.IndexAny(value, "; \t(=")
	if end < 0 {
		end = len(value)
	}
	mediaType := strings.Map(typeCharacter, value[:end])
	rest := value[end:]
	if strings.HasPrefix(rest, "=") { // no type, but a parameter
		mediaType, rest = "", value
	}
	s := parameterScanner{rest: rest, params: parameters{}}
	for s.rest = strings.TrimLeft(s.rest, "; \t"); s.rest != ""; s.rest = strings.TrimLeft(s.rest, "; \t") {
		if s.rest[0] != '(' || !s.skipComment() {
			s.take()
		}
	}
	return mediaType, s.params
}

// typeCharacter drops what no type has, and makes the rest lower case.
func typeCharacter(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9', strings.ContainsRune("!#$&-^_.+/", r):
		return r
	case 'A' <= r && r <= 'Z':
		return r + 'a' - 'A'
	}
	return -1
}

// contentType is the media type of a Content-Type value, or empty if that names none. Old mailers
// write "text" for text/plain.
func contentType(value string) (string, parameters) {
	mediaType, params := parseMediaType(value)
	kind, sub, _ := strings.Cut(strings.Trim(mediaType, "/"), "/")
	sub, _, _ = strings.Cut(sub, "/")
	switch {
	case kind == "":
		return "", params
	case sub != "":
		return kind + "/" + sub, params
	case kind == "text":
		return "text/plain", params
	case kind == "multipart":
		return "multipart/mixed", params
	}
	return "application/octet-stream", params
}

type parameterScanner struct {
	rest   string
	params parameters

	quotesOpen, commentsOpen bool // one that is not closed was met, so none of the rest is
}

// skipComment reports false if the comment is not closed.
func (s *parameterScanner) skipComment() bool {
	if s.commentsOpen {
		return false
	}
	length := commentLength(s.rest)
	s.rest = s.rest[length:]
	s.commentsOpen = length == 0
	return length > 0
}

// take reads the next parameter.
func (s *parameterScanner) take() {
	end := strings.IndexAny(s.rest, "=;")
	if end < 0 || s.rest[end] == ';' { // a word without a value
		_, s.rest, _ = strings.Cut(s.rest, ";")
		return
	}
	name := strings.ToLower(strings.TrimSpace(s.rest[:end]))
	s.rest = strings.TrimLeft(s.rest[end+1:], " \t")
	value, ok := s.quoted()
	if !ok {
		value, s.rest = cutToken(s.rest, strings.HasPrefix(name, "name") || strings.HasPrefix(name, "file"))
	}
	if i := strings.LastIndexAny(name, " \t"); i >= 0 { // "format flowed charset=utf-8"
		name = name[i+1:]
	}
	if _, twice := s.params[name]; !twice {
		s.params[name] = value
	}
}

// quoted takes a quoted string. A backslash quotes only quotes and itself, because mailers write
// C:\TEMP\x in quotes. If the string is not closed, quoted only drops the quote.
func (s *parameterScanner) quoted() (value string, ok bool) {
	if !strings.HasPrefix(s.rest, `"`) {
		return "", false
	}
	s.rest = s.rest[1:]
	if s.quotesOpen {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(s.rest); i++ {
		c := s.rest[i]
		if c == '"' {
			s.rest = s.rest[i+1:]
			return b.String(), true
		}
		if c == '\\' && i+1 < len(s.rest) && (s.rest[i+1] == '"' || s.rest[i+1] == '\\') {
			i++
		}
		b.WriteByte(s.rest[i])
	}
	s.quotesOpen = true
	return "", false
}

// cutToken takes a value that is not in quotes. A file's name may have blanks all the same.
func cutToken(text string, isFileName bool) (value, rest string) {
	value, rest, _ = strings.Cut(text, ";")
	if end := strings.IndexAny(value, " \t("); end >= 0 && !isFileName {
		return value[:end], text[end:]
	}
	return strings.TrimSpace(value), rest
}

// get returns a parameter in UTF-8: the form of RFC 2231 if there is one, else the plain one.
func (p parameters) get(name string) string {
	if value := p.extended(name); value != "" {
		return value
	}
	return p[name]
}

// extended reads a parameter in the form of RFC 2231: name*=charset'language'value, or in sections
// name*0*=, name*1= and so on. It also takes a value in quotes, which the RFC forbids but mailers
// write.
func (p parameters) extended(name string) string {
	if len(p) == 0 {
		return ""
	}
	if whole, ok := p[name+"*"]; ok {
		charset, content := cutCharset(whole)
		text, _ := textFrom(percentDecoded(content), charset)
		return text
	}
	var charset string
	var all []byte
	for i := 0; ; i++ {
		key := name + "*" + strconv.Itoa(i)
		content, extended := p[key+"*"]
		if !extended {
			plain, ok := p[key]
			if !ok {
				break
			}
			all = append(all, plain...)
			continue
		}
		if i == 0 {
			charset, content = cutCharset(content)
		}
		all = append(all, percentDecoded(content)...)
	}
	text, _ := textFrom(all, charset)
	return text
}

// cutCharset takes charset'language' off an extended value.
func cutCharset(value string) (charset, content string) {
	charset, rest, ok := strings.Cut(value, "'")
	if !ok {
		return "", value
	}
	if _, content, ok = strings.Cut(rest, "'"); !ok {
		return "", value
	}
	return charset, content
}

// percentDecoded leaves a percent sign that begins no code as it is.
func percentDecoded(value string) []byte {
	decoded := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] == '%' && i+2 < len(value) {
			if code, err := strconv.ParseUint(value[i+1:i+3], 16, 8); err == nil {
				decoded = append(decoded, byte(code))
				i += 2
				continue
			}
		}
		decoded = append(decoded, value[i])
	}
	return decoded
}
