package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// textFrom makes valid UTF-8 of content in a charset. It never fails: if the charset is unknown or
// cannot be right, it guesses, and note says so. Labels mean what browsers take them for
// (https://encoding.spec.whatwg.org): latin-1 is windows-1252, gb2312 is GB18030. Unlike a browser,
// it does not believe a label if the content is valid UTF-8 and more than ASCII, which text in
// another charset hardly ever is.
func textFrom(content []byte, label string) (text, note string) {
	label = strings.ToLower(strings.Trim(label, " \t\"'"))
	if text, ok := utf16WithMark(content); ok {
		return text, ""
	}
	if saysLittle(label) {
		return guessed(content, false)
	}
	if isUTF8Label(label) {
		return guessed(content, true)
	}
	c, ok := charsetOf(label)
	if !ok {
		text, how := guessed(content, false)
		if how != "" && !strings.HasSuffix(how, "windows-1252") {
			return text, fmt.Sprintf("unknown charset %q; %s", oneLine(label), how)
		}
		read := "UTF-8"
		if how != "" {
			read = "windows-1252"
		}
		return text, fmt.Sprintf("unknown charset %q; read as %s", oneLine(label), read)
	}
	if isASCII(content) && !c.sevenBit && !c.wide {
		return string(content), ""
	}
	isUTF8 := utf8.Valid(content)
	switch {
	case isUTF8 && !isASCII(content) && (c.sevenBit || c.singleByte),
		isUTF8 && c.wide && bytes.IndexByte(content, 0) < 0:
	default:
		text = strings.ToValidUTF8(c.decode(content), "\uFFFD")
		if !isUTF8 || !strings.Contains(text, "\uFFFD") {
			return text, ""
		}
	}
	return string(content), fmt.Sprintf("declared as %s; read as UTF-8, which it is", oneLine(label))
}

// saysLittle says whether a label leaves open which charset was meant: programs write us-ascii for
// whatever they have.
func saysLittle(label string) bool {
	switch label {
	case "", "us-ascii", "ascii", "7bit", "8bit", "unknown", "unknown-8bit", "x-unknown":
		return true
	}
	return false
}

func isUTF8Label(label string) bool {
	switch label {
	case "utf-8", "utf8", "unicode-1-1-utf-8", "x-unicode20utf8":
		return true
	}
	return false
}

// guessed reads text of an unknown charset. Bytes that flaw UTF-8 are shown as U+FFFD, if UTF-8 was
// declared or if there are fewer of them than of characters of several bytes. Other text is read as
// windows-1252, in which every byte is a character.
func guessed(content []byte, declaredUTF8 bool) (text, note string) {
	if !declaredUTF8 && isASCII(content) {
		if text, name, ok := iso2022(content); ok {
			return text, "no charset declared; read as " + name
		}
	}
	if utf8.Valid(content) {
		return string(content), ""
	}
	characters, flaws := countUTF8(content)
	if characters > flaws || declaredUTF8 && characters > 0 {
		return strings.ToValidUTF8(string(content), "\uFFFD"), "not everything is valid UTF-8; the rest is shown as \uFFFD"
	}
	return windows1252(content), "bytes outside the declared charset; read as windows-1252"
}

// countUTF8 counts the characters of several bytes and the bytes that belong to no character. A
// character that is cut off at the end is no flaw.
func countUTF8(content []byte) (characters, flaws int) {
	for len(content) > 0 {
		r, size := utf8.DecodeRune(content)
		switch {
		case size > 1:
			characters++
		case r == utf8.RuneError && !utf8.FullRune(content):
			return characters, flaws
		case r == utf8.RuneError:
			flaws++
		}
		content = content[size:]
	}
	return characters, flaws
}

// iso2022 recognises text that says itself, by escape sequences, how it is encoded.
func iso2022(content []byte) (text, name string, ok bool) {
	for _, c := range []struct{ escape, name string }{{"\x1b$B", "iso-2022-jp"}, {"\x1b$@", "iso-2022-jp"}, {"\x1b$)C", "iso-2022-kr"}} {
		if bytes.Contains(content, []byte(c.escape)) {
			known, _ := charsetOf(c.name)
			text = known.decode(content)
			return text, strings.ToUpper(c.name), !strings.Contains(text, "\uFFFD")
		}
	}
	return "", "", false
}

func utf16WithMark(content []byte) (text string, ok bool) {
	if !bytes.HasPrefix(content, []byte("\xFE\xFF")) && !bytes.HasPrefix(content, []byte("\xFF\xFE")) {
		return "", false
	}
	return decodeWith(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))(content), true
}

// knownCharset is how a charset is decoded, and by what its text can be told from UTF-8.
type knownCharset struct {
	decode     func([]byte) string
	sevenBit   bool // all is written in ASCII bytes
	singleByte bool
	wide       bool // a character has at least two bytes
}

// charsetOf finds a charset: by the names that mailers use beside those of the web, by the web's,
// by IANA's.
func charsetOf(label string) (knownCharset, bool) {
	switch label {
	case "utf-7", "utf7", "unicode-1-1-utf-7", "unicode-2-0-utf-7", "x-unicode-2-0-utf-7":
		return knownCharset{decode: decodeUTF7, sevenBit: true}, true
	case "iso-2022-kr", "csiso2022kr":
		return knownCharset{decode: decodeISO2022KR, sevenBit: true}, true
	case "iso-2022-jp", "csiso2022jp", "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-ms", "cp50220", "cp50221":
		return knownCharset{decode: decodeWith(japanese.ISO2022JP), sevenBit: true}, true
	case "hz-gb-2312", "hz":
		return knownCharset{decode: decodeWith(simplifiedchinese.HZGB2312), sevenBit: true}, true
	case "cp949", "ms949", "uhc", "x-windows-949", "ksc5601", "ks_c_5601":
		return knownCharset{decode: decodeWith(korean.EUCKR)}, true
	case "cp932", "ms932", "x-ms-cp932":
		return knownCharset{decode: decodeWith(japanese.ShiftJIS)}, true
	case "cp936", "ms936", "windows-936":
		return knownCharset{decode: decodeWith(simplifiedchinese.GB18030)}, true
	case "cp950", "ms950", "windows-950":
		return knownCharset{decode: decodeWith(traditionalchinese.Big5)}, true
	}
	found, err := htmlindex.Get(label)
	if err != nil {
		found, err = ianaindex.IANA.Encoding(label)
	}
	if err != nil || found == nil || found == encoding.Replacement {
		return knownCharset{}, false
	}
	if found == simplifiedchinese.GBK {
		found = simplifiedchinese.GB18030 // which the web's decoder of GBK is
	}
	_, singleByte := found.(*charmap.Charmap)
	wide := strings.HasPrefix(label, "utf-16") || strings.HasPrefix(label, "unicode") || strings.HasPrefix(label, "ucs-2")
	return knownCharset{decode: decodeWith(found), singleByte: singleByte, wide: wide}, true
}

func decodeWith(e encoding.Encoding) func([]byte) string {
	return func(content []byte) string {
		decoded, err := e.NewDecoder().Bytes(content)
		if err != nil { // not reached: these decoders replace what they cannot read
			return strings.ToValidUTF8(string(content), "\uFFFD")
		}
		return string(decoded)
	}
}

func windows1252(content []byte) string { return decodeWith(charmap.Windows1252)(content) }

// decodeISO2022KR reads RFC 1557: between SO and SI stand pairs of bytes that are EUC-KR without
// the high bit.
func decodeISO2022KR(content []byte) string {
	content = bytes.ReplaceAll(content, []byte("\x1b$)C"), nil)
	shifted := make([]byte, 0, len(content))
	high := byte(0)
	for _, c := range content {
		switch {
		case c == 0x0E:
			high = 0x80
		case c == 0x0F:
			high = 0
		case c == '\n':
			high = 0
			shifted = append(shifted, c)
		case c > ' ':
			shifted = append(shifted, c|high)
		default:
			shifted = append(shifted, c)
		}
	}
	return decodeWith(korean.EUCKR)(shifted)
}

// decodeUTF7 reads RFC 2152: ASCII, and UTF-16 in base64 between a plus and a minus sign.
func decodeUTF7(content []byte) string {
	var text strings.Builder
	for len(content) > 0 {
		plain, rest, shifted := bytes.Cut(content, []byte("+"))
		text.Write(plain)
		if !shifted {
			break
		}
		length := 0
		for length < len(rest) && base64Values[rest[length]] < 64 {
			length++
		}
		units := rest[:length]
		content = bytes.TrimPrefix(rest[length:], []byte("-"))
		if length == 0 {
			text.WriteByte('+')
			continue
		}
		if length%4 == 1 {
			units = units[:length-1]
		}
		decoded, err := base64.RawStdEncoding.DecodeString(string(units))
		if err != nil { // not reached: all are letters of the alphabet
			continue
		}
		pairs := make([]uint16, len(decoded)/2)
		for i := range pairs {
			pairs[i] = uint16(decoded[2*i])<<8 | uint16(decoded[2*i+1])
		}
		text.WriteString(string(utf16.Decode(pairs)))
	}
	return text.String()
}

func isASCII(content []byte) bool {
	for _, c := range content {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
