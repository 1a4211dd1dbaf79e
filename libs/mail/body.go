package mail

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gabriel-vasile/mimetype"
)

// body is what a tree of parts gives to a Message.
type body struct {
	text         string
	textFromHTML bool
	html         string
	attachments  []Attachment
	types        []string
	notes        []string
}

func (m *Message) addBody(b body) {
	m.Text, m.TextFromHTML, m.HTML, m.Attachments, m.types = b.text, b.textFromHTML, b.html, b.attachments, b.types
	m.Notes = append(m.Notes, b.notes...)
}

// bodyReader chooses body and attachments by RFC 8621 section 4.1.4: collect follows the algorithm
// given there, and result decodes the chosen parts.
type bodyReader struct {
	limits Limits
	late   *atomic.Bool

	textParts, htmlParts []*part
	attached             []attachedPart
	types                []string
	notes                []string

	decodedBytes int
	texts        map[*part]string // a part may be text and HTML body at once
	err          error
}

type attachedPart struct {
	part   *part
	inline bool
}

// inOrder returns the children, of a multipart/related with the root first: the part that its start
// parameter names (RFC 2387 section 3.2), else the first, unless that is no text and another is.
func (p *part) inOrder() []*part {
	if p.mediaType != "multipart/related" {
		return p.children
	}
	isText := func(child *part) bool {
		return child.isMultipart() || child.mediaType == "text/html" || child.mediaType == "text/plain"
	}
	root := -1
	if start := strings.Trim(p.params.get("start"), "<> \t"); start != "" {
		root = slices.IndexFunc(p.children, func(child *part) bool { return contentID(child.header) == start && isText(child) })
	}
	if root < 0 {
		root = slices.IndexFunc(p.children, isText)
	}
	if root <= 0 {
		return p.children
	}
	return append([]*part{p.children[root]}, slices.Delete(slices.Clone(p.children), root, root+1)...)
}

// collect sorts the parts of one multipart into text, HTML and attachments. noText and noHTML are
// RFC 8621's null textBody and htmlBody: a part has shown that this branch of an alternative is the
// other form.
func (r *bodyReader) collect(parts []*part, multipart string, inAlternative, noText, noHTML bool) {
	textBefore, htmlBefore := len(r.textParts), len(r.htmlParts)
	for i, p := range parts {
		r.types = append(r.types, p.mediaType)
		r.notes = append(r.notes, p.notes...)
		switch {
		case p.isMultipart():
			sub := strings.TrimPrefix(p.mediaType, "multipart/")
			r.noteMultipart(sub)
			r.collect(p.inOrder(), sub, inAlternative || sub == "alternative", noText, noHTML)
		case !isBodyCandidate(p, i, multipart):
			r.attach(p, multipart)
		case multipart == "alternative":
			switch p.mediaType {
			case "text/plain":
				r.textParts = append(r.textParts, p)
			case "text/html":
				r.htmlParts = append(r.htmlParts, p)
			default:
				r.attach(p, multipart)
			}
		default:
			if inAlternative {
				noHTML = noHTML || p.mediaType == "text/plain"
				noText = noText || p.mediaType == "text/html"
			}
			if !noText {
				r.textParts = append(r.textParts, p)
			}
			if !noHTML {
				r.htmlParts = append(r.htmlParts, p)
			}
			if isInlineMedia(p.mediaType) {
				r.attach(p, multipart)
			}
		}
	}
	if multipart != "alternative" || noText || noHTML {
		return
	}
	switch gotText, gotHTML := len(r.textParts) > textBefore, len(r.htmlParts) > htmlBefore; {
	case gotHTML && !gotText:
		r.textParts = append(r.textParts, r.htmlParts[htmlBefore:]...)
	case gotText && !gotHTML:
		r.htmlParts = append(r.htmlParts, r.textParts[textBefore:]...)
	}
}

func isBodyCandidate(p *part, index int, multipart string) bool {
	if p.disposition == "attachment" {
		return false
	}
	media := isInlineMedia(p.mediaType)
	if p.mediaType != "text/plain" && p.mediaType != "text/html" && !media {
		return false
	}
	return index == 0 || multipart != "related" && (media || p.fileName == "")
}

func isInlineMedia(mediaType string) bool {
	return strings.HasPrefix(mediaType, "image/") || strings.HasPrefix(mediaType, "audio/") || strings.HasPrefix(mediaType, "video/")
}

func (r *bodyReader) noteMultipart(sub string) {
	switch sub {
	case "signed":
		r.notes = append(r.notes, "signed; the signature was not checked")
	case "encrypted":
		r.notes = append(r.notes, "encrypted; there is no readable text")
	}
}

// attach keeps a part as an attachment, except the detached signature of a signed message, which
// nothing here uses.
func (r *bodyReader) attach(p *part, multipart string) {
	if multipart == "signed" && strings.HasSuffix(p.mediaType, "-signature") {
		return
	}
	inline := p.disposition != "attachment" &&
		(multipart == "related" || p.disposition == "inline" && p.header.has("content-id") || isInlineMedia(p.mediaType) && p.disposition == "inline")
	r.attached = append(r.attached, attachedPart{part: p, inline: inline})
}

// result decodes the chosen parts.
func (r *bodyReader) result() (body, error) {
	b := body{types: r.types}
	r.texts = map[*part]string{}
	b.text, b.textFromHTML = r.readText()
	b.html = r.readHTML()
	names := namer{}
	for i, a := range r.attached {
		content, notes := r.decoded(a.part)
		if r.err != nil {
			return body{}, r.err
		}
		detected := mimetype.Detect(content)
		attachment := Attachment{
			Index:        i + 1,
			ContentType:  oneLine(a.part.mediaType),
			DetectedType: detected.String(),
			ContentID:    contentID(a.part.header),
			Inline:       a.inline,
			SizeBytes:    len(content),
			Content:      content,
			Notes:        append(notes, opaqueNotes(a.part.mediaType)...),
		}
		attachment.FileName = names.name(a.part.fileName, i+1, extensionOf(a.part.mediaType, detected.Extension()))
		if a.part.fileName != "" && attachment.FileName != a.part.fileName {
			attachment.Notes = append(attachment.Notes, "the sender's file name was changed")
		}
		if cid := attachment.ContentID; cid != "" && strings.Contains(b.html, "cid:"+cid) {
			attachment.Inline = true
		}
		b.attachments = append(b.attachments, attachment)
	}
	b.notes = distinct(r.notes)
	return b, r.err
}

// distinct keeps the first of equal notes.
func distinct(notes []string) []string {
	seen := map[string]bool{}
	kept := notes[:0]
	for _, note := range notes {
		if !seen[note] {
			seen[note] = true
			kept = append(kept, note)
		}
	}
	return kept
}

// readText joins the text parts. If they are blank, it renders the HTML: advertisers' mailers and
// some phones send a blank text beside HTML that has all the content.
func (r *bodyReader) readText() (text string, fromHTML bool) {
	var texts []string
	for _, p := range r.textParts {
		switch p.mediaType {
		case "text/plain":
			texts = append(texts, r.text(p))
		case "text/html":
			texts = append(texts, r.render(r.text(p)))
			fromHTML = true
		}
	}
	if text := joinTexts(texts); text != "" || fromHTML {
		return text, fromHTML
	}
	if html := r.readHTML(); html != "" {
		r.notes = append(r.notes, "the text form is blank; rendered from the HTML")
		return r.render(html), true
	}
	return "", false
}

func (r *bodyReader) readHTML() string {
	var texts []string
	for _, p := range r.htmlParts {
		if p.mediaType == "text/html" {
			texts = append(texts, r.text(p))
		}
	}
	return joinTexts(texts)
}

func joinTexts(texts []string) string {
	kept := texts[:0]
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			kept = append(kept, text)
		}
	}
	return strings.Join(kept, "\n")
}

// text decodes a text part, once.
func (r *bodyReader) text(p *part) string {
	if text, known := r.texts[p]; known || r.stopped() {
		return text
	}
	text, notes := p.text()
	r.count(len(text))
	r.notes = append(r.notes, notes...)
	r.texts[p] = text
	return text
}

func (r *bodyReader) decoded(p *part) (content []byte, notes []string) {
	if r.stopped() {
		return nil, nil
	}
	content, notes = p.content()
	r.count(len(content))
	return content, notes
}

func (r *bodyReader) count(sizeBytes int) {
	r.decodedBytes += sizeBytes
	if err := exceeds("MaxDecodedBytes", r.decodedBytes, r.limits.MaxDecodedBytes); err != nil && r.err == nil {
		r.err = err
	}
}

// stopped reports that decoding must stop: a limit is passed, or Parse has given up waiting.
func (r *bodyReader) stopped() bool {
	if r.err == nil && r.late.Load() {
		r.err = &LimitError{Limit: "WallClock", Value: int64(r.limits.WallClock) + 1, Max: int64(r.limits.WallClock)}
	}
	return r.err != nil
}

// maxRenderedHTMLBytes bounds the HTML that render takes.
const maxRenderedHTMLBytes = 2 << 20

// render makes readable text of HTML.
func (r *bodyReader) render(html string) string {
	if len(html) > maxRenderedHTMLBytes {
		html = strings.ToValidUTF8(html[:maxRenderedHTMLBytes], "")
		r.notes = append(r.notes, fmt.Sprintf("only the first %d bytes of the HTML were rendered as text", maxRenderedHTMLBytes))
	}
	return renderHTML(html)
}

func contentID(h header) string {
	return oneLine(strings.Trim(h.get("content-id"), "<> \t"))
}

// opaqueNotes says why an attachment of this type is not opened.
func opaqueNotes(mediaType string) []string {
	switch mediaType {
	case "application/ms-tnef", "application/vnd.ms-tnef":
		return []string{"winmail.dat (TNEF) is not unpacked"}
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return []string{"an S/MIME envelope is not opened"}
	case "message/rfc822", "message/global":
		return []string{"a forwarded message is kept as it is"}
	case "message/partial":
		return []string{"a part of a message is not put together with others"}
	case "message/external-body":
		return []string{"what it refers to is not fetched"}
	}
	return nil
}
