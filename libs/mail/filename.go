package mail

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// maxFileNameBytes leaves room for a prefix in the 255 bytes of common file systems.
const maxFileNameBytes = 150

// safeName makes a file name of what a sender wrote that is harmless on every file system, in a URL path and on a screen:
// the base name only, without control, formatting (bidirectional text among them) and reserved characters, not beginning
// with a dot or dash, at most maxFileNameBytes. It may be empty.
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

// shorten cuts a name to a number of bytes, before its extension where that is a short one.
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

// namer gives each attachment of one message a safe name of its own, by letter case too.
type namer map[string]int

// name takes the sender's name, or attachment-{index}{extension} where nothing is left of it.
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

// extensionOf prefers the extension of a declared type whose content says less.
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
