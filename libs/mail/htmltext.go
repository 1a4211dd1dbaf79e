package mail

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText makes readable text of HTML in one pass over its tags. It builds no tree, so nesting
// costs nothing and elements that are never closed do no harm. Blocks become lines, quotations get
// ">", the text of a link is followed by where it leads.
type htmlText struct {
	out     strings.Builder
	breaks  int  // line ends to write before the next text
	space   bool // a blank to write before the next text
	quotes  int  // open quotations
	written int  // open quotations when the last line was written
	pre     int  // open pre elements, whose lines are kept
	preAt   bool // one of them begins
	item    bool // a list's item begins
	strong  int  // open b and strong elements
	marked  bool // the star before them is written

	href     string // of the open link
	linkFrom int    // where its text begins in out
}

// maxQuoteMarks bounds the marks before each line, which would make deep quotations long.
const maxQuoteMarks = 8

// renderHTML returns the text of HTML.
func renderHTML(input string) string {
	var h htmlText
	z := html.NewTokenizer(strings.NewReader(input))
	hidden := false // the next text is not shown
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken: // the end of the input: a tokenizer has no other error
			h.endLink()
			return h.out.String()
		case html.TextToken:
			if !hidden {
				h.text(string(z.Text()))
			}
			hidden = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, hasAttributes := z.TagName()
			tag := atom.Lookup(name)
			hidden = isHidden(tag)
			var attributes map[string]string
			if hasAttributes && (tag == atom.A || tag == atom.Img) {
				attributes = readAttributes(z)
			}
			h.start(tag, attributes)
		case html.EndTagToken:
			name, _ := z.TagName()
			hidden = false
			h.end(atom.Lookup(name))
		}
	}
}

func readAttributes(z *html.Tokenizer) map[string]string {
	attributes := map[string]string{}
	for more := true; more; {
		var key, value []byte
		key, value, more = z.TagAttr()
		attributes[string(key)] = string(value)
	}
	return attributes
}

// isHidden says whether the text of an element is not shown. The tokenizer gives such text in one
// piece.
func isHidden(tag atom.Atom) bool {
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Iframe, atom.Noembed, atom.Noframes:
		return true
	}
	return false
}

// breaksAround is the number of line ends before and after an element.
func breaksAround(tag atom.Atom) int {
	switch tag {
	case atom.P, atom.Ul, atom.Ol, atom.Dl, atom.Table, atom.Blockquote, atom.Pre, atom.Hr,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return 2
	case atom.Div, atom.Tr, atom.Li, atom.Dt, atom.Dd, atom.Address, atom.Article, atom.Aside, atom.Body, atom.Caption, atom.Center,
		atom.Details, atom.Dir, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.Header, atom.Legend,
		atom.Main, atom.Menu, atom.Nav, atom.Option, atom.Section, atom.Summary:
		return 1
	}
	return 0
}

func (h *htmlText) start(tag atom.Atom, attributes map[string]string) {
	h.breakLine(breaksAround(tag))
	switch tag {
	case atom.Br:
		h.breaks = min(h.breaks+1, 2)
		h.space = false
	case atom.Td, atom.Th:
		h.space = true
	case atom.Li:
		h.item = true
	case atom.Blockquote:
		h.quotes++
	case atom.Pre:
		h.pre++
		h.preAt = true
	case atom.B, atom.Strong:
		h.strong++
	case atom.A:
		h.endLink()
		h.href, h.linkFrom = attributes["href"], h.out.Len()
	case atom.Img:
		if h.href != "" {
			h.text(attributes["alt"])
		}
	}
}

func (h *htmlText) end(tag atom.Atom) {
	switch tag {
	case atom.Blockquote:
		h.quotes = max(h.quotes-1, 0)
	case atom.Pre:
		h.pre = max(h.pre-1, 0)
	case atom.B, atom.Strong:
		if h.strong = max(h.strong-1, 0); h.strong == 0 && h.marked {
			h.out.WriteString("*")
			h.marked = false
		}
	case atom.A:
		h.endLink()
	}
	h.breakLine(breaksAround(tag))
}

func (h *htmlText) breakLine(breaks int) {
	if breaks > 0 {
		h.breaks, h.space = max(h.breaks, breaks), false
	}
}

// endLink writes where the open link leads, unless its text says so.
func (h *htmlText) endLink() {
	href := strings.TrimPrefix(strings.TrimSpace(h.href), "mailto:")
	h.href = ""
	scheme, _, _ := strings.Cut(strings.ToLower(href), ":")
	if href == "" || href[0] == '#' || scheme == "data" || scheme == "javascript" {
		return
	}
	if strings.TrimSpace(h.out.String()[h.linkFrom:]) == href {
		return
	}
	h.space = true
	h.word("( " + href + " )")
}

func (h *htmlText) text(text string) {
	if h.pre > 0 {
		h.preformatted(text)
		return
	}
	for text != "" {
		trimmed := strings.TrimLeftFunc(text, unicode.IsSpace)
		h.space = h.space || len(trimmed) < len(text)
		end := strings.IndexFunc(trimmed, unicode.IsSpace)
		if end < 0 {
			end = len(trimmed)
		}
		if end > 0 {
			h.word(trimmed[:end])
		}
		text = trimmed[end:]
	}
}

func (h *htmlText) preformatted(text string) {
	if h.preAt { // a line end behind the tag does not count
		text = strings.TrimPrefix(text, "\n")
		h.preAt = false
	}
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			h.breaks++
		}
		if line != "" {
			h.word(line)
		}
	}
}

// word writes text, behind the line ends, quotation marks and blank that are due.
func (h *htmlText) word(word string) {
	if h.out.Len() == 0 || h.breaks > 0 {
		for i := range h.breaks {
			if h.out.Len() == 0 {
				break
			}
			if i > 0 {
				h.out.WriteString(strings.Repeat(">", min(h.quotes, h.written, maxQuoteMarks)))
			}
			h.out.WriteByte('\n')
		}
		if h.quotes > 0 {
			h.out.WriteString(strings.Repeat(">", min(h.quotes, maxQuoteMarks)) + " ")
		}
		h.breaks, h.space, h.written = 0, false, h.quotes
	}
	if h.item {
		h.out.WriteString("* ")
		h.item, h.space = false, false
	}
	if h.space {
		h.out.WriteByte(' ')
	}
	if h.strong > 0 && !h.marked {
		h.out.WriteByte('*')
		h.marked = true
	}
	h.out.WriteString(word)
	h.space = false
}
