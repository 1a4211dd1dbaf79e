package s3core

import (
	"fmt"
	"strconv"
	"strings"
)

// A window is the requested part of a body: [start, end).
type window struct {
	start, end int64
	header     string // Content-Range, if the request had a good Range
}

// parseRange reads the header Range for a body of size bytes. As in RFC 9110, it ignores a header
// that is no byte range and cuts a range that reaches past the end; a range that begins past the
// end cannot be satisfied.
func parseRange(header string, size int64) (window, error) {
	whole := window{start: 0, end: size}
	spec, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return whole, nil
	}
	if strings.Contains(spec, ",") {
		return whole, refused("more than one range in a request")
	}
	first, last, ok := strings.Cut(spec, "-")
	if !ok {
		return whole, nil
	}
	w := whole
	if first == "" {
		n, ok := digits(last)
		if !ok {
			return whole, nil
		}
		w.start = max(0, size-n)
		if n == 0 {
			w.start = size
		}
	} else {
		start, ok := digits(first)
		if !ok {
			return whole, nil
		}
		w.start = start
		if last != "" {
			end, ok := digits(last)
			if !ok || end < start {
				return whole, nil
			}
			w.end = min(size, end+1)
		}
	}
	if w.start >= size {
		return whole, generic(codeInvalidRange, "The requested range is not satisfiable")
	}
	w.header = fmt.Sprintf("bytes %d-%d/%d", w.start, w.end-1, size)
	return w, nil
}

// digits reads a number of at most eighteen digits, so that adding one to it cannot overflow.
func digits(s string) (int64, bool) {
	if len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
