package ddbcore

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd     tokenKind = iota
	tokenWord              // a bare name, a keyword or a function's name
	tokenName              // #name
	tokenValue             // :value
	tokenInteger           // a list index
	tokenSymbol            // an operator or a mark, or a character that no expression uses and no rule takes
)

// token is one piece of an expression; start and end are its place in the text.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// lex never fails: a character outside the grammar becomes a symbol, which the parser refuses.
func lex(src string) []token {
	tokens := make([]token, 0, len(src)/4+2)
	for at := 0; at < len(src); {
		c := src[at]
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			at++
			continue
		}
		kind, length := tokenAt(src[at:])
		tokens = append(tokens, token{kind: kind, text: src[at : at+length], start: at, end: at + length})
		at += length
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: len(src), end: len(src)})
}

func tokenAt(src string) (tokenKind, int) {
	switch c := src[0]; {
	case isLetter(c):
		return tokenWord, 1 + wordLength(src[1:])
	case isDigit(c):
		n := 1
		for n < len(src) && isDigit(src[n]) {
			n++
		}
		return tokenInteger, n
	case c == '#' || c == ':':
		n := wordLength(src[1:])
		if n == 0 {
			return tokenSymbol, 1
		}
		if c == '#' {
			return tokenName, 1 + n
		}
		return tokenValue, 1 + n
	case strings.HasPrefix(src, "<>"), strings.HasPrefix(src, "<="), strings.HasPrefix(src, ">="):
		return tokenSymbol, 2
	}
	_, n := utf8.DecodeRuneInString(src)
	return tokenSymbol, n
}

func wordLength(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) || s[n] == '_') {
		n++
	}
	return n
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
