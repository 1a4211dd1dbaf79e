package mail

import (
	"net/url"
	"strconv"
	"strings"
)

// fileName finds the name that the sender gave a part, as written: filename in Content-Disposition,
// else name in Content-Type. It prefers the form of RFC 2231, and decodes RFC 2047 words although
// they do not belong there.
func fileName(head header, dispositionParams, typeParams map[string]string) string {
	for _, source := range []struct {
		field, name string
		params      map[string]string
	}{
		{"content-disposition", "filename", dispositionParams},
		{"content-disposition", "name", dispositionParams},
		{"content-type", "name", typeParams},
		{"content-type", "file", typeParams},
	} {
		if value := extendedParameter(head.get(source.field), source.name); value != "" {
			return oneLine(value)
		}
		if value := decodeWords(source.params[source.name]); value != "" {
			return value
		}
	}
	return ""
}

// extendedParameter reads a parameter in the form of RFC 2231: name*=charset'language'value, or in
// sections name*0*=, name*1= and so on. Package mime knows only UTF-8 there. extendedParameter also
// takes a value in quotes, which the RFC forbids but mailers write.
func extendedParameter(value, name string) string {
	if !strings.Contains(value, "*") || len(value) > maxParameterBytes {
		return ""
	}
	sections := map[string]string{}
	for _, parameter := range splitQuoted(value) {
		key, content, ok := strings.Cut(parameter, "=")
		if ok {
			sections[strings.ToLower(strings.TrimSpace(key))] = strings.Trim(strings.TrimSpace(content), `"`)
		}
	}
	if whole, ok := sections[name+"*"]; ok {
		charset, content := cutCharset(whole)
		text, _ := textFrom(percentDecoded(content), charset)
		return text
	}
	var charset string
	var all []byte
	for i := 0; ; i++ {
		key := name + "*" + strconv.Itoa(i)
		content, extended := sections[key+"*"]
		if !extended {
			plain, ok := sections[key]
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

// splitQuoted splits at semicolons outside quotes.
func splitQuoted(value string) []string {
	quoted := false
	return strings.FieldsFunc(value, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ';' && !quoted
	})
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

func percentDecoded(value string) []byte {
	decoded, err := url.PathUnescape(value)
	if err != nil {
		return []byte(value)
	}
	return []byte(decoded)
}
