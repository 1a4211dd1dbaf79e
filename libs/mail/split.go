package mail

import (
	"bytes"
	"strings"
)

// part is a node of the tree of a message. A leaf has a body, a multipart has children.
type part struct {
	header      header
	mediaType   string // lower case, without parameters; never empty
	params      parameters
	disposition string // lower case; empty if not given
	fileName    string // as the sender wrote it: not safe
	body        []byte // still transfer-encoded, part of the raw message
	children    []*part
	notes       []string
}

func (p *part) isMultipart() bool { return len(p.children) > 0 }

// splitter cuts a message into its tree of parts in one pass over its lines. It holds the
// boundaries of the open multiparts; a line equal to one of them ends every part inside. It
// compares each line with at most all open boundaries, whose number is limited, so hostile nesting
// is harmless.
type splitter struct {
	src        []byte
	pos        int // always at the beginning of a line, or at the end of src
	limits     Limits
	boundaries []string // of the open multiparts, outermost first
	multiparts int
	parts      int
}

// delimiter is what ended a part: a line with the open boundary at level, or the end of the message
// (level -1).
type delimiter struct {
	level int
	final bool // the closing form, --boundary--
}

var endOfMessage = delimiter{level: -1}

// readPart reads a part from its header to the delimiter that ends it.
func (s *splitter) readPart(defaultType string) (*part, delimiter, error) {
	s.parts++
	if err := exceeds("MaxParts", s.parts, s.limits.MaxParts); err != nil {
		return nil, endOfMessage, err
	}
	head, d, ended, err := s.readHeader()
	if err != nil {
		return nil, endOfMessage, err
	}
	p := newPart(head, defaultType)
	if !ended {
		d, err = s.fill(p)
	}
	return p, d, err
}

// readHeader reads a header block and the blank line after it. ended says that the delimiter d
// ended the part before its header ended. With an error, readHeader still returns the fields that
// it read.
func (s *splitter) readHeader() (head header, d delimiter, ended bool, err error) {
	defer func() { head.finish() }()
	start := s.pos
	nextField := start // a field follows each broken line before here
	for s.pos < len(s.src) {
		line, next := lineAt(s.src, s.pos)
		if bytes.HasPrefix(line, []byte("--")) {
			if d, ok := s.match(line); ok {
				s.pos = next
				return head, d, true, nil
			}
		}
		if len(line) == 0 {
			s.pos = next
			return head, endOfMessage, false, nil
		}
		if err := exceeds("MaxHeaderBytes", next-start, s.limits.MaxHeaderBytes); err != nil {
			return head, endOfMessage, false, err
		}
		if s.pos >= nextField && !isContinuation(line) && !isField(line) {
			nextField = s.findField(next, start+s.limits.MaxHeaderBytes)
			if nextField < 0 { // no field follows: the blank line before the body is missing
				return head, endOfMessage, false, nil
			}
		}
		if !head.addLine(line) {
			return head, endOfMessage, false, nil
		}
		s.pos = next
	}
	return head, endOfMessage, false, nil
}

// findField returns where the next field of a header block begins, or -1 if the block ends without
// one.
func (s *splitter) findField(pos, end int) int {
	for pos < min(end, len(s.src)) {
		line, next := lineAt(s.src, pos)
		if len(line) == 0 {
			break
		}
		if isField(line) {
			return pos
		}
		pos = next
	}
	return -1
}

// fill reads what follows the header of p, up to the delimiter that ends p.
func (s *splitter) fill(p *part) (delimiter, error) {
	boundary := strings.TrimRight(p.params.get("boundary"), " \t")
	if !strings.HasPrefix(p.mediaType, "multipart/") {
		body, d := s.content()
		p.body = body
		return d, nil
	}
	if boundary == "" {
		p.becomeText("the multipart names no boundary; read as text")
		body, d := s.content()
		p.body = body
		return d, nil
	}
	s.multiparts++
	if err := exceeds("MaxMultiparts", s.multiparts, s.limits.MaxMultiparts); err != nil {
		return endOfMessage, err
	}
	if err := exceeds("MaxDepth", len(s.boundaries)+1, s.limits.MaxDepth); err != nil {
		return endOfMessage, err
	}
	level := len(s.boundaries)
	s.boundaries = append(s.boundaries, boundary)
	preamble, d := s.content()
	for d.level == level && !d.final {
		var child *part
		var err error
		child, d, err = s.readPart(defaultTypeIn(p.mediaType))
		if err != nil {
			return endOfMessage, err
		}
		p.children = append(p.children, child)
	}
	s.boundaries = s.boundaries[:level]
	if len(p.children) == 0 {
		p.becomeText("the multipart has no parts; read as text")
		p.body = preamble
	}
	if d.level != level {
		p.notes = append(p.notes, "a multipart is not closed")
		return d, nil
	}
	_, d = s.content() // the epilogue, which readers must ignore (RFC 2046 section 5.1.1)
	return d, nil
}

// content reads to the next delimiter, or to the end, and returns what came before. The line end
// before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1).
func (s *splitter) content() ([]byte, delimiter) {
	start := s.pos
	for len(s.boundaries) > 0 {
		at := s.pos
		if !bytes.HasPrefix(s.src[at:], []byte("--")) {
			next := bytes.Index(s.src[at:], []byte("\n--"))
			if next < 0 {
				break
			}
			at += next + 1
		}
		line, next := lineAt(s.src, at)
		s.pos = next
		if d, ok := s.match(line); ok {
			return trimLineEnd(s.src[start:at]), d
		}
	}
	s.pos = len(s.src)
	return s.src[start:], endOfMessage
}

// match tells whether a line is one of the open boundaries. It tries the innermost first.
func (s *splitter) match(line []byte) (delimiter, bool) {
	rest := bytes.TrimRight(line[2:], " \t")
	for level := len(s.boundaries) - 1; level >= 0; level-- {
		boundary := s.boundaries[level]
		if len(rest) < len(boundary) || string(rest[:len(boundary)]) != boundary {
			continue
		}
		switch string(rest[len(boundary):]) {
		case "":
			return delimiter{level: level}, true
		case "--":
			return delimiter{level: level, final: true}, true
		}
	}
	return endOfMessage, false
}

// becomeText turns a part that is wrongly declared as a multipart into a leaf.
func (p *part) becomeText(note string) {
	p.mediaType = "text/plain"
	p.notes = append(p.notes, note)
}

// defaultTypeIn is the type of a part that declares none (RFC 2046 section 5.1).
func defaultTypeIn(multipartType string) string {
	if multipartType == "multipart/digest" {
		return "message/rfc822"
	}
	return "text/plain"
}

func newPart(head header, defaultType string) *part {
	p := &part{header: head, mediaType: defaultType}
	if value := head.get("content-type"); value != "" {
		p.mediaType, p.params = contentType(value)
		if p.mediaType == "" {
			p.mediaType = defaultType
			p.notes = append(p.notes, "a Content-Type cannot be read")
		}
	}
	var dispositionParams parameters
	p.disposition, dispositionParams = parseMediaType(head.get("content-disposition"))
	p.fileName = fileName(dispositionParams, p.params)
	return p
}

// lineAt returns the line at pos without its line end, and where the next line begins.
func lineAt(src []byte, pos int) (line []byte, next int) {
	if end := bytes.IndexByte(src[pos:], '\n'); end >= 0 {
		return bytes.TrimRight(src[pos:pos+end], "\r"), pos + end + 1
	}
	return bytes.TrimRight(src[pos:], "\r"), len(src)
}

func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}
