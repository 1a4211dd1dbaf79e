package mail

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// fileName finds the name that the sender gave a part, as written: filename in Content-Disposition,
// else name in Content-Type. It prefers the form of RFC 2231, and decodes RFC 2047 words although
// they do not belong there.
func fileName(disposition, contentType parameters) string {
	for _, source := range []struct {
		params parameters
		name   string
	}{{disposition, "filename"}, {disposition, "name"}, {contentType, "name"}, {contentType, "file"}} {
		if value := oneLine(source.params.extended(source.name)); value != "" {
			return value
		}
		if value := decodeWords(source.params[source.name]); value != "" {
			return value
		}
	}
	return ""
}

// maxFileNameBytes leaves room for a prefix in the 255 bytes of common file systems.
const maxFileNameBytes = 150

// safeName makes a sender's file name harmless on every file system, in a URL path and on a screen.
// It keeps only the base name, without control, formatting (such as bidirectional text) and
// reserved characters, without a dot or dash at the beginning, and at most maxFileNameBytes of it.
// The result may be empty.
func safeName(name string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, ""), "\\", "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar:
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimLeft(name, " .-~"), " .")
	base, _, _ := strings.Cut(name, ".")
	if isReservedOnWindows(strings.TrimSpace(base)) {
		name = "_" + name
	}
	return shorten(name, maxFileNameBytes)
}

func isReservedOnWindows(base string) bool {
	switch upper := strings.ToUpper(base); upper {
	case "CON", "PRN", "AUX", "NUL":
		return true
	default:
		return len(upper) == 4 && (strings.HasPrefix(upper, "COM") || strings.HasPrefix(upper, "LPT")) && upper[3] >= '0' && upper[3] <= '9'
	}
}

// shorten cuts a name to a number of bytes. It keeps a short extension.
func shorten(name string, maxBytes int) string {
	if len(name) <= maxBytes {
		return name
	}
	extension := path.Ext(name)
	if len(extension) > 16 {
		extension = ""
	}
	stem := strings.ToValidUTF8(name[:maxBytes-len(extension)], "")
	return strings.TrimRight(stem, " .") + extension
}

// namer gives each attachment of one message a safe name that differs from the others by more than
// letter case.
type namer map[string]int

// name returns the sender's name made safe and unique, or attachment-{index}{extension} if nothing
// of it is safe.
func (n namer) name(name string, index int, extension string) string {
	name = safeName(name)
	if name == "" {
		name = fmt.Sprintf("attachment-%d%s", index, extension)
	}
	wanted := strings.ToLower(name)
	n[wanted]++
	if n[wanted] == 1 {
		return name
	}
	ext := path.Ext(name)
	for {
		suffix := fmt.Sprintf("-%d%s", n[wanted], ext)
		unique := shorten(strings.TrimSuffix(name, ext), maxFileNameBytes-len(suffix)) + suffix
		if n[strings.ToLower(unique)] == 0 {
			n[strings.ToLower(unique)]++
			return unique
		}
		n[wanted]++
	}
}

// extensionOf returns the detected extension, except for declared types that content alone does not
// show.
func extensionOf(mediaType, detected string) string {
	switch mediaType {
	case "message/rfc822", "message/global":
		return ".eml"
	case "text/calendar":
		return ".ics"
	case "text/html":
		return ".html"
	case "text/csv":
		return ".csv"
	}
	return detected
}
